"""Face records of ISO/IEC 19794-5:2005."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from limen.errors import BadFile
from limen.exchange import faces
from limen.images import Image, decode, portrait

JPEG = portrait(Image(np.full((20, 30, 3), 90, np.uint8), None, "png"))


def record(images: list[bytes], points: int = 2, **changes: int) -> bytes:
    parts = []
    for image in images:
        body = struct.pack(">HBBB", points, 1, 0, 0) + bytes(11) + bytes(8 * points)
        body += struct.pack(">BBHHBBHH", 1, 0, 30, 20, 1, 2, 0, 0) + image
        parts.append(struct.pack(">I", changes.get("image", 4 + len(body))) + body)
    joined = b"".join(parts)
    length = changes.get("length", 14 + len(joined))
    return b"FAC\x00010\x00" + struct.pack(">IH", length, changes.get("count", len(images))) + joined


def test_images_of_a_record() -> None:
    found = faces.read(record([JPEG, JPEG]))
    assert [(f.width, f.height, f.compression) for f in found] == [(30, 20, "JPEGB")] * 2
    assert all(face.data == JPEG for face in found)
    assert len(faces.read(record([JPEG], points=0))) == 1


@pytest.mark.data
def test_the_sample_record(samples: Path) -> None:
    (face,) = faces.read((samples / "exchange" / "images" / "face01.iso2005").read_bytes())
    assert (face.width, face.height) == (280, 320)
    assert decode(face.data).pixels.shape == (320, 280, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"FAC\0",
        b"FMR\x00010\x00" + bytes(6),
        record([JPEG]).replace(b"010\0", b"030\0"),
        record([JPEG])[:-1],
        record([JPEG], length=7),
        record([JPEG], count=2),
        record([JPEG], image=10),
        record([JPEG], image=2**32 - 1),
        record([JPEG], image=0),
    ],
)
def test_what_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(BadFile):
        faces.read(data)
