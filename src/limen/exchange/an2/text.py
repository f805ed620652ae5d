"""Tagged text: the one place where `nistitl` is used to read, and where it is worked around.

`nistitl` 0.6 splits subfields and items well, but as a whole-file parser it refuses a field that occurs twice (2.034),
reads and writes Latin-1 only, and gives up the record for one bad field. Here it sees one field at a time; we keep
repeats, choose the character set, and report what is broken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import nistitl

from limen.exchange.an2.records import Field

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"  # ANSI/NIST-ITL 1-2011, Annex B
_SWITCH = re.compile(rb"\x02(\d{3})\x02?([^\x02\x03]*)\x03?")
_SETS = {b"002": "utf-16-be", b"003": "utf-8", b"004": "utf-32-be"}  # 1.015's indices; 000 ASCII, 001 Latin-1
MAX_TEXT = 1 << 20  # bytes of text in one record; the largest real ones (Type-9, Type-18) have some 100 KB
MAX_FIELDS = 2_000  # of one record; numbers go to 999
_TAG = re.compile(rb"(\d{1,2})\.(\d{1,9}):")


@dataclass
class Text:
    """Fields of one record, and what was wrong with them: (field number or None, message)."""

    fields: list[Field] = field(default_factory=list)
    complaints: list[tuple[int | None, str]] = field(default_factory=list)


def parse(text: bytes, record_type: int) -> Text:
    """Fields of one record's text (without its binary data; a closing FS is ignored)."""
    out = Text()
    if len(text) > MAX_TEXT:
        out.complaints.append((None, f"has {len(text)} bytes of text, more than {MAX_TEXT}; the rest is not read"))
        text = text[:MAX_TEXT]
    pieces = text.removesuffix(FS).split(GS, MAX_FIELDS)
    if len(pieces) > MAX_FIELDS:
        out.complaints.append((None, f"has more than {MAX_FIELDS} fields; the rest is not read"))
    for piece in pieces[:MAX_FIELDS]:
        if piece:
            _parse_field(piece, record_type, out)
    return out


def _parse_field(piece: bytes, record_type: int, out: Text) -> None:
    tag = _TAG.match(piece)
    if tag is None:
        last = out.fields[-1].number if out.fields else None
        out.complaints.append((last, "is followed by bytes that are no field (Annex B: each begins with its number)"))
        return
    number = int(tag[2])
    if int(tag[1]) != record_type:
        out.complaints.append((number, f"is tagged as of Type {int(tag[1])} in a Type-{record_type} record (Annex B)"))
    if any(known.number == number for known in out.fields):
        out.complaints.append((number, "occurs more than once (Annex B: repeats are subfields); all are kept"))
    collected = _Collected()
    try:
        nistitl.parse_record(piece, lambda: None, collected.field, collected.subfield, collected.item)
    except (nistitl.NistException, ValueError) as error:
        out.complaints.append((number, f"cannot be split ({type(error).__name__})"))
        return
    subfields, clean = decoded(collected.subfields)
    if not clean:
        out.complaints.append((number, "is neither ASCII nor UTF-8; read as Latin-1 (1.015, Annex A)"))
    out.fields.append(Field(number, subfields))


class _Collected:
    """What `nistitl.parse_record` reports of one field."""

    def __init__(self) -> None:
        self.subfields: list[list[bytes]] = []
        self._items: list[bytes] = []

    def field(self, _tag: str, value: bytes | None) -> None:
        if value is not None:
            self.subfields.append([value])

    def subfield(self, value: bytes | None) -> None:
        self.subfields.append(self._items if value is None else [value])
        self._items = []

    def item(self, value: bytes) -> None:
        self._items.append(value)


def decoded(subfields: list[list[bytes]]) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Text of the items, and whether it was clean.

    UTF-8 whether declared in 1.015 or not (ASCII is part of it, and Latin-1 text with accents is practically never
    valid UTF-8); Latin-1 otherwise, which never fails.
    """
    try:
        return tuple(tuple(_switched(item, "utf-8") for item in items) for items in subfields), True
    except UnicodeDecodeError:
        return tuple(tuple(_switched(item, "latin-1") for item in items) for items in subfields), False


def _switched(item: bytes, encoding: str) -> str:
    """Text of an item. Before 2011, text in another set than the field's stood between STX, its index, and ETX."""
    parts = _SWITCH.split(item)
    plain, switched = parts[::3], zip(parts[1::3], parts[2::3], strict=True)
    found = [plain[0].decode(encoding)]
    for (index, inside), after in zip(switched, plain[1:], strict=True):
        try:
            found.append(inside.decode(_SETS.get(index, encoding)))
        except UnicodeDecodeError:
            found.append(inside.decode("latin-1"))
        found.append(after.decode(encoding))
    return "".join(found)
