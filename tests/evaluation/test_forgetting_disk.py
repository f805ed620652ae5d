"""The raw disk shows what files no longer do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from limen.evaluation.forgetting import Needles
from limen.evaluation.forgetting.disk import Disk, disk
from limen.evaluation.forgetting.needles import Thing
from limen.evaluation.forgetting.scan import Frames, Scanner

CONTENT = np.random.default_rng(11).bytes(40_000)


@pytest.fixture
def mounted(tmp_path: Path):  # type: ignore[no-untyped-def]
    with disk(tmp_path) as (made, why):
        if made is None:
            pytest.skip(f"no file system can be mounted here: {why}")
        yield made


def test_a_deleted_file_is_found_on_the_raw_disk(mounted: Disk) -> None:
    needles = Needles.cut([Thing("thing", CONTENT)])
    assert mounted.scan(Scanner(needles)).found == set()
    file = mounted.folder / "spooled"
    file.write_bytes(CONTENT)
    os.sync()
    file.unlink()
    assert mounted.scan(Scanner(needles)).found == set(range(len(needles)))


def test_the_disk_s_own_control_sees_all_of_it(mounted: Disk) -> None:
    windows, seen = mounted.control()
    assert windows == seen > 100


def test_a_frame_is_looked_at_once_a_sweep_and_pages_that_are_not_there_never() -> None:
    present, swapped = np.uint64(1 << 63), np.uint64(1 << 62)
    entries = np.array([present | np.uint64(7), present | np.uint64(7), 0, present, swapped | np.uint64(7)], np.uint64)
    seen = Frames()
    assert seen.fresh(entries).tolist() == [True, True, False, True, True]
    assert seen.fresh(entries).tolist() == [False, False, False, True, True]  # a frame that is not told is always new
    assert Frames().fresh(entries).tolist() == [True, True, False, True, True]
