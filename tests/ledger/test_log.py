"""The log: what goes in comes out, proofs hold, and a crash at any moment leaves it consistent."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.ledger.logs import IDENTITY, KEY, LOG_KEY, ORIGIN, grow, line

from limen.errors import Damaged, Unavailable
from limen.ledger import note
from limen.ledger.audit import audit
from limen.ledger.checking import consistent, included
from limen.ledger.log import Log
from limen.ledger.tiles import Folder, number, tile_path
from limen.ledger.tree import Tree, leaf_hash


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def test_known_roots_of_rfc_6962() -> None:
    """The test vectors of the Certificate Transparency reference implementation."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243")]
    row = b"".join(map(leaf_hash, leaves))
    assert Tree(6, lambda level, index, width: row[: 32 * width]).root().hex() == (
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"
    )


def test_paths_are_those_of_tlog_tiles() -> None:
    assert number(1234067) == "x001/x234/067" and number(0) == "000" and number(1000) == "x001/000"
    assert tile_path("entries", 273, 112) == "tile/entries/273.p/112"


def test_a_log_of_all_levels_is_good_and_has_the_tiles_of_the_format(tmp_path: Path) -> None:
    grow(tmp_path, 1, 255, 256, 257, 70_000)
    found = audit(tmp_path, IDENTITY)
    assert found.checkpoint.size == 70_000 and found.kinds == {"search-admitted": 70_000}
    partial = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.p/*")}
    assert {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"} <= partial
    assert not [path for path in partial if path.startswith(("tile/0/000", "tile/1/000"))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()} == {0o600}


@examples(max_examples=25)
@given(sizes=st.lists(st.integers(1, 600), min_size=1, max_size=5, unique=True), data=st.data())
def test_roots_and_proofs_hold_and_no_others(tmp_path_factory: pytest.TempPathFactory, sizes, data) -> None:
    folder = tmp_path_factory.mktemp("log")
    sizes = sorted(sizes)
    grow(folder, *sizes)
    log = Log(folder, "another.example.org", IDENTITY)
    head, lines = log.checkpoint, [line(index) for index in range(sizes[-1])]
    assert head.origin == ORIGIN and head.root == mth(lines)
    index = data.draw(st.integers(0, head.size - 1))
    proof = log.inclusion(index)
    assert included(lines[index], index, head.size, proof, head.root)
    assert not included(lines[index] + b" ", index, head.size, proof, head.root)
    assert not included(lines[index], index ^ 1, head.size, proof, head.root) or head.size == 1
    old = data.draw(st.integers(0, head.size))
    steps = log.consistency(old)
    assert consistent(old, mth(lines[:old]), head.size, head.root, steps)
    assert not consistent(old, mth([*lines[: old - 1], b"other"]), head.size, head.root, steps)
    assert not consistent(old, mth(lines[:old]), head.size, head.root, [*steps, b"x" * 32])
    log.close()


def test_a_note_is_that_of_the_specification(tmp_path: Path) -> None:
    """Key ID and signature of the format's own well-known example (golang.org/x/mod/sumdb/note)."""
    key = note.Key.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert str(key) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    grow(tmp_path, 3)
    head = note.opened((tmp_path / "checkpoint").read_bytes(), LOG_KEY)
    assert (head.origin, head.size) == (ORIGIN, 3)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    log = Log(tmp_path, ORIGIN, IDENTITY)
    with pytest.raises(Unavailable):
        Log(tmp_path, ORIGIN, IDENTITY)
    log.close()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    grow(tmp_path, 3)
    with pytest.raises(Damaged):
        Log(tmp_path, ORIGIN, bytes(32))


@pytest.mark.parametrize("size", [5, 255, 256, 300, 600])
def test_a_crash_between_any_two_steps_of_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Every write in turn is the last one that reaches the disk."""
    from limen.ledger import tiles

    real, step = tiles.replace_private, 0
    while True:
        folder = tmp_path / str(step)
        grow(folder, 250)
        left = step

        def write(path: Path, content: bytes) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            real(path, content)

        log = Log(folder, ORIGIN, IDENTITY)
        with monkeypatch.context() as patched:
            patched.setattr(tiles, "replace_private", write)
            try:
                log.append([line(number) for number in range(250, 250 + size)], KEY.sign)
                crashed = False
            except KeyboardInterrupt:
                crashed = True
        log.close()
        before = note.opened((folder / "checkpoint").read_bytes(), LOG_KEY)
        again = Log(folder, ORIGIN, IDENTITY)
        staged = again.pending
        again.append([line(9999)], KEY.sign)
        head = again.checkpoint
        again.close()
        found = audit(folder, IDENTITY, [before, *([staged] if staged else [])])
        assert head.size == (staged or before).size + 1 == found.checkpoint.size
        if not crashed:
            assert step >= 3
            return
        step += 1


WRITER = """
import sys
from pathlib import Path
from tests.ledger.logs import KEY, IDENTITY, ORIGIN, line
from limen.ledger.log import Log
log = Log(Path(sys.argv[1]), ORIGIN, IDENTITY)
while True:
    size = log.checkpoint.size
    log.append([line(index) for index in range(size, size + 37)], KEY.sign)
    print(log.checkpoint.size, flush=True)
"""


def test_a_writer_killed_at_work_loses_nothing_that_it_had_confirmed(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    for wait in (0.0, 0.013, 0.031):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert writer.stdout is not None
        confirmed = int(writer.stdout.readline())
        time.sleep(wait)
        os.kill(writer.pid, signal.SIGKILL)
        confirmed = max([confirmed, *map(int, writer.stdout.read().split())])
        writer.wait()
        log = Log(tmp_path, ORIGIN, IDENTITY)
        log.append([], KEY.sign)
        assert log.checkpoint.size >= confirmed
        log.close()
        assert audit(tmp_path, IDENTITY).checkpoint.size >= confirmed


def test_an_old_checkpoint_put_back_loses_no_entry(tmp_path: Path) -> None:
    grow(tmp_path, 3)
    kept = {name: (tmp_path / name).read_bytes() for name in ("checkpoint", "pending")}
    grow(tmp_path, 5, 300, 301)
    newest = (tmp_path / "checkpoint").read_bytes()
    (tmp_path / "checkpoint").write_bytes(kept["checkpoint"])
    log = Log(tmp_path, ORIGIN, IDENTITY)
    log.append([], KEY.sign)  # rolled forward to what was signed last
    log.close()
    assert (tmp_path / "checkpoint").read_bytes() == newest
    assert audit(tmp_path, IDENTITY).checkpoint.size == 301
    grow(tmp_path, 303)
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Damaged, match="an old one"):
        Log(tmp_path, ORIGIN, IDENTITY)
    (tmp_path / "pending").unlink()
    with pytest.raises(Damaged, match="an old one"):
        Log(tmp_path, ORIGIN, IDENTITY)
    assert len(Folder(tmp_path).bundle(1, 47)) == 47  # nothing was deleted


def test_what_a_crash_left_is_set_aside_not_deleted(tmp_path: Path) -> None:
    grow(tmp_path, 3)
    log = Log(tmp_path, ORIGIN, IDENTITY)
    log.stage([line(3)])
    log.close()
    (tmp_path / "pending").write_bytes((tmp_path / "checkpoint").read_bytes().split(b"\n\n")[0] + b"\n")
    grow(tmp_path, 3)
    assert (tmp_path / "aside/tile/entries/000.p/4").exists() and not (tmp_path / "tile/entries/000.p/4").exists()


@pytest.mark.parametrize("size", [1, 5, 256, 300])
def test_proofs_come_with_the_checkpoint_that_they_are_for(tmp_path: Path, size: int) -> None:
    grow(tmp_path, size)
    log = Log(tmp_path, ORIGIN, IDENTITY)
    signed, proofs = log.prove([0, size - 1])
    log.close()
    head = note.opened(signed, LOG_KEY)
    for index, proof in zip((0, size - 1), proofs, strict=True):
        assert included(line(index), index, head.size, proof, head.root)
        assert not included(line(index + 1), index, head.size, proof, head.root)
