"""WSQ, the FBI's format for fingerprints at 500 ppi (IAFIS-IC-0110 v3.1), with its true resolution.

The library decodes, but always says 500 ppi; the truth stands in a comment that NIST's tools write ("NISTCOM").
The library dies of memory faults on some malformed files: whatever can be checked cheaply is checked before, and the
rest is why decoding happens in a process of its own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import _wsq  # type: ignore[import-untyped, import-not-found, unused-ignore]
import numpy as np

from limen.images.refusal import refused
from limen.reasons import Reason

# Markers: IAFIS-IC-0110 v3.1, table 12.
_START, _END, _FRAME, _BLOCK, _TABLE_TRANSFORM, _TABLE_QUANTIZATION, _TABLE_HUFFMAN, _RESTART, _COMMENT = (
    0xFFA0, 0xFFA1, 0xFFA2, 0xFFA3, 0xFFA4, 0xFFA5, 0xFFA6, 0xFFA7, 0xFFA8,
)  # fmt: skip
_SEGMENTS = {_FRAME, _BLOCK, _TABLE_TRANSFORM, _TABLE_QUANTIZATION, _TABLE_HUFFMAN, _RESTART, _COMMENT}
_MAX_SEGMENTS = 64  # real files have 6 to 12 before their first block
_MIN_SIDE = 33  # pixels; at 32 and below the library reads and writes nonsense (tried, with noise)
_MAX_PPI = 4000  # above any scanner
_UNKNOWN_PPI = 255  # what some writers make of NISTCOM's -1, "unknown", in an unsigned byte


@dataclass(frozen=True)
class Wsq:
    """Header of a WSQ file: sides in pixels, pixels an inch as its comment says (None: it does not)."""

    width: int
    height: int
    ppi: float | None


def header(data: bytes) -> Wsq:
    """Header of WSQ bytes, without decoding.

    Raises:
        BadImage: `unreadable` if segments before the first block overrun, repeat or are missing.
    """
    ppi, frame, seen, at = None, None, set(), 2
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > len(data):
            raise refused(Reason.UNREADABLE, "WSQ: ends within its header")
        marker, length = struct.unpack_from(">HH", data, at)
        if marker not in _SEGMENTS or length < 2 or at + 2 + length > len(data):
            raise refused(Reason.UNREADABLE, f"WSQ: bad segment at byte {at}")
        body = data[at + 4 : at + 2 + length]
        if marker == _COMMENT:
            ppi = _ppi(body) or ppi
        elif marker == _FRAME:
            frame = _frame(body, frame)
        elif marker == _BLOCK:
            break
        seen.add(marker)
        at += 2 + length
    if frame is None or not {_TABLE_TRANSFORM, _TABLE_QUANTIZATION, _TABLE_HUFFMAN} <= seen:
        raise refused(Reason.UNREADABLE, "WSQ: frame or tables are missing")
    return Wsq(frame[0], frame[1], ppi)


def pixels(data: bytes, head: Wsq) -> np.ndarray:
    """Pixels, uint8 (height, width), black 0; `BadImage` (`unreadable`) if the library cannot decode them."""
    try:
        raw, width, height, _ = _wsq.decompress(data)
    except Exception:
        raise refused(Reason.UNREADABLE, "WSQ: bad blocks") from None
    if (width, height) != (head.width, head.height) or len(raw) != width * height:
        raise refused(Reason.UNREADABLE, "WSQ: size differs from its header")
    return np.frombuffer(raw, np.uint8).reshape(height, width)


def encode(grey: np.ndarray, ppi: float | None = 500) -> bytes:
    """WSQ bytes of grey pixels, uint8 (h, w), with a NISTCOM that states the resolution (None: says nothing of it).

    The library knows one bit rate, 0.75 bits a pixel (about 12 to 1); whatever ratio it is given, it ignores.

    Raises:
        BadImage: `unreadable` if a side is under 33 pixels or over 65,535.
    """
    height, width = grey.shape
    if min(height, width) < _MIN_SIDE or max(height, width) > 0xFFFF:
        raise refused(Reason.UNREADABLE, "WSQ holds sides of 33 to 65,535 pixels")
    data: bytes = _wsq.compress(np.ascontiguousarray(grey, np.uint8).tobytes(), height, width, 12)
    marker, length = struct.unpack_from(">HH", data, 2)  # the library's own comment, which always claims 500 ppi
    rest = data[4 + length :] if marker == _COMMENT else data[2:]
    return data[:2] + _comment(width, height, ppi) + rest


def _frame(body: bytes, earlier: tuple[int, int] | None) -> tuple[int, int]:
    if len(body) < 6 or earlier is not None:
        raise refused(Reason.UNREADABLE, "WSQ: bad frame")
    height, width = struct.unpack_from(">HH", body, 2)  # after black and white level
    if min(width, height) < _MIN_SIDE:
        raise refused(Reason.UNREADABLE, "WSQ: under 33 pixels a side")
    return width, height


def _ppi(comment: bytes) -> float | None:
    """`PPI 500` in a NISTCOM; None where it is absent, -1 or absurd."""
    if not comment.startswith(b"NIST_COM"):
        return None
    for line in comment.splitlines():
        name, _, value = line.partition(b" ")
        if name == b"PPI":
            try:
                ppi = float(value)
            except ValueError:
                return None
            return ppi if 0 < ppi <= _MAX_PPI and ppi != _UNKNOWN_PPI else None
    return None


def _comment(width: int, height: int, ppi: float | None) -> bytes:
    pairs = {
        "PIX_WIDTH": width, "PIX_HEIGHT": height, "PIX_DEPTH": 8, "PPI": -1 if ppi is None else round(ppi),
        "LOSSY": 1, "COLORSPACE": "GRAY", "COMPRESSION": "WSQ", "WSQ_BITRATE": "0.750000",
    }  # fmt: skip
    lines = [f"NIST_COM {len(pairs) + 1}", *(f"{name} {value}" for name, value in pairs.items())]
    body = ("\n".join(lines) + "\n").encode("ascii")
    return struct.pack(">HH", _COMMENT, len(body) + 2) + body
