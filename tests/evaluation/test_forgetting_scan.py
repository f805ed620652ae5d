"""The scanner finds what is there, wherever it lies, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limen.evaluation.forgetting import Needles, prove_forgotten
from limen.evaluation.forgetting.needles import Thing
from limen.evaluation.forgetting.scan import BLOCK, Scanner, children

THING = np.random.default_rng(7).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
NEEDLES = Needles.cut([Thing("thing", THING)])


@given(before=st.binary(max_size=70), number=st.integers(0, len(NEEDLES) - 1), after=st.binary(max_size=40))
def test_a_window_is_found_at_every_offset(before: bytes, number: int, after: bytes) -> None:
    window = NEEDLES.windows[number].tobytes()
    assert number in Scanner(NEEDLES).search(before + window + after)


@given(number=st.integers(0, len(NEEDLES) - 1), place=st.integers(0, 31), other=st.integers(1, 255))
def test_one_byte_off_is_no_trace(number: int, place: int, other: int) -> None:
    window = bytearray(NEEDLES.windows[number].tobytes())
    window[place] ^= other
    assert number not in Scanner(NEEDLES).search(bytes(window))


def test_blank_ground_proves_nothing() -> None:
    assert len(Needles.cut([Thing("blank", bytes(10_000)), Thing("flat", b"\x80\x81" * 5_000)])) == 0


def test_files_are_searched_across_block_borders(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(bytes(BLOCK - 16) + NEEDLES.windows[3].tobytes() + bytes(100))
    assert Scanner(NEEDLES).file(file).found == {3}


def test_a_process_that_holds_a_capture_is_caught_and_one_that_does_not_is_clean(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "probe.png")
    needles = Needles.of_images([tmp_path / "probe.png"])
    assert set(needles.kinds) == {"file", "pixels"}
    script = (
        "import sys; x = open(sys.argv[1], 'rb').read() if sys.argv[1] else b''; print(flush=True); sys.stdin.read()"
    )
    for held, expected in ((str(tmp_path / "probe.png"), True), ("", False)):
        process = subprocess.Popen([sys.executable, "-c", script, held], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin and process.stdout
        process.stdout.readline()
        (tmp_path / "data").mkdir(exist_ok=True)
        finding = prove_forgotten({"process": process.pid}, [tmp_path / "data"], needles)
        process.stdin.close()
        process.wait()
        assert finding.valid
        assert bool(finding.hits) is expected
        assert ("process" in finding.by_path) is expected


def test_a_leaking_file_is_caught(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "upload.tmp").write_bytes(b"header" + THING)
    finding = prove_forgotten({}, [tmp_path / "spool"], NEEDLES)
    assert finding.by_path == {"upload.tmp": len(NEEDLES)}
    assert "were found" in finding.sentence


def test_workers_are_looked_into_with_their_parents() -> None:
    child = subprocess.Popen(["sleep", "30"])
    try:
        assert child.pid in children(os.getpid())
    finally:
        child.kill()
        child.wait()


def test_without_windows_nothing_is_proved() -> None:
    finding = prove_forgotten({}, [], Needles.cut([]))
    assert not finding.valid
    assert "proves nothing" in finding.sentence
