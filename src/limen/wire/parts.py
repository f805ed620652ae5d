"""Fixed-size parts inside messages: sample reports and matches."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from limen.errors import BadMessage

_SAMPLE = struct.Struct("<BBBBQI")
_MATCH = struct.Struct("<QQBBHI")


@dataclass(frozen=True)
class SampleReport:
    """One sample of a capture: usable or not, how good, and why not. 16 bytes.

    status: 1 used, 2 used although of low quality, 3 not usable. quality: 0-100, 255 unknown. reasons: mask.
    """

    modality: int
    position: int
    status: int
    quality: int
    reasons: int


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
    return b"".join(_SAMPLE.pack(s.modality, s.position, s.status, s.quality, s.reasons, 0) for s in samples)


def unpack_samples(tail: bytes, count: int) -> list[SampleReport]:
    """Sample reports; `BadMessage` if their number is not `count`."""
    if len(tail) != count * _SAMPLE.size:
        raise BadMessage("A report's samples do not fit its count.")
    return [SampleReport(*row[:5]) for row in _SAMPLE.iter_unpack(tail)]


def pack_matches(matches: list[Match]) -> bytes:
    """Matches, one after the other."""
    return b"".join(_MATCH.pack(m.record, m.sample, m.strength, m.modalities, m.fingers, 0) for m in matches)


def unpack_matches(tail: bytes, count: int) -> list[Match]:
    """Matches; `BadMessage` if their number is not `count`."""
    if len(tail) != count * _MATCH.size:
        raise BadMessage("A decision's matches do not fit its count.")
    return [Match(*row[:5]) for row in _MATCH.iter_unpack(tail)]
