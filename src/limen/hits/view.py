"""A matched record as the searching country may see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from limen.terms import Disclosure, Notice


@dataclass(frozen=True)
class PortraitRef:
    """Where a sealed portrait is; it is unsealed only when its searcher looks at it."""

    record: bytes  # UUID
    sample: bytes  # UUID


@dataclass(frozen=True)
class RecordView:
    """What the officer is shown of a matched record.

    Attributes:
        number: the record's own number at its owner, to quote in a call.
        strength: 2 hit, 1 lead.
        agreed: what agreed: "face", and fingers by slug.
        opened: whether the sealed fields could be opened; if not, the personal ones are empty.
        owner, owner_name: country that the record belongs to (alpha-3, English).
        names: the main name first, then aliases.
        urgent: whether the person must not be let go before someone is called.
        contact: whom to call.
        portrait: where the portrait is, if there is one and the owner lets it be seen.
        withheld: whether the owner shows less of it to other countries than there is.
    """

    number: str
    strength: int
    agreed: tuple[str, ...]
    opened: bool
    owner: str
    owner_name: str
    names: tuple[str, ...] = ()
    date_of_birth: str = ""
    sex: str = ""
    nationalities: tuple[str, ...] = ()
    notice: Notice | None = None
    notice_number: str = ""
    urgent: bool = False
    offence: str = ""
    instructions: str = ""
    contact: str = ""
    portrait: PortraitRef | None = None
    withheld: bool = False

    def as_disclosed(self, disclosure: Disclosure) -> RecordView:
        """What is left of it for another country; what to do and whom to call always is."""
        if disclosure is Disclosure.FULL:
            return self
        if disclosure is Disclosure.IDENTITY:
            return replace(self, offence="", withheld=True)
        nobody: dict[str, Any] = {"names": (), "date_of_birth": "", "sex": "", "nationalities": (), "portrait": None}
        return replace(self, **nobody, notice=None, notice_number="", offence="", withheld=True)
