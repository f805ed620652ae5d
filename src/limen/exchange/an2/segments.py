"""Fingers out of slaps: cut along the segment positions of a Type-14 record."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from limen.errors import BadImage
from limen.exchange.an2 import raw
from limen.exchange.an2.records import Record
from limen.images import decode
from limen.terms import Position

PAIRS = range(40, 51)  # positions of two or three fingers captured together (Table 8)
_MAX_SEGMENTS = 10
_SMALLEST = 48  # pixels a side: under 2.5 mm at 500 ppi is a placeholder, no finger
_WHITE = 255  # the background that friction ridge images have


@dataclass(frozen=True)
class Segment:
    """One finger of a slap: a PGM of its part, and its size in pixels."""

    position: Position
    data: bytes = field(repr=False)
    width: int
    height: int


def cut(record: Record, data: bytes, ppi: float | None) -> list[Segment]:
    """Fingers of a slap; empty if it has no usable segment positions, or cannot be decoded."""
    outlines = _polygons(record) or _boxes(record)
    if not outlines:
        return []
    try:
        grey = decode(data).grey()
    except BadImage:
        return []
    cuts = [_cut_one(grey, position, outline, ppi) for position, outline in outlines]
    return [segment for segment in cuts if segment]


def _boxes(record: Record) -> list[tuple[Position, list[tuple[int, int]]]]:
    """14.021: finger, left, right, top, bottom."""
    out = []
    for row in record.subfields(21)[:_MAX_SEGMENTS]:
        numbers = _whole(row)
        if len(numbers) == 5 and 1 <= numbers[0] <= 10:
            finger, left, right, top, bottom = numbers
            out.append((Position(finger), [(left, top), (right, top), (right, bottom), (left, bottom)]))
    return out


def _polygons(record: Record) -> list[tuple[Position, list[tuple[int, int]]]]:
    """14.025: finger, number of corners (3 to 99), x and y of each."""
    out = []
    for row in record.subfields(25)[:_MAX_SEGMENTS]:
        numbers = _whole(row)
        if len(numbers) >= 8 and 1 <= numbers[0] <= 10 and len(numbers) == 2 + 2 * numbers[1] <= 200:
            out.append((Position(numbers[0]), list(zip(numbers[2::2], numbers[3::2], strict=True))))
    return out


def _cut_one(grey: np.ndarray, position: Position, outline: list[tuple[int, int]], ppi: float | None) -> Segment | None:
    """The part of the image inside an outline, white around it; None if the outline is no finger's."""
    height, width = grey.shape
    left, right = min(x for x, _ in outline), min(max(x for x, _ in outline) + 1, width)
    top, bottom = min(y for _, y in outline), min(max(y for _, y in outline) + 1, height)
    if right - left < _SMALLEST or bottom - top < _SMALLEST:
        return None
    mask = Pillow.new("1", (right - left, bottom - top))
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in outline], fill=1)
    part = np.where(np.asarray(mask), grey[top:bottom, left:right], np.uint8(_WHITE))
    data = raw.header(right - left, bottom - top, ppi=ppi) + part.tobytes()
    return Segment(position, data, right - left, bottom - top)


def _whole(row: tuple[str, ...]) -> list[int]:
    """Items as whole numbers; empty if one is none."""
    return [int(item) for item in row] if all(i.isascii() and i.isdigit() and len(i) < 6 for i in row) else []
