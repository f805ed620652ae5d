"""What kind of image bytes are, by their first bytes, never by a name that somebody gave them."""

from __future__ import annotations

from dataclasses import dataclass

from limen.images.refusal import refused
from limen.reasons import Reason

#: (first bytes, format as we call it, Pillow's name for the one decoder that may try, or None for our own WSQ path)
_MAGIC: tuple[tuple[bytes, str, str | None], ...] = (
    (b"\xff\xd8\xff", "jpeg", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "png", "PNG"),
    (b"II*\0", "tiff", "TIFF"),
    (b"MM\0*", "tiff", "TIFF"),
    (b"BM", "bmp", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000", "JPEG2000"),
    (b"\xff\xa0", "wsq", None),
    *((b"P%d%c" % (kind, space), "pnm", "PPM") for kind in range(1, 7) for space in b" \t\r\n"),
)
PILLOW_FORMATS = tuple(sorted({plugin for _, _, plugin in _MAGIC if plugin}))


@dataclass(frozen=True)
class Header:
    """Format of image bytes: our name for it, and Pillow's (None: WSQ, which Pillow cannot read)."""

    format: str
    plugin: str | None


def sniff(data: bytes) -> Header:
    """Format of image bytes.

    Raises:
        BadImage: `empty`, or `unsupported-format` if the first bytes are none of ours.
    """
    if not data:
        raise refused(Reason.EMPTY)
    for magic, name, plugin in _MAGIC:
        if data.startswith(magic):
            return Header(name, plugin)
    raise refused(Reason.UNSUPPORTED_FORMAT)
