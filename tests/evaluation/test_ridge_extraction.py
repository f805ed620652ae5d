"""Extraction of many files survives files that are damaged and processes that die."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limen.evaluation import ridge_extraction


def test_order_is_kept_and_damaged_files_fail_alone(tmp_path: Path) -> None:
    y, x = np.mgrid[0:200, 0:200]
    good = (127 + 110 * np.cos(2 * np.pi * y / 9 + np.arctan2(y - 100, x - 90))).astype(np.uint8)
    Image.fromarray(good).save(tmp_path / "good.png", dpi=(500, 500))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "blank.png").write_bytes(b"no image")
    done: list[int] = []
    found = ridge_extraction.extract(
        [tmp_path / name for name in ("empty.png", "good.png", "blank.png")], 1, done.append
    )
    assert [one.template is not None for one in found] == [False, True, False]
    assert found[1].extract_ms > 0
    assert done == [1, 2, 3]


def _die(file: str, index: int, *_: object) -> ridge_extraction.Extracted:
    if index == 1:
        os.kill(os.getpid(), 9)
    return ridge_extraction.Extracted(b"", 1.0, 1.0)


def test_a_dying_process_costs_one_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ridge_extraction, "_one", _die)
    monkeypatch.setattr(ridge_extraction, "_warm", os.getpid)  # importable in the child, and quick
    found = ridge_extraction.extract([Path("a"), Path("b"), Path("c")], 1)
    assert [one.template is not None for one in found] == [True, False, True]
