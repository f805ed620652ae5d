"""A slap - several fingers pressed down together - taken apart into fingers.

Fields of ridges are found on a coarse grid; those side by side are fingers, those below another are its lower joints.
Which finger is which follows from their order, if as many are found as the slap has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from limen.ridge import flow
from limen.terms import Position

CELL = flow.STEP  # pixels at 500 ppi
_MM = 500 / 25.4  # pixels in a millimetre
#: A finger's last joint: at least this area; at most this long, and as many times as long as wide where its crease is
#: not seen; wider fields are cut if fingers are missing. Pressed fingers of adults are 12 to 20 mm wide, thumbs to 28.
SMALLEST, LONGEST, ASPECT = 45.0, 34.0, 1.7  # mm2, mm
WIDEST, WIDEST_THUMB = 22.0, 34.0  # mm
_FINGERS: dict[Position, tuple[Position, ...]] = {  # from left to right on the image
    Position.PLAIN_RIGHT_FOUR: (
        Position.RIGHT_INDEX,
        Position.RIGHT_MIDDLE,
        Position.RIGHT_RING,
        Position.RIGHT_LITTLE,
    ),
    Position.PLAIN_LEFT_FOUR: (
        Position.LEFT_LITTLE,
        Position.LEFT_RING,
        Position.LEFT_MIDDLE,
        Position.LEFT_INDEX,
    ),
    Position.PLAIN_THUMBS: (Position.LEFT_THUMB, Position.RIGHT_THUMB),
}


@dataclass(frozen=True)
class Finger:
    """One finger of a slap.

    Attributes:
        position: which finger; the slap's own position where that cannot be told.
        grey: uint8 (h, w), its part of the image at 500 ppi, all else white.
        top, left: where that part lies on the slap, pixels.
    """

    position: Position
    grey: np.ndarray
    top: int
    left: int


def is_slap(position: int) -> bool:
    """Whether a position (ANSI/NIST-ITL Table 8) means several fingers."""
    return position in _FINGERS


def fingers(grey: np.ndarray, position: int) -> list[Finger]:
    """Fingers of a slap at 500 ppi, uint8 (h, w), ridges dark, fingers upward within 20 degrees; from left to right.

    At most as many as the slap has; fewer where fewer are seen, and then each with the slap's position.
    """
    wanted = _FINGERS[Position(position)]
    fields = _fields(grey)
    tips = _tips(fields, len(wanted))
    if len(tips) < len(wanted):  # perhaps because fingers touch
        widest = WIDEST if len(wanted) > 2 else WIDEST_THUMB
        tips = _tips([part for field in fields for part in _split(field, widest)], len(wanted))
    known = len(tips) == len(wanted)
    return [_cut(grey, tip, wanted[index] if known else Position(position)) for index, tip in enumerate(tips)]


def _fields(grey: np.ndarray) -> list[np.ndarray]:
    """Masks, bool (rows, columns) of cells, of the fields of ridges that are large enough for a finger's last joint."""
    ridged = flow.ridged(grey)
    closed = ndimage.binary_opening(ndimage.binary_closing(np.pad(ridged, 2)))[2:-2, 2:-2]
    labels, count = ndimage.label(closed)
    least = SMALLEST * (_MM / CELL) ** 2
    return [field for number in range(1, count + 1) if np.count_nonzero(field := labels == number) >= least]


def _split(field: np.ndarray, widest: float) -> list[np.ndarray]:
    """A field that is wider than `widest` mm, cut where fewest of its cells stand above one another."""
    columns = np.flatnonzero(field.any(0))
    width = columns[-1] - columns[0] + 1
    if width * CELL <= widest * _MM:
        return [field]
    heights = field.sum(0)
    margin = max(2, width // 5)
    inner = np.arange(columns[0] + margin, columns[-1] - margin + 1)
    if not len(inner):
        return [field]
    at = int(inner[np.argmin(heights[inner])])
    left, right = field.copy(), field.copy()
    left[:, at:] = False
    right[:, : at + 1] = False
    return [part for half in (left, right) if half.any() for part in _split(half, widest)]


def _tips(fields: list[np.ndarray], most: int) -> list[np.ndarray]:
    """The uppermost field of each finger, at most `most` of them (the largest), from left to right."""
    tips: list[np.ndarray] = []
    for field in sorted(fields, key=lambda one: np.flatnonzero(one.any(1))[0]):
        if not any(_below(tip, field) for tip in tips):
            tips.append(_shortened(field))
    largest = sorted(tips, key=np.count_nonzero, reverse=True)[:most]
    return sorted(largest, key=lambda one: float(np.flatnonzero(one.any(0)).mean()))


def _below(tip: np.ndarray, field: np.ndarray) -> bool:
    """Whether a field lies under a fingertip: its lower joint. Fingers lean a little."""
    rows, columns = np.flatnonzero(tip.any(1)), np.flatnonzero(tip.any(0))
    others, across = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    down = max(0.0, others.mean() - rows.mean())
    if others[0] <= rows.mean():
        return False  # beside it
    return bool(abs(across.mean() - columns.mean()) < 0.35 * (columns[-1] - columns[0] + 1) + 0.2 * down)


def _shortened(field: np.ndarray) -> np.ndarray:
    """A fingertip without the joints that hang together with it."""
    rows, columns = np.flatnonzero(field.any(1)), np.flatnonzero(field.any(0))
    most = min(LONGEST * _MM / CELL, ASPECT * (columns[-1] - columns[0] + 1))
    short = field.copy()
    short[rows[0] + int(np.ceil(most)) :] = False
    return short


def _cut(grey: np.ndarray, tip: np.ndarray, position: Position) -> Finger:
    """The part of the slap under a mask and one cell around it, with holes filled."""
    mask = ndimage.binary_fill_holes(ndimage.binary_dilation(tip, np.ones((3, 3), bool)))
    pixels = np.zeros(grey.shape, bool)
    whole = np.repeat(np.repeat(mask, CELL, 0), CELL, 1)
    # a cell's window reaches half a window further than its step: cells sit in the middle of their windows
    shift = (flow.WINDOW - CELL) // 2
    part = whole[: grey.shape[0] - shift, : grey.shape[1] - shift]
    pixels[shift : shift + part.shape[0], shift : shift + part.shape[1]] = part
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    inside = pixels[top:bottom, left:right]
    return Finger(position, np.where(inside, grey[top:bottom, left:right], np.uint8(255)), top, left)
