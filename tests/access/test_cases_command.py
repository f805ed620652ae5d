"""`limen cases` as a data-protection officer types it, with a real vault."""

import json

import pytest
from typer.testing import CliRunner

from limen.access import directory
from limen.cli.cases import app
from limen.errors import BadInput, LimenError, NotFound
from limen.records.database import open_database
from limen.settings import Settings


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMEN_DATA", str(tmp_path / "hub"))
    with open_database(Settings(data=tmp_path / "hub")).writing() as session:
        directory.add_country(session, "FRA")
    return tmp_path / "hub"


def limen(*words):
    result = CliRunner().invoke(app, list(words), catch_exceptions=True)
    if isinstance(result.exception, LimenError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_case_by_command(hub):
    asks = ("--person", "Amra Example", "--request", "What do you keep of me?", "--received", "2026-11-01")
    said = limen("open", "access", "--country", "FRA", *asks, "--by", "FRA/dpo")
    number = said.split()[1].rstrip(",")
    assert number == "2026-0001" and "2027-03-01" in said
    limen("note", number, "Asked the owner.", "--by", "FRA/clerk")
    limen("close", number, "granted", "--answer", "A copy was sent.")
    found = json.loads(limen("show", number, "--json"))
    assert found["person"] == "Amra Example" and found["stands"] == "granted, in time"
    assert [one["text"] for one in found["notes"]] == ["Asked the owner.", "A copy was sent."]
    [row] = json.loads(limen("list", "--json"))
    assert "Amra" not in json.dumps(row) and row["kind"] == "access"
    assert json.loads(limen("report", "--json")) == [{"stands": "granted, in time", "cases": 1}]
    assert b"Amra" not in b"".join(file.read_bytes() for file in hub.rglob("*") if file.is_file())


def test_what_is_wrong_is_said():
    with pytest.raises(BadInput, match="not one of access"):
        limen("open", "money", "--country", "FRA", "--person", "x", "--request", "y")
    with pytest.raises(BadInput, match="no day"):
        limen("open", "access", "--country", "FRA", "--person", "x", "--request", "y", "--received", "today")
    with pytest.raises(NotFound, match="no case"):
        limen("show", "2026-0099")
