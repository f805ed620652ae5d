"""LEADER: the fully convolutional network that sees minutiae.

R. Cappelli, "No Feature Left Behind: Filling the Gap in Fingerprint Minutiae Extraction", IEEE T-IFS, 2024. It tells
for every pixel how surely a minutia lies there, its direction and its kind; minutiae are where the blurred sureness
peaks.
Directions are ISO/IEC 19794-2's: from an ending back along its ridge, from a fork between its two arms;
counter-clockwise from the x axis, y up (looked at on real prints).

There are two ways to run it, tested to agree: a native kernel on AMX tiles (`native/leader`, thirteen times as fast),
and onnxruntime where the processor has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from limen import models
from limen.ridge.template import BIFURCATION, ENDING

MODEL = "leader"
#: Thresholds on the peaks: what is read at all, and what is clear (the author's threshold, pyfing). The comparator
#: weighs minutiae by their surety, and errs a third as often with the faint ones (docs/accuracy.md).
FAINT, CLEAR = 0.1, 0.55
MULTIPLE = 32  # sides that the network takes: five halvings
#: Larger images go through in tiles, so that memory stays below 100 MB: a tile's side, and how much of it is context
#: that the neighbour reads too, in pixels.
TILE, CONTEXT = 768, 64


@dataclass(frozen=True)
class Minutiae:
    """Minutiae in the pixels of the image that was read, the surest first.

    Attributes:
        x, y: float32 (n,), pixels from the top left; the peak's place to a fraction of a pixel.
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

    def of(self, chosen: np.ndarray) -> Minutiae:
        """Some of them: by a mask, bool (n,), or by indices."""
        return Minutiae(self.x[chosen], self.y[chosen], self.angle[chosen], self.kind[chosen], self.sure[chosen])


class Backend(Protocol):
    """A way to run the network."""

    def peaks(self, grey: np.ndarray) -> np.ndarray:
        """Minutiae of uint8 (h, w), sides multiples of 32: float32 (n, 7) of x, y (whole pixels), how far the peak
        lies from there (x, y, -1/2 to 1/2), angle (radians), endingness (0-1), sureness (FAINT to 1)."""


class Tiles:
    """The native kernel. Forked children may use it."""

    def __init__(self) -> None:
        from limen.models.leader_fold import fold  # imports onnx, which nothing else here needs
        from limen.ridge import _leader

        self._network = _leader.Network(fold(models.read(MODEL)))

    @staticmethod
    def supported() -> bool:
        """Whether this processor and system have what it needs, and the module is built."""
        try:
            from limen.ridge import _leader
        except ImportError:  # built on x86-64 Linux only
            return False
        return bool(_leader.supported())

    def peaks(self, grey: np.ndarray) -> np.ndarray:
        """See `Backend`."""
        return np.asarray(self._network.read(np.ascontiguousarray(grey), FAINT))


class Graph:
    """The prepared graph (`limen.models.prepare_leader`) in onnxruntime."""

    def __init__(self) -> None:
        self._session: Any = models.session(MODEL)

    def peaks(self, grey: np.ndarray) -> np.ndarray:
        """See `Backend`."""
        heat, cosine, sine, endings, peaks = self._session.run(
            None, {"input": grey[None, :, :, None].astype(np.float32)}
        )[0][0]
        y, x = np.nonzero(peaks >= FAINT)
        angle = np.arctan2(sine[y, x], cosine[y, x])
        near = _blurred(heat)
        across = _summit(near[y + 1, x], near[y + 1, x + 1], near[y + 1, x + 2])
        down = _summit(near[y, x + 1], near[y + 1, x + 1], near[y + 2, x + 1])
        return np.column_stack([x, y, across, down, angle, endings[y, x], peaks[y, x]]).astype(np.float32)


class Leader:
    """The network, loaded once; `read` may be called in forked children, by one thread at a time."""

    def __init__(self, backend: Backend | None = None) -> None:
        self._backend = backend or (Tiles() if Tiles.supported() else Graph())

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
        peaks = self._backend.peaks(padded)
        x, y = peaks[:, 0] - before, peaks[:, 1] - above
        half = CONTEXT // 2
        own = (
            (y >= (half if top else 0))
            & (x >= (half if left else 0))
            & (y < (tile.shape[0] if top + tile.shape[0] == height else TILE - half))
            & (x < (tile.shape[1] if left + tile.shape[1] == width else TILE - half))
        )
        x = np.clip(x + peaks[:, 2], 0, tile.shape[1] - 1) + left
        y = np.clip(y + peaks[:, 3], 0, tile.shape[0] - 1) + top
        return np.column_stack([x, y, peaks[:, 4:7]])[own].astype(np.float32)


def _blurred(heat: np.ndarray) -> np.ndarray:
    """The position map as the network blurs it before it looks for peaks, with one pixel of border."""
    row = np.array([1, 4, 6, 4, 1], np.float32) / 16
    padded = np.pad(heat, 3)
    across = sum(row[i] * padded[:, i : padded.shape[1] - 4 + i] for i in range(5))
    return sum(row[i] * across[i : across.shape[0] - 4 + i] for i in range(5))


def _summit(before: np.ndarray, peak: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where the parabola through three neighbours has its top, in pixels from the middle one."""
    bend = before - 2 * peak + after
    return np.where(bend < -1e-6, np.clip((before - after) / np.where(bend < -1e-6, 2 * bend, 1), -0.5, 0.5), 0)


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
