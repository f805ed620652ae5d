"""Binary records: Types 3 to 8 have fixed headers, no tags. Their parts get the numbers that the standard gives."""

from __future__ import annotations

import struct

from limen.errors import BadFile
from limen.exchange.an2.records import Field, Record

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


def pack(record: Record) -> bytes:
    """What follows length and IDC of a binary record: the rest of its header, and its data.

    Raises:
        BadFile: a field of the header is missing or does not fit; the message names it.
    """
    layout = _layout(record.type)
    values: list[int | bytes] = []
    for number in {_IMAGE: (3, 4, 5, 6, 7, 8), _SIGNATURE: (3, 4, 5, 6, 7), _BARE: ()}[layout]:
        if layout is _IMAGE and number == 4:
            codes = [int(row[0]) for row in record.subfields(4) if row[0].isdigit() and int(row[0]) < NO_POSITION]
            values.append(bytes(codes[:6]).ljust(6, bytes([NO_POSITION])))
        else:
            values.append(_whole(record, number))
    try:
        return layout.pack(0, 0, *values)[_BARE.size :] + record.data
    except struct.error:
        raise BadFile(
            f"The Type-{record.type} record's header has a number that does not fit (8.{record.type})."
        ) from None


def _whole(record: Record, number: int) -> int:
    value = record.whole(number)
    if value is None:
        raise BadFile(f"{record.tag(number)} is missing or no number (8.{record.type}).")
    return value


def _layout(record_type: int) -> struct.Struct:
    return _SIGNATURE if record_type == 8 else _BARE if record_type == 7 else _IMAGE
