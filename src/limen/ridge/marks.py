"""Crime-scene marks: where on a photograph the mark is, and what an examiner has plotted on it.

Text, lines and stains around a mark have no minutiae for long.

LEADER sees minutiae in marks without any enhancement; what misleads a comparison are the stray ones on the ground. A
mark is where clear minutiae lie close together. Chosen on the two marks of the test data, each turned by four angles:
all find their mates at rank 1 among 797 prints, as they do with most widths from 24 to 48 pixels (decision 0141).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from limen.ridge.network import Minutiae
from limen.ridge.template import MAX_MINUTIAE, RidgeTemplate

LEAST = 0.2  # surety below which a minutia of a mark is left out: prints' fainter ones help, marks' mislead
SEEN = 0.35  # surety from which a minutia counts as sign of a mark
WIDTH = 40.0  # standard deviation of the neighbourhood that is counted, pixels at 500 ppi: 2 mm
CROWD = 1.7  # sureties in that neighbourhood, weighted by nearness, that make a mark
SAME = 10.0  # pixels at 500 ppi, 0.5 mm: nearer to a plotted minutia, one that was found is taken for the same
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


def with_plotted(found: RidgeTemplate, plotted: RidgeTemplate) -> RidgeTemplate:
    """An examiner's minutiae, and those that were found on the same mark and that the examiner has not plotted.

    Better than either alone (docs/accuracy.md, Marks). Where both name one minutia, the examiner's place, direction
    and kind count. At most `MAX_MINUTIAE`, the examiner's first.
    """
    if not len(plotted):
        return found
    far = np.hypot(found.x[:, None] - plotted.x, found.y[:, None] - plotted.y).min(axis=1, initial=np.inf) > SAME

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(plotted, name), getattr(found, name)[far]])[:MAX_MINUTIAE]

    return dataclasses.replace(
        plotted,
        position=found.position,
        width=max(found.width, plotted.width),
        height=max(found.height, plotted.height),
        x=joined("x"),
        y=joined("y"),
        angle=joined("angle"),
        kind=joined("kind"),
        minutia_quality=joined("minutia_quality"),
    )
