"""The four byte layouts. Every length is checked against the bytes that are there before anything is allocated."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable

import numpy as np

from limen.errors import BadTemplate
from limen.exchange.minutiae.cursor import Bytes
from limen.exchange.minutiae.layout import MINUTIA, MinutiaeFile, Standard, View

MAX_BYTES = 1 << 20  # ten fingers of 255 minutiae are 16 KB; extended data seldom double that
_MAGIC = b"FMR\0"
_OLD, _NEW = b" 20\0", b"030\0"
_ROW = struct.Struct(">HHBB")  # type and x, reserved and y, angle, quality
_LOW_14 = (1 << 14) - 1


def read(data: bytes) -> MinutiaeFile:
    """A minutiae file of any of the four standards.

    A wrong length in the header, and bytes after the last view or missing in its extended data, are no reason to refuse
    minutiae that are all there (NIST's own test files have two too many and one too few): see `MinutiaeFile.stated`,
    `trailing` and `missing`.

    Raises:
        BadTemplate: not such a file, cut off, or with a number out of its range.
    """
    if len(data) > MAX_BYTES:
        raise BadTemplate(f"The minutiae file has {len(data)} bytes; at most {MAX_BYTES} are read.")
    source = Bytes(bytes(data))
    if source.take(4, "header") != _MAGIC:
        raise BadTemplate("The file is no minutiae file.", advice="INCITS 378 and ISO 19794-2 files begin with 'FMR'.")
    version = source.take(4, "header")
    if version not in (_OLD, _NEW):
        raise BadTemplate("The minutiae file's version is not known.", advice="Versions ' 20' and '030' are read.")
    standard = _standard(source.data, version)
    file = {
        Standard.INCITS_2004: _read_incits_2004,
        Standard.INCITS_2009: _read_incits_2009,
        Standard.ISO_2005: _read_iso_2005,
        Standard.ISO_2011: _read_iso_2011,
    }[standard](source)
    if not file.views:
        raise BadTemplate("The minutiae file has no view.")
    return dataclasses.replace(file, trailing=source.data[source.at :], missing=source.missing, stated=source.stated)


def write(file: MinutiaeFile) -> bytes:
    """The bytes of a file, its length in the header right; `read` gives it back number by number.

    Raises:
        BadTemplate: more than 255 minutiae in a view, or a number too large for its place.
    """
    body: Callable[[MinutiaeFile], bytes] = {
        Standard.INCITS_2004: _write_incits_2004,
        Standard.INCITS_2009: _write_incits_2009,
        Standard.ISO_2005: _write_iso_2005,
        Standard.ISO_2011: _write_iso_2011,
    }[file.standard]
    try:
        return _finish(file, body(file) + file.trailing)
    except (struct.error, OverflowError, ValueError) as error:
        raise BadTemplate(f"The minutiae do not fit {file.standard}: {error}.") from None


def _standard(data: bytes, version: bytes) -> Standard:
    """INCITS and ISO share magic and version; what follows the length tells them apart."""
    length = int.from_bytes(data[8:12], "big")
    if version == _OLD:
        # ISO: four bytes of length. INCITS: two, or (from 65,536 on) two zero bytes and then four.
        long = length >> 16 == 0 and int.from_bytes(data[10:14], "big") == len(data)
        return Standard.INCITS_2004 if length != len(data) and (length >> 16 or long) else Standard.ISO_2005
    # ISO: two bytes of count and a flag; then every representation begins with its length, the last ends the file.
    at, views = 15, int.from_bytes(data[12:14], "big")
    for _ in range(views):
        if at + 4 > len(data):
            break
        at += int.from_bytes(data[at : at + 4], "big")
    iso = views > 0 and data[14:15] in (b"\0", b"\1") and at == len(data)
    return Standard.ISO_2011 if iso else Standard.INCITS_2009


def _finish(file: MinutiaeFile, body: bytes) -> bytes:
    """Magic, version and length before all that follows them."""
    version = _OLD if file.standard in (Standard.INCITS_2004, Standard.ISO_2005) else _NEW
    length = struct.pack(">I", 12 + len(body))
    if file.standard is Standard.INCITS_2004:
        total = 10 + len(body)
        length = struct.pack(">H", total) if total < 1 << 16 else struct.pack(">HI", 0, total + 4)
    return _MAGIC + version + length + body


def _length(source: Bytes, size: int) -> None:
    stated = source.number(size, "header")
    if size == 2 and stated == 0:
        stated = source.number(4, "header")
    source.stated = None if stated == len(source.data) else stated


def _minutiae(source: Bytes, count: int, size: int, turn: int) -> np.ndarray:
    rows = np.frombuffer(source.take(count * size, "minutiae"), np.uint8).reshape(count, size).astype(np.uint16)
    out = np.zeros(count, MINUTIA)
    if not count:
        return out
    first, second = rows[:, 0] << 8 | rows[:, 1], rows[:, 2] << 8 | rows[:, 3]
    out["kind"], out["x"], out["y"] = first >> 14, first & _LOW_14, second & _LOW_14
    out["angle"] = rows[:, 4]
    out["quality"] = rows[:, 5] if size == 6 else 0
    if out["kind"].max() > 2 or out["angle"].max() >= turn:
        raise BadTemplate("A minutia has a type or an angle out of range.")
    return out


def _rows(view: View, size: int = 6) -> bytes:
    if len(view.minutiae) > 255:
        raise ValueError("more than 255 minutiae")
    packed = (
        _ROW.pack(int(m["kind"]) << 14 | _fits_14(int(m["x"])), _fits_14(int(m["y"])), int(m["angle"]), m["quality"])
        for m in view.minutiae
    )
    return b"".join(row[:size] for row in packed)


def _fits_14(value: int) -> int:
    if value > _LOW_14:
        raise ValueError("a coordinate above 16,383")
    return value


def _extended(source: Bytes) -> bytes:
    """Extended data block; one that ends the file early is taken as far as it goes (and no view can follow it)."""
    stated = source.number(2, "extended data")
    source.missing = max(0, stated - (len(source.data) - source.at))
    return source.take(stated - source.missing, "extended data")


def _short(file: MinutiaeFile, view: View) -> int:
    return file.missing if view is file.views[-1] else 0


def _with_length(data: bytes, missing: int = 0) -> bytes:
    return struct.pack(">H", len(data) + missing) + data


def _nibbles(high: int, low: int) -> bytes:
    if not (0 <= high < 16 and 0 <= low < 16):
        raise ValueError("a view or impression number above 15")
    return bytes([high << 4 | low])


# --- version " 20": INCITS 378-2004 and ISO/IEC 19794-2:2005 ---


def _read_incits_2004(source: Bytes) -> MinutiaeFile:
    _length(source, 2)
    product = source.number(4, "header")
    return _read_common(source, Standard.INCITS_2004, product)


def _read_iso_2005(source: Bytes) -> MinutiaeFile:
    _length(source, 4)
    return _read_common(source, Standard.ISO_2005, 0)


def _read_common(source: Bytes, standard: Standard, product: int) -> MinutiaeFile:
    equipment, width, height, across, down, count, reserved = struct.unpack(">HHHHHBB", source.take(12, "header"))
    views = []
    for _ in range(count):
        position, packed, quality, minutiae = source.take(4, "view header")
        found = _minutiae(source, minutiae, 6, standard.turn)
        views.append(
            View(position, packed >> 4, packed & 15, quality, width, height, (across, down), found, _extended(source))
        )
    return MinutiaeFile(standard, tuple(views), product, equipment, reserved)


def _write_common(file: MinutiaeFile) -> bytes:
    first = file.views[0]
    head = struct.pack(
        ">HHHHHBB", file.equipment, first.width, first.height, *first.resolution, len(file.views), file.reserved
    )
    return head + b"".join(_write_view(view, first, _short(file, view)) for view in file.views)


def _write_view(view: View, first: View, missing: int) -> bytes:
    if (view.width, view.height, view.resolution) != (first.width, first.height, first.resolution):
        raise ValueError("its views must share one image size and resolution")
    quality = 254 if view.quality is None else view.quality
    head = bytes([view.position]) + _nibbles(view.view, view.impression) + bytes([quality, len(view.minutiae)])
    return head + _rows(view) + _with_length(view.extended, missing)


def _write_incits_2004(file: MinutiaeFile) -> bytes:
    return struct.pack(">I", file.product) + _write_common(file)


def _write_iso_2005(file: MinutiaeFile) -> bytes:
    return _write_common(file)


# --- INCITS 378-2009 ---


def _read_incits_2009(source: Bytes) -> MinutiaeFile:
    _length(source, 4)
    product, equipment, count, reserved = struct.unpack(">IHBB", source.take(8, "header"))
    views = []
    for _ in range(count):
        position, number, impression, quality = source.take(4, "view header")
        algorithm = source.take(4, "view header")
        width, height, across, down, minutiae = struct.unpack(">HHHHB", source.take(9, "view header"))
        found = _minutiae(source, minutiae, 6, 180)
        views.append(
            View(
                position, number, impression, quality, width, height, (across, down), found, _extended(source),
                algorithm,
            )
        )  # fmt: skip
    return MinutiaeFile(Standard.INCITS_2009, tuple(views), product, equipment, reserved)


def _write_incits_2009(file: MinutiaeFile) -> bytes:
    parts = [struct.pack(">IHBB", file.product, file.equipment, len(file.views), file.reserved)]
    for view in file.views:
        quality = 254 if view.quality is None else view.quality
        parts.append(bytes([view.position, view.view, view.impression, quality]))
        parts.append((view.qualities + b"\0\0\0\0")[:4])
        parts.append(struct.pack(">HHHHB", view.width, view.height, *view.resolution, len(view.minutiae)))
        parts.append(_rows(view) + _with_length(view.extended, _short(file, view)))
    return b"".join(parts)


# --- ISO/IEC 19794-2:2011 ---


def _read_iso_2011(source: Bytes) -> MinutiaeFile:
    _length(source, 4)
    count, certified = struct.unpack(">HB", source.take(3, "header"))
    if certified > 1:
        raise BadTemplate("The minutiae file's certification flag is neither 0 nor 1.")
    views = tuple(_read_representation(source, bool(certified)) for _ in range(count))
    return MinutiaeFile(Standard.ISO_2011, views, certified=bool(certified))


def _read_representation(source: Bytes, certified: bool) -> View:
    start = source.at
    length = source.number(4, "representation header")
    capture = source.take(14, "representation header")
    blocks = source.take(5 * source.number(1, "quality record"), "quality record")
    certificates = source.take(3 * source.number(1, "certificates"), "certificates") if certified else None
    position, number, across, down, impression, width, height, packed, count = struct.unpack(
        ">BBHHBHHBB", source.take(13, "representation header")
    )
    if packed >> 4 not in (5, 6):
        raise BadTemplate("The minutiae file has minutiae of neither 5 nor 6 bytes.")
    found = _minutiae(source, count, packed >> 4, 256)
    view = View(
        position, number, impression, blocks[0] if blocks else None, width, height, (across, down), found,
        _extended(source), blocks[1:], capture, certificates, packed >> 4, packed & 15,
    )  # fmt: skip
    if source.at + source.missing - start != length:
        raise BadTemplate(f"A representation states {length} bytes and has {source.at - start}.")
    return view


def _write_iso_2011(file: MinutiaeFile) -> bytes:
    parts = [_write_representation(view, file.certified, _short(file, view)) for view in file.views]
    return struct.pack(">HB", len(parts), file.certified) + b"".join(parts)


def _write_representation(view: View, certified: bool, missing: int) -> bytes:
    blocks = b"" if view.quality is None else bytes([view.quality]) + view.qualities
    certificates = view.certificates or b""
    if len(blocks) % 5 or len(certificates) % 3 or len(view.capture) != 14:
        raise ValueError("a quality, certification or capture record of odd length")
    body = view.capture + bytes([len(blocks) // 5]) + blocks
    if certified:
        body += bytes([len(certificates) // 3]) + certificates
    body += struct.pack(
        ">BBHHBHHBB", view.position, view.view, *view.resolution, view.impression, view.width, view.height,
        view.field_length << 4 | view.ending_type, len(view.minutiae),
    )  # fmt: skip
    body += _rows(view, view.field_length) + _with_length(view.extended, missing)
    return struct.pack(">I", 4 + len(body) + missing) + body
