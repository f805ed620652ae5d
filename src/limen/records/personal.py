"""What an owner says about a person: the fields that are sealed, as CBOR, before they reach the database."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import cbor2

from limen.errors import BadInput, Damaged
from limen.terms import Disclosure, Notice, Sex

VERSION = 1
_DATE = re.compile(r"(\d{4})(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_LIMITS = {  # characters; a card on an officer's screen, not a file
    "record_id": 128,
    "names": 200,
    "nationalities": 3,
    "notice_number": 64,
    "offence": 1000,
    "instructions": 2000,
    "contact": 400,
}


@dataclass(frozen=True)
class Personal:
    """Personal fields of one record. Texts are Unicode without control characters; empty where unknown.

    Attributes:
        record_id: the owner's own id of the record.
        names: the name first, then aliases.
        date_of_birth: `YYYY-MM-DD`, or as much of it as is known: `YYYY-MM`, `YYYY`.
        sex: see `terms.Sex`.
        nationalities: ISO 3166-1 alpha-3 codes, or `XXA` (stateless), `XXX` (unknown).
        notice, notice_number: what asks for the person; None if the record stands for itself.
        offence: what for.
        instructions: what whoever finds the person must do.
        contact: whom to call; empty: the owner's National Central Bureau.
        disclosure: how much other countries are shown (RPD Art. 5 and 58: the owner decides).
        extensions: when it was decided to keep the record, until when (Unix seconds), and why (RPD Art. 50).
    """

    record_id: str
    names: tuple[str, ...] = ()
    date_of_birth: str = ""
    sex: Sex = Sex.UNKNOWN
    nationalities: tuple[str, ...] = ()
    notice: Notice | None = None
    notice_number: str = ""
    offence: str = ""
    instructions: str = ""
    contact: str = ""
    disclosure: Disclosure = Disclosure.FULL
    extensions: tuple[tuple[int, int, str], ...] = ()

    def __post_init__(self) -> None:
        """`BadInput` if a field is malformed; the message names the field, never its content."""
        if not self.record_id.strip():
            raise BadInput("The field 'record_id' is empty.")
        for name, limit in _LIMITS.items():
            value = getattr(self, name)
            for text in (value,) if isinstance(value, str) else value:
                if len(text) > limit:
                    raise BadInput(f"The field '{name}' has more than {limit} characters.")
                if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
                    raise BadInput(f"The field '{name}' has control characters.")
        if len(self.names) > 50 or len(self.nationalities) > 20:
            raise BadInput("There are more than 50 names or 20 nationalities.")
        if self.date_of_birth and not _DATE.fullmatch(self.date_of_birth):
            raise BadInput("The field 'date_of_birth' is no date.", advice="Use YYYY-MM-DD, YYYY-MM or YYYY.")

    def pack(self) -> bytes:
        """As canonical CBOR: the same fields give the same bytes."""
        fields = dataclasses.asdict(self)
        fields.update(names=list(self.names), nationalities=list(self.nationalities), sex=self.sex.value)
        fields.update(extensions=[list(extension) for extension in self.extensions])
        fields.update(notice=self.notice.value if self.notice else None, version=VERSION)
        if fields.pop("disclosure") is not Disclosure.FULL:  # left out else, as in records of before there was such
            fields["disclosure"] = self.disclosure.value
        return cbor2.dumps(fields, canonical=True)

    @classmethod
    def unpack(cls, data: bytes) -> Personal:
        """From CBOR; `Damaged` if it is not what `pack` writes."""
        try:
            fields: dict[str, Any] = cbor2.loads(data)
            if fields.pop("version") != VERSION:
                raise Damaged("A record's fields have a version that this release does not know.")
            fields.update(names=tuple(fields["names"]), nationalities=tuple(fields["nationalities"]))
            fields.update(sex=Sex(fields["sex"]), notice=Notice(fields["notice"]) if fields["notice"] else None)
            fields.update(
                extensions=tuple((int(at), int(to), str(why)) for at, to, why in fields.get("extensions", []))
            )
            fields.update(disclosure=Disclosure(fields.get("disclosure", Disclosure.FULL)))
            return cls(**fields)
        except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError, AttributeError, BadInput):
            raise Damaged("A record's fields cannot be read.", advice="Import the record again.") from None
