"""What a minutiae file holds, in the numbers that it holds them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

#: One minutia as stored. kind: 0 other, 1 ridge ending, 2 bifurcation; angle: in units of `Standard.turn`.
MINUTIA = np.dtype([("kind", "u1"), ("x", "<u2"), ("y", "<u2"), ("angle", "u1"), ("quality", "u1")])
NOT_REPORTED = 254  # quality: not computed; 255: tried and failed


class Standard(StrEnum):
    """The four encodings. The value is what the command line calls them, and the model name of what is read."""

    INCITS_2004 = "incits378-2004"
    INCITS_2009 = "incits378-2009"
    ISO_2005 = "iso19794-2:2005"
    ISO_2011 = "iso19794-2:2011"

    @property
    def turn(self) -> int:
        """Angle units in a full turn: 180 of 2 degrees (INCITS 378), or 256 (ISO 19794-2)."""
        return 180 if self in (Standard.INCITS_2004, Standard.INCITS_2009) else 256


@dataclass(frozen=True)
class View:
    """One view (ISO 2011: representation) of one finger.

    Attributes:
        position: finger position, 0-10 (the codes of ANSI/NIST-ITL).
        view: 0-15 (2009 and 2011: 0-255), counts impressions of the same finger.
        impression: impression type; 0 live-scan plain, 1 live-scan rolled, 2, 3 the same from paper, 8 swipe.
        quality: 0-100, 254 not reported, 255 failed; None: the view has no quality record (ISO 2011 only).
        width, height: of the image in pixels.
        resolution: across and down, pixels per centimetre.
        minutiae: array of `MINUTIA`.
        extended: extended data block, byte for byte (ridge counts, cores and deltas, vendor's own).
        qualities: further bytes of the quality record: INCITS 2009 the algorithm's owner and number (4 bytes);
            ISO 2011 all quality blocks after the first score.
        capture: ISO 2011: the 14 bytes of date, device technology, vendor and type.
        certificates: ISO 2011: certification blocks (3 bytes each), or None where the file has none.
        field_length, ending_type: ISO 2011: 5 or 6 bytes a minutia; where a ridge ending is marked.
    """

    position: int
    view: int
    impression: int
    quality: int | None
    width: int
    height: int
    resolution: tuple[int, int]
    minutiae: np.ndarray = field(repr=False)
    extended: bytes = field(default=b"", repr=False)
    qualities: bytes = b"\0\0\0\0"
    capture: bytes = b"\xff" * 9 + b"\0" * 5  # date unknown: all ones
    certificates: bytes | None = None
    field_length: int = 6
    ending_type: int = 0


@dataclass(frozen=True)
class MinutiaeFile:
    """A minutiae file.

    Attributes:
        standard: which encoding.
        views: at least one.
        product: CBEFF product identifier of its maker (INCITS only), 0 for none.
        equipment: compliance bits and capture equipment (not ISO 2011, which has it for each view).
        reserved: the byte that nobody uses.
        certified: ISO 2011: whether views have certification records.
        trailing: bytes after the last view, which a correct file has not.
        stated: length that the header states, where that is not the file's; None where it is right.
        missing: bytes by which the last view's extended data falls short of its stated length, 0 in a correct file.
    """

    standard: Standard
    views: tuple[View, ...]
    product: int = 0
    equipment: int = 0
    reserved: int = 0
    certified: bool = False
    trailing: bytes = field(default=b"", repr=False)
    missing: int = 0
    stated: int | None = None
