"""Another hub's log over HTTP: copied, checked, witnessed, with nothing believed of what comes."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from tests.ledger.logs import IDENTITY, LOG_KEY, ORIGIN, grow
from typer.testing import CliRunner

from limen.cli import ledger as command
from limen.client.log import RemoteLog
from limen.errors import BadFile, BadInput, Damaged, NotFound, Unavailable
from limen.ledger.audit import audit


def served(folder: Path, asked: list[str] | None = None) -> httpx.MockTransport:
    """A hub that serves a log's folder."""

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix("/ledger/")
        if asked is not None:
            asked.append(name)
        if name == "key":
            return httpx.Response(200, text=f"{LOG_KEY}\n")
        path = folder / name
        return httpx.Response(200, content=path.read_bytes()) if path.is_file() else httpx.Response(404)

    return httpx.MockTransport(answer)


def copied(folder: Path, to: Path, asked: list[str] | None = None, *, entries: bool = True) -> None:
    with RemoteLog("https://hub.example.org/ledger/", transport=served(folder, asked)) as log:
        log.copy(to, entries=entries)


def test_a_copy_is_as_good_as_the_log_and_grows_with_it(tmp_path: Path) -> None:
    grow(tmp_path / "log", 5, 600)
    copied(tmp_path / "log", tmp_path / "copy")
    assert audit(tmp_path / "copy", IDENTITY).checkpoint.size == 600
    grow(tmp_path / "log", 601)
    asked: list[str] = []
    copied(tmp_path / "log", tmp_path / "copy", asked)
    assert audit(tmp_path / "copy", IDENTITY).checkpoint.size == 601
    assert not [name for name in asked if name in ("tile/0/000", "tile/entries/000")]  # they were there already


def test_a_tile_that_was_completed_meanwhile_is_taken_whole(tmp_path: Path) -> None:
    grow(tmp_path / "log", 200)
    old = (tmp_path / "log/checkpoint").read_bytes()
    grow(tmp_path / "log", 300)
    (tmp_path / "log/checkpoint").write_bytes(old)
    copied(tmp_path / "log", tmp_path / "copy")
    assert audit(tmp_path / "copy", IDENTITY).checkpoint.size == 200


def test_a_changed_log_is_caught_in_its_copy(tmp_path: Path) -> None:
    grow(tmp_path / "log", 20)
    path = tmp_path / "log/tile/entries/000.p/20"
    path.write_bytes(path.read_bytes().replace(b"29000000", b"29000001"))
    copied(tmp_path / "log", tmp_path / "copy")
    with pytest.raises(Damaged):
        audit(tmp_path / "copy", IDENTITY)


def test_what_is_no_log_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        RemoteLog("ftp://hub")
    with pytest.raises(NotFound):
        copied(tmp_path, tmp_path / "copy")
    (tmp_path / "checkpoint").write_text("hello")
    with pytest.raises(BadFile):
        copied(tmp_path, tmp_path / "copy")
    (tmp_path / "checkpoint").write_bytes(bytes(1 << 20))
    with pytest.raises(BadFile):
        copied(tmp_path, tmp_path / "copy")
    with pytest.raises(Unavailable), RemoteLog("http://127.0.0.1:9/ledger") as log:
        log.copy(tmp_path / "copy")


def test_the_command_takes_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(tmp_path / "log", 20)
    monkeypatch.setattr(command, "RemoteLog", lambda url: RemoteLog(url, transport=served(tmp_path / "log")))
    arguments = ["verify", "https://hub.example.org/ledger", "--json", "--keep", str(tmp_path / "kept")]
    found = json.loads(CliRunner().invoke(command.app, arguments).output)
    assert (found["origin"], found["size"], found["key"]) == (ORIGIN, 20, str(LOG_KEY))
    assert (tmp_path / "kept/checkpoint").exists()
