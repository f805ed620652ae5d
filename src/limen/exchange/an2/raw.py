"""Uncompressed images carry no header; here they get one (PGM or PPM), so that one decoder reads everything."""

from __future__ import annotations

from PIL import Image as Pillow

from limen.errors import BadImage
from limen.images import sniff

_YCC = ("YCC", "SYCC")


def decodable(
    data: bytes,
    compression: str,
    width: int,
    height: int,
    *,
    channels: int = 1,
    depth: int = 8,
    space: str = "",
    ppi: float | None = None,
) -> bytes:
    """Compressed data as it is; raw data (`NONE`) with a PGM or PPM header that states size, depth and resolution.

    Data that is too short is cut off or mislabelled: what begins like an image file stays as it is, the rest gets its
    header, so that the decoder says what is missing.
    """
    bytes_each = 2 if depth > 8 else 1
    expected = width * height * channels * bytes_each
    if compression != "NONE" or not expected or (len(data) < expected and _is_file(data)):
        return data
    samples = data[:expected]
    if space in _YCC and channels == 3 and len(samples) == expected:
        samples = ycc_to_rgb(samples, width, height)
    return header(width, height, channels=channels, depth=depth, ppi=ppi) + samples


def header(width: int, height: int, *, channels: int = 1, depth: int = 8, ppi: float | None = None) -> bytes:
    """Header of a binary PGM (1 channel) or PPM (3), with the resolution as a comment that `limen.images` reads."""
    comment = f"# ppi {round(ppi)}\n" if ppi else ""
    return f"P{6 if channels == 3 else 5}\n{comment}{width} {height}\n{(1 << depth) - 1}\n".encode("ascii")


def _is_file(data: bytes) -> bool:
    try:
        return bool(sniff(data))
    except BadImage:
        return False


def ycc_to_rgb(samples: bytes, width: int, height: int) -> bytes:
    """Full-range YCbCr (JFIF), interleaved, to RGB."""
    return Pillow.frombytes("YCbCr", (width, height), samples).convert("RGB").tobytes()
