"""WSQ, the FBI's format for fingerprints at 500 ppi (IAFIS-IC-0110 v3.1), with its true resolution.

The library decodes, but always says 500 ppi; the truth stands in a comment that NIST's tools write ("NISTCOM").
The library dies of memory faults on some malformed files: whatever can be checked cheaply is checked before, and the
rest is why decoding happens in a process of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import _wsq  # type: ignore[import-untyped, import-not-found, unused-ignore]
import numpy as np

from limen.images.refusal import refused
from limen.reasons import Reason

# Markers: IAFIS-IC-0110 v3.1, table 12.
_FRAME, _BLOCK, _TABLE_TRANSFORM, _TABLE_QUANTIZATION, _TABLE_HUFFMAN, _RESTART, _COMMENT = range(0xFFA2, 0xFFA9)
_END = b"\xff\xa1"
_SEGMENTS = {_FRAME, _BLOCK, _TABLE_TRANSFORM, _TABLE_QUANTIZATION, _TABLE_HUFFMAN, _RESTART, _COMMENT}
_MAX_SEGMENTS = 64  # real files have 8 to 16
_MAX_TAPS = 32  # of a wavelet filter; the standard's have 7 to 9
_QUANTIZATION_BYTES = 3 + 64 * 6  # bin centre, then width and zero bin of 64 subbands, three bytes each
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
    """Header of WSQ bytes, without decoding; all tables of the file are checked on the way.

    Raises:
        BadImage: `unreadable` if a segment overruns, a table is malformed, repeated or missing, or a block has none.
    """
    ppi, frame, seen, tables = None, None, set(), set()
    for at, marker, body in _segments(data):
        if marker == _COMMENT:
            ppi = _ppi(body) or ppi
        elif marker == _FRAME:
            frame = _frame(body, frame)
        elif marker == _TABLE_TRANSFORM:
            _check(_is_transform(body), at)
        elif marker == _TABLE_QUANTIZATION:
            _check(len(body) == _QUANTIZATION_BYTES, at)
        elif marker == _TABLE_HUFFMAN:
            tables |= _huffman_tables(body, at)
        elif marker == _BLOCK:
            _check(len(body) == 1 and body[0] in tables, at)
        seen.add(marker)
    if frame is None or not {_TABLE_TRANSFORM, _TABLE_QUANTIZATION, _TABLE_HUFFMAN, _BLOCK} <= seen:
        raise refused(Reason.UNREADABLE, "WSQ: frame, tables or blocks are missing")
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


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Place, marker and body of every segment, up to the end marker; coded data after blocks are passed over."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if data[at : at + 2] == _END:
            return
        if at + 4 > len(data):
            raise refused(Reason.UNREADABLE, f"WSQ: ends at byte {len(data)}, without its end marker")
        marker, length = struct.unpack_from(">HH", data, at)
        _check(marker in _SEGMENTS and length >= 2 and at + 2 + length <= len(data), at)
        yield at, marker, data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker in (_BLOCK, _RESTART):
            at = _next_marker(data, at)
    raise refused(Reason.UNREADABLE, f"WSQ: more than {_MAX_SEGMENTS} segments")


def _next_marker(data: bytes, at: int) -> int:
    """The first 0xFF at or after `at` that no 0x00 follows (which would make it coded data)."""
    while (at := data.find(b"\xff", at)) >= 0 and data[at + 1 : at + 2] == b"\0":
        at += 2
    return at if at >= 0 else len(data)


def _check(right: bool, at: int) -> None:
    if not right:
        raise refused(Reason.UNREADABLE, f"WSQ: bad segment at byte {at}")


def _is_transform(body: bytes) -> bool:
    """Filter lengths, then half of each filter (they are symmetric), six bytes a coefficient."""
    lengths = (body[0], body[1]) if len(body) > 1 else (0, 0)
    whole = all(0 < length <= _MAX_TAPS for length in lengths)
    return whole and len(body) == 2 + 6 * sum((length + 1) // 2 for length in lengths)


def _huffman_tables(body: bytes, at: int) -> set[int]:
    """Numbers of the tables that a segment defines: 0-7, then how many codes of 1 to 16 bits, then their values."""
    found, start = set(), 0
    while start < len(body):
        counts = body[start + 1 : start + 17]
        values = sum(counts)
        _check(len(counts) == 16 and body[start] <= 7 and values <= 256 and start + 17 + values <= len(body), at)
        found.add(body[start])
        start += 17 + values
    return found


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
