"""OSIA's biometric items as samples: what they are of, and the bytes of their images."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from limen.errors import BadFile, BadImage
from limen.exchange.osia.models import BiometricData
from limen.images.header import sniff
from limen.terms import Modality, Position

MAX_SIDE = 20_000  # pixels, of an image without a header
_NAMES = {  # where OSIA's words differ from ANSI/NIST-ITL's
    "PLAIN_RIGHT_FOUR_FINGERS": Position.PLAIN_RIGHT_FOUR,
    "PLAIN_LEFT_FOUR_FINGERS": Position.PLAIN_LEFT_FOUR,
}


@dataclass(frozen=True)
class OsiaSample:
    """One image.

    Attributes:
        modality, position: what it is said to be.
        data: the image's bytes as they were sent; of one without a header, as a PGM file.
        ppi: resolution as stated; 0 if it is not.
    """

    modality: Modality
    position: Position
    data: bytes
    ppi: int = 0


def samples(items: Sequence[BiometricData]) -> list[OsiaSample]:
    """The images of faces, fingers, palms and marks, in order; irises and signatures are left out, and several fingers
    on one image other than the three slaps of ANSI/NIST-ITL.

    Raises:
        BadFile: an image that is no base64, or has no header and not as many bytes as it says.
    """
    kinds = [(item, kind_of(item)) for item in items]
    return [OsiaSample(*kind, _bytes(item), _ppi(item)) for item, kind in kinds if kind and item.image]


def kind_of(item: BiometricData) -> tuple[Modality, Position] | None:
    """What an item is of; None if the hub does not search such."""
    if item.biometricType == "FACE":
        return None if item.biometricSubType.endswith("_PROFILE") else (Modality.FACE, Position.UNKNOWN)
    if item.biometricType != "FINGER":
        return None
    position = _NAMES.get(item.biometricSubType) or _named(item.biometricSubType)
    if position is None:
        return None
    palm = position >= Position.UNKNOWN_PALM
    if item.impressionType.startswith("LATENT"):
        return Modality.MARK, position
    return (Modality.PALM if palm else Modality.FINGER), position


def subtype(modality: Modality, position: Position) -> str:
    """OSIA's word for a position."""
    if modality is Modality.FACE:
        return "PORTRAIT"
    plain = {Position.PLAIN_RIGHT_THUMB: "RIGHT_THUMB", Position.PLAIN_LEFT_THUMB: "LEFT_THUMB"}
    back = {there: word for word, there in _NAMES.items()} | plain
    return back.get(position, position.name)


def _named(word: str) -> Position | None:
    return Position[word] if word in Position.__members__ else None


def _ppi(item: BiometricData) -> int:
    return item.resolution if 0 < item.resolution < 1 << 16 else 0


def _bytes(item: BiometricData) -> bytes:
    try:
        data = base64.b64decode("".join(item.image.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadFile("The field 'image' is no base64.") from None
    if not data:
        raise BadFile("The field 'image' is empty.")
    try:
        sniff(data)
    except BadImage:
        return _with_header(item, data) if item.compression == "NONE" else data
    return data


def _with_header(item: BiometricData, data: bytes) -> bytes:
    """Grey pixels, 8 bits each, as a PGM file."""
    width, height = item.width, item.height
    fits = 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height == len(data)
    if not fits or item.bitdepth not in (0, 8):
        raise BadFile("An image without a header must have width x height bytes, one a pixel.")
    return b"P5\n%d %d\n255\n" % (width, height) + data
