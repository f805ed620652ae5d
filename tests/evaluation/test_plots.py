"""DET plots: written, readable, and with a line for every curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limen.errors import BadInput
from limen.evaluation.plots import KINDS, check_place, det_plot


def coloured(file: Path) -> int:
    """Pixels that are not grey: only curves have colour."""
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
    return int((np.ptp(pixels, axis=2) > 40).sum())


def test_curves_leave_their_ink_and_an_empty_plot_has_none(tmp_path: Path) -> None:
    fmr = np.geomspace(1e-5, 1, 50)
    good = (fmr, np.minimum(1, 1e-3 / np.sqrt(fmr)))
    det_plot({}, tmp_path / "empty.png")
    det_plot({"good": good}, tmp_path / "one.png")
    det_plot({"good": good, "no misses": (fmr, np.zeros(50))}, tmp_path / "two.png", title="two")
    none, one, two = (coloured(tmp_path / f"{name}.png") for name in ("empty", "one", "two"))
    assert none == 0
    assert 500 < one < two


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    check_place(None)
    check_place(tmp_path / "det.SVG", KINDS)
    for wrong in (tmp_path / "absent" / "det.svg", tmp_path / "det.xyz", tmp_path):
        with pytest.raises(BadInput):
            check_place(wrong, KINDS)
