"""Bytes to records. Lengths are believed only as far as the bytes bear them out: one bad record costs one record."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from limen.errors import BadFile
from limen.exchange.an2 import binary, text
from limen.exchange.an2.records import BINARY_TYPES, DATA_FIELD, TEXT_TYPES, Field, Problem, Record, Transaction

_STRAY = re.compile(rb"\r?\n[\r\n]*")
MAX_BYTES = 64 << 20  # as much as one search may send (`wire.messages.MAX_CAPTURE`)
MAX_RECORDS = 1_000  # 1.003 holds at most that many (INT-I's machine readable tables, 01.003:T)
MAX_PROBLEMS = 200  # a file that bad is not worth a longer list
MAX_REPAIRS = 20  # records of wrong length whose end is searched for; each may cost a pass over the file
_LENGTH = re.compile(rb"(\d{1,2})\.0{0,8}1:(\d{1,19})[\x1d\x1c]")
_FIRST = re.compile(rb"1\.0{0,8}1:")


@dataclass
class _Reader:
    """The file, where we are in it, and what we found."""

    data: bytes
    at: int = 0
    records: list[Record] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    repairs: int = 0

    def complain(self, number: int | str, message: str, record_type: int | None = None) -> None:
        """Note a problem of the record that is being read."""
        tag = f"{record_type}.{number:03d}" if isinstance(number, int) and record_type else str(number)
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(len(self.records), tag, message))


def read(data: bytes) -> Transaction:
    """Take an ANSI/NIST-ITL file (traditional encoding) apart, as far as its content allows.

    What is wrong on the way is in `Transaction.problems`; the time and memory it takes grow with `len(data)` only.

    Raises:
        BadFile: larger than `MAX_BYTES`, or no Type-1 record at its start.
    """
    if len(data) > MAX_BYTES:
        raise BadFile(f"The file has {len(data)} bytes; at most {MAX_BYTES} are read.", code="too-large")
    if not data:
        raise BadFile("The file is empty.", code="empty")
    if not _FIRST.match(data):
        raise BadFile(
            "The file is no ANSI/NIST-ITL file in traditional encoding.",
            advice="Such a file begins with '1.001:' (ANSI/NIST-ITL 1-2011, 8.1.1).",
        )
    reader = _Reader(bytes(data))
    _read_text(reader)
    announced = _announced(reader)
    while announced:
        _skip_line_ends(reader)
        if reader.at >= len(data) or _FIRST.match(data, reader.at):
            record_type = announced.pop(0)[0]
            reader.complain(3, f"announces a Type-{record_type} record that is not there (8.1.3)", 1)
        elif not _read_one(reader, *_next(reader, announced)):
            break
    _read_surplus(reader)
    return Transaction(tuple(reader.records), tuple(reader.problems), reader.data)


def _announced(reader: _Reader) -> list[tuple[int, int | None]]:
    """Types and IDCs that 1.003 announces, the Type-1 record left out (8.1.3)."""
    rows = reader.records[0].subfields(3)[1:]
    out: list[tuple[int, int | None]] = []
    for row in rows:
        numbers = [int(item) if item.isascii() and item.isdigit() and len(item) < 4 else None for item in row]
        if not numbers or numbers[0] is None or numbers[0] not in BINARY_TYPES | TEXT_TYPES - {1}:
            reader.problems.append(Problem(0, "1.003", "announces a record of no known type (8.1.3)"))
            continue
        out.append((numbers[0], numbers[1] if len(numbers) > 1 else None))
    if len(out) > MAX_RECORDS:
        reader.problems.append(Problem(0, "1.003", f"announces {len(out)} records; {MAX_RECORDS} are read"))
    stated = reader.records[0].subfields(3)[:1]
    if stated and stated[0][1:] and stated[0][1].strip() != str(len(rows)):
        reader.problems.append(Problem(0, "1.003", f"states another count than its {len(rows)} entries (8.1.3)"))
    return out[:MAX_RECORDS]


def _skip_line_ends(reader: _Reader) -> None:
    stray = _STRAY.match(reader.data, reader.at)  # no binary record begins so: it would have 200 MB
    if stray and stray.end() < len(reader.data):
        reader.complain("", f"{len(stray[0])} stray bytes (line ends) before it are skipped (Annex B)")
        reader.at = stray.end()


def _next(reader: _Reader, announced: list[tuple[int, int | None]]) -> tuple[int, int | None]:
    """Type and IDC of the record at the current place: what 1.003 announces next, which is taken off the list.

    Some writers' 1.003 has another order than the file. A tagged record says its type; a binary one where a tagged one
    is announced is the next announced of a binary type whose IDC is the one in its header.
    """
    tagged = _LENGTH.match(reader.data, reader.at)
    first = announced[0][0]
    if int(tagged[1]) == first if tagged else first in BINARY_TYPES:
        return announced.pop(0)
    idc = reader.data[reader.at + 4] if reader.at + 4 < len(reader.data) else None
    for place, (record_type, announced_idc) in enumerate(announced):
        fits = record_type == int(tagged[1]) if tagged else record_type in BINARY_TYPES and announced_idc == idc
        if fits:
            reader.complain("", f"stands where 1.003 announces a Type-{first} record (8.1.3)")
            return announced.pop(place)
    return announced.pop(0)


def _read_one(reader: _Reader, record_type: int, idc: int | None) -> bool:
    """Read the record that 1.003 announces next; False if the place of the one after it is unknown."""
    tagged = _LENGTH.match(reader.data, reader.at)
    if record_type in BINARY_TYPES and not tagged:
        return _read_binary(reader, record_type)
    if not tagged:
        reader.complain("", f"is no Type-{record_type} record, at byte {reader.at} (Annex B); the rest is not read")
        return False
    if int(tagged[1]) != record_type:
        reader.complain(
            1, f"is a record of Type {int(tagged[1])} where 1.003 announces Type {record_type}", int(tagged[1])
        )
    return _read_text(reader, idc)


def _read_surplus(reader: _Reader) -> None:
    """Records after the last that 1.003 announces: read if they are tagged, else only noted."""
    while reader.at < len(reader.data) and len(reader.records) <= MAX_RECORDS:
        _skip_line_ends(reader)
        if _FIRST.match(reader.data, reader.at):  # its prints are another person's
            reader.complain(
                "", f"another transaction begins at byte {reader.at}; a file holds one, the first is read (5.1)"
            )
            return
        if not _LENGTH.match(reader.data, reader.at):
            if reader.data[reader.at :].strip(b"\0\r\n\x1a\x1c "):
                left = len(reader.data) - reader.at
                reader.complain("", f"{left} bytes after the last record, from byte {reader.at} on, are not read")
            return
        reader.complain("", "is not announced in 1.003 (8.1.3)")
        if not _read_text(reader):
            return


def _read_text(reader: _Reader, announced_idc: int | None = None) -> bool:
    """Read the tagged record at the current place."""
    head = _LENGTH.match(reader.data, reader.at)
    record_type = int(head[1]) if head else 1
    start = reader.at
    if record_type not in TEXT_TYPES:
        reader.complain("", f"is a tagged record of Type {record_type}, which has no tags (Annex B)")
    if reader.repairs > MAX_REPAIRS:
        reader.complain("", f"and what follows is not read: over {MAX_REPAIRS} records before it had wrong lengths")
        return False
    body, data = _split(reader, start, _end(reader, start, record_type, int(head[2]) if head else 0), record_type)
    parsed = text.parse(body, record_type)
    for number, message in parsed.complaints:
        reader.complain("" if number is None else number, message, record_type)
    record = Record(record_type, None, tuple(parsed.fields), data, start, reader.at - start)
    idc = None if record_type == 1 else record.whole(2)
    if announced_idc is not None and idc != announced_idc:
        reader.complain(2, f"differs from the IDC {announced_idc} that 1.003 announces (8.1.3)", record_type)
    reader.records.append(Record(record_type, idc, record.fields, data, start, reader.at - start))
    return True


def _end(reader: _Reader, start: int, record_type: int, stated: int) -> int:
    """Where a tagged record ends, which it does with FS: as it states, or where the bytes say."""
    end = start + stated
    if stated and end <= len(reader.data) and reader.data[end - 1 : end] == text.FS:
        return end
    reader.repairs += 1
    data_tag = reader.data.find(_data_tag(record_type), start)
    separator = reader.data.find(text.FS, start)
    if record_type == 1 or data_tag < 0 or 0 <= separator < data_tag:
        found = separator + 1 if separator >= 0 else len(reader.data)
    else:
        following = re.compile(rb"\x1c(?=\d{1,2}\.0{0,8}1:\d{1,19}[\x1d\x1c])").search(reader.data, data_tag)
        found = following.end() if following else len(reader.data)
    if end > len(reader.data) and found == len(reader.data):
        reader.complain(1, f"states {stated} bytes; the file ends after {found - start} (8.1.1)", record_type)
    else:
        reader.complain(1, f"states {stated} bytes; the record has {found - start} (8.1.1)", record_type)
    return found


def _split(reader: _Reader, start: int, end: int, record_type: int) -> tuple[bytes, bytes]:
    """Text and binary data of the tagged record that ends at `end`; the current place moves there."""
    reader.at = end
    whole = reader.data[start:end]
    tag = _data_tag(record_type)
    at = whole.find(tag)
    if at < 0:
        return whole, b""
    again = whole.find(tag, at + len(tag), at + 256)
    if again >= 0 and whole[at + len(tag) : again].isascii() and whole[at + len(tag) : again].decode().isprintable():
        reader.complain(
            DATA_FIELD,
            "occurs more than once (Annex B: it is the last field); the last is taken as the data",
            record_type,
        )
        at = again
    return whole[:at], whole[at + len(tag) :].removesuffix(text.FS)


def _data_tag(record_type: int) -> bytes:
    return b"\x1d%d.%d:" % (record_type, DATA_FIELD)


def _read_binary(reader: _Reader, record_type: int) -> bool:
    """Read the binary record at the current place; False if its length leads nowhere."""
    start = reader.at
    smallest = binary.header_size(record_type)
    stated = int.from_bytes(reader.data[start : start + 4], "big")
    if len(reader.data) - start < smallest or stated < smallest:
        reader.complain(1, f"states {stated} bytes, too few for its header (8.4); the rest is not read", record_type)
        return False
    end = min(start + stated, len(reader.data))
    if start + stated > len(reader.data):
        reader.complain(1, f"states {stated} bytes; the file ends after {end - start} (8.4.1)", record_type)
    idc, fields, data = binary.parse(reader.data[start:end], record_type)
    head = (Field(1, ((str(stated),),)), Field(2, ((str(idc),),)))
    reader.at = end
    reader.records.append(Record(record_type, idc, (*head, *fields), data, start, end - start))
    return True
