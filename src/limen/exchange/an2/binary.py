"""Binary records: Types 3 to 8 have fixed headers, no tags. Their parts get the numbers that the standard gives."""

from __future__ import annotations

import struct

from limen.exchange.an2.records import Field

#: ANSI/NIST-ITL 1-2011, 8.4 (Type-4; 3, 5, 6 had the same layout until 2007): length, IDC, impression, six possible
#: positions, resolution flag, width, height, compression.
_IMAGE = struct.Struct(">IBB6sBHHB")
#: 8.8 (Type-8): length, IDC, whose signature, how represented, resolution flag, width, height.
_SIGNATURE = struct.Struct(">IBBBBHH")
_BARE = struct.Struct(">IB")  # 8.7 (Type-7): length, IDC; the rest is the users' own
NO_POSITION = 255  # fills the unused of the six positions (8.4.4)


def header_size(record_type: int) -> int:
    """Bytes before a binary record's data."""
    return _layout(record_type).size


def parse(body: bytes, record_type: int) -> tuple[int, tuple[Field, ...], bytes]:
    """IDC, fields 003 onward of a binary record's header, and its data. `body` holds the header at least."""
    parts = _layout(record_type).unpack_from(body)
    values = {number: value for number, value in enumerate(parts[2:], start=3) if not isinstance(value, bytes)}
    fields = [Field(number, ((str(value),),)) for number, value in values.items()]
    if _layout(record_type) is _IMAGE:
        positions = [code for code in parts[3] if code != NO_POSITION]
        fields.insert(1, Field(4, tuple((str(code),) for code in positions)))
    return parts[1], tuple(fields), body[_layout(record_type).size :]


def _layout(record_type: int) -> struct.Struct:
    return _SIGNATURE if record_type == 8 else _BARE if record_type == 7 else _IMAGE
