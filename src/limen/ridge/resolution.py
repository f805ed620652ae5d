"""Every friction ridge image at 500 pixels an inch, the scale of the extractor and of all templates."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

from limen.reasons import Reason

PPI = 500.0  # ANSI/NIST-ITL class resolution; LEADER was trained at it
#: Ridge scanners in use read 250 to 1,200 ppi, marks are photographed at up to 4,000. Less is a default that some
#: program wrote (72, 96), more a wrong unit.
LOWEST_PPI, HIGHEST_PPI = 200.0, 4800.0
TOLERANCE = 0.01  # a 500 ppi scanner may be off by 1 % (ANSI/NIST-ITL 1-2011, 7.7.5); no resampling within


def resolve(stated: float | None) -> tuple[float, list[Reason]]:
    """Resolution to work with, in pixels an inch: the stated one, or 500 and the reason why not the stated one."""
    if stated is None or not np.isfinite(stated) or stated <= 1:  # 1: formats' word for "no unit"
        return PPI, [Reason.RESOLUTION_UNKNOWN]
    if not LOWEST_PPI <= stated <= HIGHEST_PPI:
        return PPI, [Reason.RESOLUTION_WRONG]
    return float(stated), []


def size_at_500(height: int, width: int, ppi: float) -> tuple[int, int]:
    """Height and width in pixels that an image of resolution `ppi` has at 500 ppi; at least 1."""
    if abs(ppi / PPI - 1) <= TOLERANCE:
        return height, width
    return max(1, round(height * PPI / ppi)), max(1, round(width * PPI / ppi))


def resample(grey: np.ndarray, ppi: float) -> np.ndarray:
    """The image at 500 ppi: uint8 (h, w) to uint8 (h', w').

    Lanczos with its support widened when shrinking, so that ridges of 1,000 ppi and finer images do not alias.
    """
    height, width = size_at_500(grey.shape[0], grey.shape[1], ppi)
    if (height, width) == grey.shape:
        return grey
    return np.asarray(Pillow.fromarray(grey).resize((width, height), Pillow.Resampling.LANCZOS))
