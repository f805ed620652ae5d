"""Minutiae of Type-9 records, as an examiner or another system plotted them, as templates.

Three ways of writing them are read, in this order: the INCITS 378 block (9.126-9.140), extended features (9.300-9.399,
EFS) and the standard's own first format (9.005-9.012). Their conventions differ:

| | unit | origin | direction |
|---|---|---|---|
| 9.012 | 0.01 mm | bottom left | away from the ridge: opposite to ISO/IEC 19794-2 |
| 9.137 | pixel | top left | as ISO/IEC 19794-2, in steps of 2 degrees |
| 9.331 | 0.01 mm | top left | as ISO/IEC 19794-2, in degrees |

The first row is borne out by NIST's sample (27 of 28 minutiae lie on those that LEADER finds, directions apart by
-1 degree on average); the others follow the standard's text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from limen.exchange.an2.records import Record
from limen.exchange.minutiae import ppi
from limen.ridge.template import BIFURCATION, ENDING, MAX_MINUTIAE, MAX_SIDE, NOT_COMPUTED, OTHER, RidgeTemplate

_PER_UNIT = 500 / 2540  # pixels at 500 ppi in 0.01 mm
_KINDS = {"A": ENDING, "E": ENDING, "1": ENDING, "B": BIFURCATION, "2": BIFURCATION}
_WORST_QUALITY = 63  # 9.012: 0 placed by hand, 1 unknown, 2 best, 63 worst
_BY_HAND = ("M", "E", "R")  # method in 9.005: manual, automatic but edited, automatic but reviewed


@dataclass(frozen=True)
class _Minutia:
    """Pixels at 500 ppi from the top left (y from the bottom if the record counts so), degrees as ISO has them."""

    x: float
    y: float
    degrees: float
    kind: int
    quality: int


def template(record: Record, image_width: int = 0, image_height: int = 0) -> RidgeTemplate | None:
    """Template of a Type-9 record; None if it has no minutiae in a format that we know.

    Args:
        record: of Type 9.
        image_width, image_height: of the image with the same IDC in pixels at 500 ppi; 0: there is none, and the
            minutiae lie in the smallest image that holds them.
    """
    for read, upward in ((_incits, False), (_extended, False), (_standard, True)):
        rows = [row for row in read(record) if row is not None][:MAX_MINUTIAE]
        if rows:
            width, height = _incits_size(record) if read is _incits and not image_width else (image_width, image_height)
            return _template(record, rows, width, height, upward)
    return None


def _template(record: Record, rows: list[_Minutia], width: int, height: int, upward: bool) -> RidgeTemplate | None:
    width = max(width, math.ceil(max(row.x for row in rows)), 1)
    height = max(height, math.ceil(max(row.y for row in rows)), 1)
    if max(width, height) > MAX_SIDE:
        return None
    y = np.array([row.y for row in rows], np.float32)
    return RidgeTemplate(
        model="examiner" if _method(record) in _BY_HAND else "type-9",
        position=_position(record),
        quality=_quality(record),
        width=width,
        height=height,
        x=np.array([row.x for row in rows], np.float32),
        y=height - y if upward else y,
        angle=np.radians(np.array([row.degrees % 360 for row in rows], np.float32)),
        kind=np.array([row.kind for row in rows], np.uint8),
        minutia_quality=np.array([row.quality for row in rows], np.uint8),
    )


def _standard(record: Record) -> list[_Minutia | None]:
    """9.012: number, XXXXYYYYTTT, quality, type, ridge counts."""
    return [_standard_row(row) for row in record.subfields(12)]


def _standard_row(row: tuple[str, ...]) -> _Minutia | None:
    place = row[1].strip() if len(row) > 3 else ""
    if len(place) != 11 or not (place.isascii() and place.isdigit()):
        return None
    quality = _whole(row[2], _WORST_QUALITY)
    score = 100 if quality == 0 else 0 if quality in (None, 1) else round(100 * (_WORST_QUALITY - quality) / 61)
    return _Minutia(int(place[:4]) * _PER_UNIT, int(place[4:8]) * _PER_UNIT, int(place[8:]) + 180, _kind(row[3]), score)


def _incits(record: Record) -> list[_Minutia | None]:
    """9.137: number, x, y, angle / 2, type, quality; 9.130-9.132 give the scale."""
    unit, across, down = (record.whole(number) or 0 for number in (130, 131, 132))
    if unit not in (1, 2) or not (across and down):
        return []
    scale = _scale(unit, across), _scale(unit, down)
    return [_incits_row(row, scale) for row in record.subfields(137)]


def _scale(unit: int, density: int) -> float:
    """Pixels at 500 ppi in a pixel of a density in units of 9.130: 1 pixels an inch, 2 pixels a centimetre."""
    return 500 / (density if unit == 1 else ppi(density))


def _incits_size(record: Record) -> tuple[int, int]:
    """Width and height of the image that 9.128-9.132 describe, in pixels at 500 ppi; 0 where they do not."""
    unit, across, down = (record.whole(number) or 0 for number in (130, 131, 132))
    if unit not in (1, 2) or not (across and down):
        return 0, 0
    width, height = (record.whole(number) or 0 for number in (128, 129))
    return math.ceil(width * _scale(unit, across)), math.ceil(height * _scale(unit, down))


def _incits_row(row: tuple[str, ...], scale: tuple[float, float]) -> _Minutia | None:
    numbers = [_whole(item, 65_535) for item in row[1:4]]
    if len(row) < 6 or None in numbers:
        return None
    x, y, half = (number or 0 for number in numbers)
    return _Minutia(x * scale[0], y * scale[1], 2 * half, _kind(row[4]), min(_whole(row[5], 255) or 0, 100))


def _extended(record: Record) -> list[_Minutia | None]:
    """9.331: x, y, angle, type, and uncertainties. Where 9.300 names a region of the image, all are shifted alike."""
    return [_extended_row(row) for row in record.subfields(331)]


def _extended_row(row: tuple[str, ...]) -> _Minutia | None:
    numbers = [_whole(item, 99_999) for item in row[:3]]
    if len(row) < 4 or None in numbers:
        return None
    x, y, degrees = (number or 0 for number in numbers)
    return _Minutia(x * _PER_UNIT, y * _PER_UNIT, degrees, _kind(row[3]), 100)


def _kind(text: str) -> int:
    return _KINDS.get(text.strip().upper(), OTHER)


def _whole(text: str, most: int) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= most else None


def _method(record: Record) -> str:
    row = next(iter(record.subfields(5)), ())
    return row[1].strip().upper() if len(row) > 1 else ""


def _quality(record: Record) -> int:
    """Of the image, 0-100, as 9.135 states it."""
    quality = record.whole(135)
    return quality if quality is not None and quality <= 100 else NOT_COMPUTED


def _position(record: Record) -> int:
    """9.134 or 9.006, one finger; 0 where several are possible."""
    for number in (134, 6):
        codes = {_whole(row[0], 99) for row in record.subfields(number) if row}
        if len(codes) == 1 and (code := codes.pop()):
            return code
    return 0
