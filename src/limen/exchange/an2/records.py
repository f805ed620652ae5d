"""What a file holds, once taken apart: a transaction of records of fields."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

#: Types whose records are binary (fixed header, no tags): ANSI/NIST-ITL 1-2011, Annex B (3, 5, 6: until 2007).
BINARY_TYPES = frozenset({3, 4, 5, 6, 7, 8})
#: Types whose records are tagged text, with or without binary data in their last field.
TEXT_TYPES = frozenset({1, 2, *range(9, 23), 98, 99})
DATA_FIELD = 999  # of text records: their image, sound or file


@dataclass(frozen=True)
class Problem:
    """Something in a file that breaks the standard or the profile.

    Attributes:
        record: which record, counted from 0 (the Type-1 record) as in the file; None: the file as a whole.
        field: such as `14.011`; empty where it is about the record as a whole.
        message: what is wrong, with the clause; never quotes personal text.
    """

    record: int | None
    field: str
    message: str


@dataclass(frozen=True)
class Field:
    """One field: subfields of items, as text. A plain value is one subfield with one item."""

    number: int
    subfields: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The first item, stripped; an empty string if there is none."""
        return self.subfields[0][0].strip() if self.subfields and self.subfields[0] else ""


@dataclass(frozen=True)
class Record:
    """One logical record.

    Attributes:
        type: 1 to 99.
        idc: information designation character, or None for Type-1 and where it is missing.
        fields: in file order; a number may occur more than once (2.034 of INT-I files does). Binary records get the
            fields that their fixed header stands for.
        data: the image or other binary data (field 999; the body of a binary record), byte for byte.
        offset, length: where the record lies in the file, in bytes.
    """

    type: int
    idc: int | None
    fields: tuple[Field, ...]
    data: bytes = field(default=b"", repr=False)
    offset: int = 0
    length: int = 0

    def text(self, number: int) -> str:
        """First item of a field's first occurrence, stripped; empty if the field is absent."""
        return next((f.text for f in self.fields if f.number == number), "")

    def whole(self, number: int) -> int | None:
        """A field as a non-negative whole number; None if it is absent or is none."""
        text = self.text(number)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def subfields(self, number: int) -> list[tuple[str, ...]]:
        """Subfields of all occurrences of a field."""
        return [subfield for f in self.fields if f.number == number for subfield in f.subfields]

    def has(self, number: int) -> bool:
        """Whether the field is there."""
        return any(f.number == number for f in self.fields)

    def tag(self, number: int) -> str:
        """A field's name as people write it: `14.011`."""
        return f"{self.type}.{number:03d}"


@dataclass(frozen=True)
class Transaction:
    """A whole file.

    Attributes:
        records: in file order; the first is the Type-1 record.
        problems: what was wrong on the way; reading went on as far as the content allowed.
        original: the file, byte for byte (to be kept sealed; nothing here ever rewrites it).
    """

    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    original: bytes = field(default=b"", repr=False)

    @property
    def type1(self) -> Record:
        """The Type-1 record: who sends what to whom."""
        return self.records[0]

    @cached_property
    def sha256(self) -> str:
        """Hash of the original bytes, hex."""
        return hashlib.sha256(self.original).hexdigest()

    @property
    def kind(self) -> str:
        """Type of transaction (1.004), such as `CPS`."""
        return self.type1.text(4)

    @property
    def domain(self) -> str:
        """Application profile (1.013), upper case; `NORAM` where the file does not say (ANSI/NIST-ITL, 8.1.13)."""
        return self.type1.text(13).upper() or "NORAM"

    def of_type(self, kind: int) -> list[Record]:
        """All records of a type."""
        return [record for record in self.records if record.type == kind]
