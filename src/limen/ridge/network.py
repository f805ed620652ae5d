"""LEADER: the fully convolutional network that sees minutiae.

R. Cappelli, "No Feature Left Behind: Filling the Gap in Fingerprint Minutiae Extraction", IEEE T-IFS, 2024. Its output
is, for every pixel, how surely a minutia lies there, its direction, its kind, and the surety again where it is a local
maximum. Directions are ISO/IEC 19794-2's: from an ending back along its ridge, from a fork between its two arms;
counter-clockwise from the x axis, y up (looked at on real prints).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from limen import models
from limen.ridge.template import BIFURCATION, ENDING

MODEL = "leader"
#: Thresholds on the local maxima: what is read at all, and what is clear (the author's threshold, pyfing). The
#: comparator weighs minutiae by their surety, and errs a third as often with the faint ones (docs/accuracy.md).
FAINT, CLEAR = 0.1, 0.55
MULTIPLE = 32  # sides that the network takes: five halvings
#: Larger images go through in tiles, so that memory stays below 1 GB: a tile's side, and how much of it is context
#: that the neighbour reads too, in pixels.
TILE, CONTEXT = 1024, 64


@dataclass(frozen=True)
class Minutiae:
    """Minutiae in the pixels of the image that was read, best first.

    Attributes:
        x, y: float32 (n,), pixels from the top left.
        angle: float32 (n,), radians in [0, 2*pi), counter-clockwise, y up.
        kind: uint8 (n,), ENDING or BIFURCATION.
        sure: float32 (n,), FAINT to 1.
    """

    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    kind: np.ndarray
    sure: np.ndarray

    def __len__(self) -> int:
        return len(self.x)


class Leader:
    """The network, loaded once; `read` may be called in forked children."""

    def __init__(self) -> None:
        self._session: Any = models.session(MODEL)

    def read(self, grey: np.ndarray, fill: int) -> Minutiae:
        """Minutiae of a 500 ppi image, uint8 (h, w), ridges dark; `fill` is the grey level of its background."""
        found = [
            self._read_tile(grey[top : top + TILE, left : left + TILE], fill, top, left, *grey.shape)
            for top in _starts(grey.shape[0])
            for left in _starts(grey.shape[1])
        ]
        rows = np.concatenate(found)
        rows = rows[np.lexsort((rows[:, 0], rows[:, 1], -rows[:, 4]))]
        kind = np.where(rows[:, 3] >= 0.5, ENDING, BIFURCATION).astype(np.uint8)
        return Minutiae(rows[:, 0], rows[:, 1], np.mod(rows[:, 2], np.float32(2 * np.pi)), kind, rows[:, 4])

    def _read_tile(self, tile: np.ndarray, fill: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Rows of x, y, direction, endingness, sureness, float32 (n, 5), of the part that no other tile reads."""
        padded, above, before = _pad(tile, fill)
        map_ = self._session.run(None, {"input": padded[None, :, :, None].astype(np.float32)})[0][0]
        map_ = map_[above : above + tile.shape[0], before : before + tile.shape[1]]
        y, x = np.nonzero(map_[..., 3] >= FAINT)
        values = map_[y, x]
        half = CONTEXT // 2
        own = (
            ((y >= half) | (top == 0))
            & ((x >= half) | (left == 0))
            & ((y < TILE - half) | (top + tile.shape[0] == height))
            & ((x < TILE - half) | (left + tile.shape[1] == width))
        )
        return np.column_stack([x + left, y + top, values[:, 1], values[:, 2], values[:, 3]])[own].astype(np.float32)


def _starts(side: int) -> list[int]:
    """Where tiles begin along a side so that each reads `CONTEXT` pixels of its neighbour."""
    return list(range(0, max(side - CONTEXT, 1), TILE - CONTEXT))


def _pad(tile: np.ndarray, fill: int) -> tuple[np.ndarray, int, int]:
    """Tile centred on sides that are multiples of 32, and how many rows and columns were put before it."""
    height, width = (-(-side // MULTIPLE) * MULTIPLE for side in tile.shape)
    above, before = (height - tile.shape[0]) // 2, (width - tile.shape[1]) // 2
    padded = np.full((height, width), fill, np.uint8)
    padded[above : above + tile.shape[0], before : before + tile.shape[1]] = tile
    return padded, above, before
