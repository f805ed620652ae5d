"""Fixed-size parts inside messages: sample reports and matches."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from limen.errors import BadMessage

_SAMPLE = struct.Struct("<BBBBQHH")
_FACE = struct.Struct("<HHHH")
_WHOLE = 65_535  # a picture's width or height, in the unit of boxes
_MATCH = struct.Struct("<QQBBHI")


@dataclass(frozen=True)
class SampleReport:
    """One sample of a capture: usable or not, how good, and why not. 16 bytes.

    status: 1 used, 2 used although of low quality, 3 not usable. quality: 0-100, 255 unknown. reasons: mask.
    minutiae: how many are clear; area: of skin with ridges, mm2; 0 for faces, and where unknown.
    """

    modality: int
    position: int
    status: int
    quality: int
    reasons: int
    minutiae: int = 0
    area: int = 0


@dataclass(frozen=True)
class FaceBox:
    """Where a face is in its photo, upright: left, top, width, height, as fractions of the photo's sides. 8 bytes."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Match:
    """One candidate record. 24 bytes. No score: a strength of two classes, and which modalities agree.

    record: handle; sample: handle of the reference that agreed most; strength: 2 hit, 1 lead;
    modalities: mask of 1 << Modality; fingers: mask of 1 << Position of fingers that agreed.
    """

    record: int
    sample: int
    strength: int
    modalities: int
    fingers: int


def pack_samples(samples: list[SampleReport]) -> bytes:
    """Sample reports, one after the other."""
    return b"".join(_SAMPLE.pack(*vars(s).values()) for s in samples)


def unpack_samples(tail: bytes, count: int) -> list[SampleReport]:
    """Sample reports; `BadMessage` if their number is not `count`."""
    if len(tail) != count * _SAMPLE.size:
        raise BadMessage("A report's samples do not fit its count.")
    return [SampleReport(*row) for row in _SAMPLE.iter_unpack(tail)]


def pack_faces(faces: list[FaceBox]) -> bytes:
    """Boxes, one after the other; what lies outside the photo is cut off."""
    packed = b""
    for face in faces:
        left, top = _inside(face.x), _inside(face.y)
        packed += _FACE.pack(left, top, _inside(face.x + face.width) - left, _inside(face.y + face.height) - top)
    return packed


def unpack_faces(tail: bytes, count: int) -> list[FaceBox]:
    """Boxes; `BadMessage` if their number is not `count` or one reaches out of its photo."""
    if len(tail) != count * _FACE.size:
        raise BadMessage("The faces do not fit their count.")
    rows = list(_FACE.iter_unpack(tail))
    if any(x + width > _WHOLE or y + height > _WHOLE for x, y, width, height in rows):
        raise BadMessage("A face lies outside its photo.")
    return [FaceBox(*(value / _WHOLE for value in row)) for row in rows]


def _inside(fraction: float) -> int:
    return round(_WHOLE * min(max(fraction, 0.0), 1.0))


def pack_matches(matches: list[Match]) -> bytes:
    """Matches, one after the other."""
    return b"".join(_MATCH.pack(m.record, m.sample, m.strength, m.modalities, m.fingers, 0) for m in matches)


def unpack_matches(tail: bytes, count: int) -> list[Match]:
    """Matches; `BadMessage` if their number is not `count`."""
    if len(tail) != count * _MATCH.size:
        raise BadMessage("A decision's matches do not fit its count.")
    return [Match(*row[:5]) for row in _MATCH.iter_unpack(tail)]
