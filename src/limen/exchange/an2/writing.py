"""Records to bytes. `nistitl` writes lengths, separators and 1.003; its Latin-1 is worked around here.

It encodes text as Latin-1. Handed the UTF-8 bytes of a name as Latin-1 characters, it writes exactly those bytes, with
the right lengths; 1.015 then says UTF-8.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import nistitl

from limen.errors import BadFile
from limen.exchange.an2 import binary, persons
from limen.exchange.an2.records import BINARY_TYPES, DATA_FIELD, Field, Record
from limen.images import sniff
from limen.terms import Modality

VERSION = "0502"  # ANSI/NIST-ITL 1-2011, Update 2015 (8.1.2)
_UTF_8 = [["3", "UTF-8"]]  # 1.015: character encoding index and name (Annex A)
_SEPARATORS = dict.fromkeys(range(32), " ")
_COMPRESSIONS = {"wsq": "WSQ20", "jpeg": "JPEGB", "png": "PNG", "jpeg2000": "JP2"}  # Table 15
_TYPES = {Modality.FACE: 10, Modality.MARK: 13, Modality.FINGER: 14, Modality.PALM: 15}
_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive


@dataclass(frozen=True)
class Header:
    """Type-1 record of a file to write.

    Attributes:
        kind: type of transaction (1.004), three letters in INT-I.
        destination, origin: agencies (1.007, 1.008).
        domain: (1.013) profile and version.
        control: transaction control number (1.009), unique to the sender; by default random.
        reference: (1.010) the control number that this answers, or empty.
        native_ppmm: native resolution (1.011, 1.012) of Type-4 images, `00.00` where there are none.
        at: when, UTC; default now.
    """

    kind: str
    destination: str
    origin: str
    domain: tuple[str, str] = ("INT-I", "6.0")
    control: str = field(default_factory=lambda: secrets.token_hex(8).upper())
    reference: str = ""
    native_ppmm: str = "00.00"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def write(header: Header, records: Sequence[Record]) -> bytes:
    """A file of a Type-1 record and these; lengths, IDCs as given, and 1.003 are put right. Text is UTF-8.

    Raises:
        BadFile: more records or longer text than a file holds.
    """
    if len(records) > 999:
        raise BadFile("A file holds at most 999 records (1.003).")
    message = nistitl.Message.__new__(nistitl.Message)  # its __init__ asks for this machine's network address (uuid1)
    message.reset(autocreate=False)
    _fill(message[0], header)
    for record in records:
        message += _binary(record) if record.type in BINARY_TYPES else _tagged(record)
    return bytes(message.NIST)


def person_record(fields: Mapping[str, object], idc: int = 0, extra: Sequence[Field] = ()) -> Record:
    """Type-2 record (INT-I) of what `person_fields` returns; `extra` fields are added as they are."""
    names = _texts(fields.get("names"))
    found = [
        _field(10, [_texts(fields.get("record_id"))[:1]]),
        _field(30, [names[:1]]),
        _field(34, [[name] for name in names[1:]]),
        _field(35, [[_compact(fields.get("date_of_birth"))]]),
        _field(38, [[code] for code in _texts(fields.get("nationalities"))]),
        _field(39, [[{"X": "U"}.get(sex, sex) for sex in _texts(fields.get("sex"))[:1]]]),
        _field(54, [_texts(fields.get("offence"))[:1]]),
        _field(92, [[_compact(fields.get("valid_until"))]]),
        _field(persons.NOTICE, [_texts(fields.get("notice"))[:1]]),
        _field(persons.NOTICE_NUMBER, [_texts(fields.get("notice_number"))[:1]]),
        _field(persons.INSTRUCTIONS, [_texts(fields.get("instructions"))[:1]]),
        _field(persons.VISIBLE_TO, [[code] for code in _texts(fields.get("visible_to"))]),
        *extra,
    ]
    return Record(2, idc, tuple(sorted((f for f in found if f.text), key=lambda f: f.number)))


def image_record(
    modality: Modality,
    position: int,
    data: bytes,
    idc: int,
    *,
    width: int,
    height: int,
    ppi: float | None,
    source: str,
    impression: int | None = None,
    captured: datetime | None = None,
    colour: bool = False,
) -> Record:
    """Type-10, -13, -14 or -15 record of an image whose bytes are WSQ, JPEG, JPEG 2000 or PNG.

    Raises:
        BadFile: another format; the standard knows these only (Table 15).
    """
    compression = _COMPRESSIONS.get(sniff(data).format)
    if compression is None:
        raise BadFile("ANSI/NIST-ITL files hold WSQ, JPEG, JPEG 2000 and PNG images only.", advice="Convert it first.")
    scale = str(round(ppi)) if ppi else "1"
    date = (captured or datetime.now(UTC)).strftime("%Y%m%d")
    size = [(6, str(width)), (7, str(height)), (8, "1" if ppi else "0"), (9, scale), (10, scale), (11, compression)]
    if modality is Modality.FACE:
        own = [(3, "FACE"), (4, source), (5, date), *size, (12, "SRGB" if colour else "GRAY"), (20, "F")]
    else:
        default = 4 if modality is Modality.MARK else 10 if modality is Modality.PALM else 0
        own = [(3, str(default if impression is None else impression)), (4, source), (5, date), *size]
        own += [(12, "24" if colour else "8"), (13, str(position))]
    return Record(_TYPES[modality], idc, tuple(_field(number, [[value]]) for number, value in own), data)


def portrait_record(jpeg: bytes, idc: int, source: str) -> Record:
    """Type-10 record of a portrait that the hub itself made (`limen.images.portrait`)."""
    width, height, channels = jpeg_size(jpeg)
    return image_record(
        Modality.FACE, 0, jpeg, idc, width=width, height=height, ppi=None, source=source, colour=channels == 3
    )


def jpeg_size(jpeg: bytes) -> tuple[int, int, int]:
    """Width, height and channels from a JPEG's frame header, without decoding; `BadFile` if there is none."""
    at = 2
    while at + 10 <= len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width, channels = struct.unpack_from(">HHB", jpeg, at + 5)
            return width, height, channels
        at += 2 + length
    raise BadFile("The portrait is no JPEG.")


def _fill(type1: nistitl.AsciiRecord, header: Header) -> None:
    values: list[tuple[int, object]] = [
        (1, "0"), (2, VERSION), (3, ""), (4, header.kind), (5, header.at.strftime("%Y%m%d")),
        (7, header.destination), (8, header.origin),
        (9, header.control), (11, header.native_ppmm), (12, header.native_ppmm), (13, [list(header.domain)]),
        (14, header.at.strftime("%Y%m%d%H%M%SZ")), (15, _UTF_8),
    ]  # fmt: skip
    if header.reference:
        values.append((10, header.reference))
    for number, value in values:
        _set(type1, number, value if isinstance(value, list) else _bytes_as_latin(str(value)))


def _set(record: nistitl.AsciiRecord, number: int, value: object) -> None:
    setattr(record, f"_{number}", value)


def _tagged(record: Record) -> nistitl.AsciiRecord:
    out = nistitl.AsciiRecord(record.type)
    _set(out, 2, 0 if record.idc is None else record.idc)
    repeats: dict[int, list[list[str]]] = {}
    for found in record.fields:
        if found.number > 2 and found.number != DATA_FIELD:
            rows = [[_bytes_as_latin(item) for item in row] for row in found.subfields]
            repeats.setdefault(found.number, []).extend(rows)  # nistitl refuses a number twice: repeats are subfields
    for number, rows in repeats.items():
        _set(out, number, rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows)
    if record.data:
        out += nistitl.BinaryField(record.type, DATA_FIELD, record.data)
    return out


def _binary(record: Record) -> nistitl.BinaryRecord:
    out = nistitl.BinaryRecord(record.type)
    out.IDC = 0 if record.idc is None else record.idc
    out.value = binary.pack(record)
    return out


def _bytes_as_latin(text: str) -> str:
    """Text whose Latin-1 encoding is the UTF-8 of the given one; control characters (separators) become spaces."""
    return text.translate(_SEPARATORS).encode("utf-8").decode("latin-1")


def _field(number: int, rows: Sequence[Sequence[str]]) -> Field:
    return Field(number, tuple(tuple(row) for row in rows if any(row)))


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


def _compact(date: object) -> str:
    """ISO 8601 date to `YYYYMMDD`; unknown months and days are 00."""
    digits = str(date or "").replace("-", "")
    return digits.ljust(8, "0") if digits.isdigit() else ""
