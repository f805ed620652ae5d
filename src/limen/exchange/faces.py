"""Face image records of ISO/IEC 19794-5:2005 (version `010`), as passports and older systems hold them: the images."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from limen.errors import BadFile

MAGIC = b"FAC\0"
_VERSION = b"010\0"
_HEADER = struct.Struct(">4s4sIH")  # 5.4: magic, version, length of record, number of images
_INFORMATION = struct.Struct(
    ">IHBBB3sH3s3s"
)  # 5.5: length, feature points, sex, eyes, hair, properties, expression, pose
_POINT = 8  # bytes of a feature point (5.6)
_IMAGE = struct.Struct(">BBHHBBHH")  # 5.7: kind, data type, width, height, colour space, source, device, quality


@dataclass(frozen=True)
class FaceImage:
    """One image of a face record: JPEG or JPEG 2000 bytes for `limen.images.decode`, and its stated size in pixels."""

    data: bytes = field(repr=False)
    width: int
    height: int
    compression: str


def read(data: bytes) -> list[FaceImage]:
    """Images of a face record.

    Raises:
        BadFile: no face record, of another version, or one whose lengths do not fit its bytes.
    """
    if len(data) < _HEADER.size or data[:4] != MAGIC:
        raise BadFile("The file is no face record.", advice="ISO/IEC 19794-5 records begin with 'FAC'.")
    _, version, length, count = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise BadFile("The face record's version is not known.", advice="Version '010' (2005) is read.")
    if length != len(data):
        raise BadFile(f"The face record states {length} bytes and has {len(data)}.")
    images, at = [], _HEADER.size
    for _ in range(count):
        image, at = _image(data, at)
        images.append(image)
    return images


def _image(data: bytes, start: int) -> tuple[FaceImage, int]:
    if start + _INFORMATION.size > len(data):
        raise BadFile(f"The face record ends at byte {len(data)}, within an image's header.")
    length, points = _INFORMATION.unpack_from(data, start)[:2]
    at = start + _INFORMATION.size + points * _POINT
    if start + length > len(data) or at + _IMAGE.size > start + length:
        raise BadFile(f"The face record's image at byte {start} states {length} bytes, which do not fit.")
    _, kind, width, height = _IMAGE.unpack_from(data, at)[:4]
    compression = {0: "JPEGB", 1: "JP2"}.get(kind, "")
    return FaceImage(data[at + _IMAGE.size : start + length], width, height, compression), start + length
