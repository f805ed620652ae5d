"""`limen records ...` as a clerk types it, with the real opener and vault."""

import json
import time

import numpy as np
import pytest
from PIL import Image
from tests.records.drafts import register
from typer.testing import CliRunner

from limen.access import caps
from limen.cli import records as command
from limen.errors import BadFile, BadInput, LimenError, NotAllowed, NotFound
from limen.evaluation.synthesis.finger import Finger
from limen.records import reminders
from limen.records.database import open_database
from limen.settings import Settings


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMEN_DATA", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)  # sockets have short names from here
    database = open_database(Settings(data=tmp_path / "hub"))
    register(database, "FRA", "DEU")
    database.close()
    return tmp_path / "hub"


def limen(*words):
    result = CliRunner().invoke(command.app, [str(word) for word in words])
    if isinstance(result.exception, LimenError):
        raise result.exception
    assert result.exit_code == 0, f"{result.output} {result.exception!r}"
    return result.stdout


def _day(ahead):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + ahead * 86_400))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finger that is one, and an image that is none."""
    folder = tmp_path_factory.mktemp("in")
    Image.fromarray(Finger(1).impression(0)).save(folder / "finger.png", dpi=(500, 500))
    Image.fromarray(np.full((300, 300), 128, np.uint8)).save(folder / "grey.png")
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"nonsense" * 20)
    (folder / "manifest.csv").write_text(
        "record_id,names,notice,right_index,face\n"
        "R-1,DUPONT Jean,red,finger.png,bad.png\n"
        "R-2,MARTIN Luc,red,grey.png,\n"
    )  # fmt: skip
    return folder


@pytest.mark.slow
def test_the_whole_life_of_a_record(folder, tmp_path, monkeypatch):
    result = json.loads(limen("import", folder, "--country", "FRA", "--json", "--rejects", tmp_path / "rejects"))
    assert (result["added"], result["rejected"], result["images_enrolled"]) == (1, 1, 1)
    rejects = [json.loads(line) for line in (tmp_path / "rejects").read_text().splitlines()]
    assert [reject["file"] for reject in rejects] == ["bad.png", "grey.png", "manifest.csv:3"]
    assert all(reject["reason"] for reject in rejects)
    again = json.loads(limen("import", folder, "--country", "FRA", "--json", "--rejects", tmp_path / "rejects"))
    assert (again["unchanged"], again["images_enrolled"]) == (1, 0)

    [row] = json.loads(limen("list", "--country", "FRA", "--json"))
    assert (row["record_id"], row["name"], row["fingers"]) == ("R-1", "DUPONT Jean", 1)
    shown = json.loads(limen("show", "R-1", "--country", "FRA", "--json"))
    assert shown["samples"][0]["position"] == "right-index"
    assert shown["samples"][0]["minutiae"] > 10
    with pytest.raises(NotFound):
        limen("show", "R-1", "--country", "DEU")
    assert limen("list", "--country", "DEU").strip() == "none"

    limen("extend", "R-1", "--country", "FRA", "--until", _day(100), "--reason", "The trial has not begun.")
    assert reminders.note(open_database(Settings(data=tmp_path / "hub")), now=int(time.time()) + 90 * 86_400) == 1
    [row] = json.loads(limen("reminders", "--country", "FRA", "--json"))
    assert (row["record_id"], row["last_day"], row["bureau_called"]) == ("R-1", _day(100), None)

    limen("export", tmp_path / "out", "--country", "FRA")
    [image] = (tmp_path / "out" / "images").iterdir()
    assert image.read_bytes() == (folder / "finger.png").read_bytes()
    with pytest.raises(BadInput, match="not empty"):
        limen("export", tmp_path / "out", "--country", "FRA")

    with open_database(Settings(data=tmp_path / "hub")).writing() as session:
        caps.note(session, (caps.Kind.BULK, "FRA"), 10, now=time.time())  # ten were withdrawn today, one by one
    with monkeypatch.context() as production, pytest.raises(NotAllowed, match="bulk-deletion"):
        production.setenv("LIMEN_PRODUCTION", "1")
        limen("withdraw", "R-1", "--country", "FRA", "--yes")
    limen("withdraw", "R-1", "--country", "FRA", "--yes")
    assert json.loads(limen("list", "--country", "FRA", "--json")) == []
    with pytest.raises(NotFound):
        limen("withdraw", "R-1", "--country", "FRA", "--yes")


def test_what_cannot_be_imported_is_said_before_anything_starts(tmp_path, folder):
    with pytest.raises(BadFile, match="does not exist"):
        limen("import", tmp_path / "absent", "-c", "FRA")
    with pytest.raises(BadInput, match="no country code"):
        limen("import", folder, "-c", "FRX")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFile, match="neither a manifest nor"):
        limen("import", tmp_path / "empty", "-c", "FRA")
    with pytest.raises(BadInput, match="no purpose"):
        limen("import", folder, "-c", "FRA", "--purpose", "curiosity")


@pytest.mark.slow
def test_an_import_of_nothing_usable_fails(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "manifest.csv").write_text("record_id,face\nR-1,absent.jpg\n")
    with pytest.raises(BadInput, match="No record was imported") as caught:
        limen("import", tmp_path / "in", "-c", "FRA", "--json")
    assert str(tmp_path / "in" / "rejects.jsonl") in caught.value.advice


def test_wrong_columns_are_named(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "manifest.csv").write_text("record_id,surname,face\nR-1,x,a.jpg\n")
    with pytest.raises(BadFile, match="'surname'"):
        limen("import", tmp_path / "in", "-c", "FRA")
    assert not (tmp_path / "in" / "rejects.jsonl").exists()
