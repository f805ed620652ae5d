"""A fork, an edit, a truncation, a reordering: each is caught."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.ledger.logs import IDENTITY, KEY, LOG_KEY, ORIGIN, grow, line
from typer.testing import CliRunner

from limen.cli.ledger import app
from limen.errors import BadInput, Damaged, NotFound, Refused
from limen.ledger import note
from limen.ledger.audit import audit
from limen.ledger.log import Log
from limen.ledger.tiles import pack_bundle
from limen.ledger.witness import Witness, witness_key

WITNESS = "witness.example.net/w1"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    grow(folder, 100, 300)
    return folder


def head(folder: Path) -> note.Checkpoint:
    return note.opened((folder / "checkpoint").read_bytes(), LOG_KEY)


def rewrite(folder: Path, lines: list[bytes]) -> None:
    """Put other entries into the first, full bundle."""
    (folder / "tile/entries/000").write_bytes(pack_bundle(lines))


def test_an_edited_entry(log: Path) -> None:
    rewrite(log, [line(7777) if index == 40 else line(index) for index in range(256)])
    with pytest.raises(Damaged, match="Tile 0 of level 0"):
        audit(log, IDENTITY)


def test_reordered_entries(log: Path) -> None:
    rewrite(log, [line({3: 4, 4: 3}.get(index, index)) for index in range(256)])
    with pytest.raises(Damaged):
        audit(log, IDENTITY)


def test_an_edit_with_all_tiles_made_anew_under_the_old_checkpoint(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    grow(other, 300, first=1)
    shutil.copy(log / "checkpoint", other / "checkpoint")
    with pytest.raises(Damaged, match="root"):
        audit(other, IDENTITY)
    with pytest.raises(Damaged):
        Log(other, ORIGIN, IDENTITY)


def test_a_changed_hash_in_a_tile(log: Path) -> None:
    tile = log / "tile/0/000"
    data = bytearray(tile.read_bytes())
    data[5000] ^= 1
    tile.write_bytes(data)
    with pytest.raises(Damaged):
        audit(log, IDENTITY)


def test_a_truncated_bundle_or_a_missing_tile(log: Path) -> None:
    bundle = log / "tile/entries/001.p/44"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    with pytest.raises(Damaged, match="cut off"):
        audit(log, IDENTITY)
    bundle.unlink()
    with pytest.raises(Damaged, match="missing"):
        audit(log, IDENTITY)


def test_bytes_after_the_last_entry_or_hash(log: Path) -> None:
    for name in ("tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44"):
        good = (log / name).read_bytes()
        (log / name).write_bytes(good + b"\0\1x" + bytes(29))
        with pytest.raises(Damaged):
            audit(log, IDENTITY)
        (log / name).write_bytes(good)
    assert audit(log, IDENTITY).checkpoint.size == 300


@pytest.mark.parametrize("name", ["tile/entries/001.p/44", "tile/0/001.p/44"])
def test_a_change_in_what_an_earlier_checkpoint_covers(log: Path, name: str) -> None:
    grow(log, 400)
    assert audit(log, IDENTITY).checkpoint.size == 400
    data = bytearray((log / name).read_bytes())
    data[-9] ^= 1
    (log / name).write_bytes(data)
    with pytest.raises(Damaged, match="width 44, was changed"):
        audit(log, IDENTITY)


def test_a_log_is_good_while_the_hub_completes_a_tile(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes

    def grown_meanwhile(path: Path) -> bytes:
        found = read(path)
        if path.name == "checkpoint":
            monkeypatch.undo()
            grow(log, 600)  # the partial files of the head that was just read are gone
        return found

    monkeypatch.setattr(Path, "read_bytes", grown_meanwhile)
    assert audit(log, IDENTITY).checkpoint.size == 300


def test_a_truncated_log_signed_anew_is_caught_by_an_earlier_checkpoint(log: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    grow(short, 200)
    assert audit(short, IDENTITY).checkpoint.size == 200  # whole in itself
    with pytest.raises(Damaged, match="cut off"):
        audit(short, IDENTITY, [head(log)])


def test_a_fork_signed_by_the_hub_itself_is_caught_by_an_earlier_checkpoint(log: Path, tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    grow(fork, 400, first=1)
    assert audit(fork, IDENTITY).checkpoint.size == 400
    with pytest.raises(Damaged) as caught:
        audit(fork, IDENTITY, [head(log)])
    assert caught.value.code == "ledger-forked"


def test_a_changed_checkpoint(log: Path) -> None:
    data = (log / "checkpoint").read_text().replace("\n300\n", "\n299\n")
    (log / "checkpoint").write_text(data)
    with pytest.raises(Damaged):
        audit(log, IDENTITY)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness", witness_key(WITNESS, IDENTITY), KEY.sign)


def test_a_witness_cosigns_what_continues(log: Path, witness: Witness) -> None:
    with pytest.raises(BadInput, match="not known"):
        witness.cosign(log)
    witness.cosign(log, LOG_KEY)
    grow(log, 900)
    signed = witness.cosign(log, now=1_700_000_000)
    assert note.opened(signed, witness.key) == note.opened(signed, LOG_KEY) == head(log)
    with pytest.raises(Refused):
        note.opened(signed.replace(b"\n900\n", b"\n901\n"), witness.key)


def test_a_witness_refuses_a_fork_a_rollback_and_another_key(log: Path, witness: Witness, tmp_path: Path) -> None:
    witness.cosign(log, LOG_KEY)
    for size, code in ((300, "ledger-forked"), (500, "ledger-forked"), (299, "ledger-shrunk")):
        other = tmp_path / str(size)
        grow(other, size, first=1)
        with pytest.raises(Refused) as caught:
            witness.cosign(other)
        assert caught.value.code == code
    with pytest.raises(Refused) as caught:
        witness.cosign(log, note.Key(ORIGIN, witness.key.public[::-1]))
    assert caught.value.code == "log-key-changed"
    assert witness.cosign(log)  # the true log is still good


def test_the_command_says_so(log: Path, tmp_path: Path) -> None:
    arguments = ["verify", str(log), "--hub-key", IDENTITY.hex(), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0 and json.loads(done.output)["size"] == 300
    rewrite(log, [line(index + 1) for index in range(256)])
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, Damaged)


def test_where_no_log_is_that_is_what_is_said(tmp_path: Path) -> None:
    for more in ([], ["--hub-key", IDENTITY.hex()]):  # without a key, and without a vault that could be asked
        done = CliRunner().invoke(app, ["verify", str(tmp_path / "none"), "--data", str(tmp_path / "hub"), *more])
        assert isinstance(done.exception, NotFound) and "no ledger" in str(done.exception)
