"""Requests of persons concerned: access, correction, deletion; each a case with a deadline, for the control commission.

Whoever believes that a country keeps data of them here may ask (RPD Art. 18; Statute of the Commission for the Control
of INTERPOL's Files). The National Central Bureau that the case is given to answers within four months (access) or nine
(correction, deletion), Statute Art. 40. What a case says is sealed like a record's fields; deadlines and outcomes stand
in clear, so that the commission can be shown that they were kept. A closed case goes after three years.
"""

from __future__ import annotations

import dataclasses
import enum
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cbor2
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from limen.access.tables import Case
from limen.errors import BadInput, Damaged, NotFound
from limen.ledger.entry import Kind
from limen.records import journal, shredding
from limen.records.store import registered
from limen.vault.seal import Context, Use

DAY = 86_400
ANSWER_DAYS = {"access": 4 * 30, "correction": 9 * 30, "deletion": 9 * 30}  # CCF Statute, Art. 40 (1) and (2)
SOON = 30 * DAY  # before its deadline, a case is shown as pressing
KEPT = 3 * 365 * DAY  # of closed cases: as long as an answer can be contested
FOREVER = 2**40  # a case's seal has no end of its own
MAX_TEXT = 4_000  # characters of a request or note


class CaseKind(enum.StrEnum):
    """What a person asks."""

    ACCESS = "access"
    CORRECTION = "correction"
    DELETION = "deletion"


class Outcome(enum.StrEnum):
    """How a case ended."""

    GRANTED = "granted"
    PARTLY = "partly-granted"
    REFUSED = "refused"  # with the reason in its last note
    NO_DATA = "no-data"  # nothing of this person is kept here
    WITHDRAWN = "withdrawn"


class Vault(Protocol):
    """Seals and opens what a case says (`vault.client.VaultClient`)."""

    def seal(self, context: Context, plaintext: bytes) -> tuple[int, bytes]: ...
    def unseal(self, context: Context, blob: bytes) -> bytes: ...


@dataclass(frozen=True)
class Content:
    """What a case says.

    Attributes:
        person: who asks, and how to reach them.
        request: what they ask, in their words.
        notes: when, who, and what was done, the oldest first.
    """

    person: str
    request: str
    notes: tuple[tuple[int, str, str], ...] = ()

    def __post_init__(self) -> None:
        """`BadInput` if something is missing or too long."""
        if not self.person.strip() or not self.request.strip():
            raise BadInput("A case needs who asks, and what.")
        if max(len(self.person), len(self.request), *(len(text) for _, _, text in self.notes), 0) > MAX_TEXT:
            raise BadInput(f"A text of a case has at most {MAX_TEXT} characters.")


def open_case(
    session: Session,
    vault: Vault,
    country: str,
    kind: CaseKind,
    content: Content,
    *,
    by: str = "",
    received: int | None = None,
) -> Case:
    """Open a case.

    Args:
        session: of `Database.writing(country)` or of no country.
        country: whose National Central Bureau answers.
        by: who opens it, `COUNTRY/NAME`, for the ledger; empty: the operator.
        received: when the request came, Unix seconds: the deadline counts from then. Not in the future.

    Raises:
        NotFound: the country does not take part.
        BadInput: the request cannot have come then.
    """
    registered(session, country)
    now = int(time.time())
    received = now if received is None else received
    if not now - 10 * 365 * DAY < received <= now + DAY:
        raise BadInput("The request cannot have come at that time.")
    row = Case(id=uuid.uuid4(), number=_number(session, received), kind=kind.value, country=country, opened=received)
    row.due, row.outcome, row.closed, row.delete_after = received + ANSWER_DAYS[kind] * DAY, "", None, None
    row.content = vault.seal(context(row), _pack(content))[1]
    session.add(row)
    journal.put(session, Kind.CASE_OPENED, by, now=now)
    return row


def read(case: Case, vault: Vault) -> Content:
    """What a case says; `Damaged` if it cannot be read, `KeyUnavailable` if the country has its key back."""
    return unpack(vault.unseal(context(case), case.content))


def unpack(packed: bytes) -> Content:
    """What the opened content of a case says; `Damaged` if it cannot be read."""
    try:
        found: dict[str, Any] = cbor2.loads(packed)
        return Content(
            found["person"], found["request"], tuple((int(at), who, text) for at, who, text in found["notes"])
        )
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError, BadInput):
        raise Damaged("A case cannot be read.", advice="Restore it from a backup.") from None


def note(session: Session, vault: Vault, case: Case, text: str, *, by: str = "", now: int | None = None) -> None:
    """Add what was done."""
    if case.closed is not None:
        raise BadInput("The case is closed.", advice="Open a new one.")
    if not text.strip():
        raise BadInput("A note needs a text.")
    now = int(time.time()) if now is None else now
    said = read(case, vault)
    case.content = vault.seal(context(case), _pack(dataclasses.replace(said, notes=(*said.notes, (now, by, text)))))[1]


def close(
    session: Session, vault: Vault, case: Case, outcome: Outcome, text: str, *, by: str = "", now: int | None = None
) -> None:
    """Close a case with its outcome and the reasons that the person is given. `BadInput` if it is closed already."""
    now = int(time.time()) if now is None else now
    note(session, vault, case, text, by=by, now=now)
    case.outcome, case.closed, case.delete_after = outcome.value, now, now + KEPT
    journal.put(session, Kind.CASE_CLOSED, by, now=now)


def find(session: Session, number: str, country: str | None = None) -> Case:
    """A case by its number (`2026-0007`), of one country or any; `NotFound`."""
    row = session.scalars(select(Case).where(Case.number == number)).one_or_none()
    if row is None or country not in (None, row.country):
        raise NotFound(f"There is no case {number[:20]}.")
    return row


def list_cases(session: Session, country: str | None = None, *, only_open: bool = False) -> Sequence[Case]:
    """Cases of one country or all, the first due first."""
    query = select(Case).order_by(Case.closed.is_not(None), Case.due)
    if country is not None:
        query = query.where(Case.country == country)
    return session.scalars(query.where(Case.closed.is_(None)) if only_open else query).all()


def standing(case: Case, now: int | None = None) -> str:
    """Where a case stands: `open`, `pressing`, `overdue`, or how and whether in time it was closed."""
    now = int(time.time()) if now is None else now
    if case.closed is not None:
        return f"{case.outcome}, {'late' if case.closed > case.due else 'in time'}"
    return "overdue" if now > case.due else "pressing" if now > case.due - SOON else "open"


def report(session: Session, country: str | None = None, *, now: int | None = None) -> Mapping[str, int]:
    """Counts for the control commission: how many cases stand how."""
    counts: dict[str, int] = {}
    for case in list_cases(session, country):
        word = standing(case, now)
        counts[word] = counts.get(word, 0) + 1
    return counts


def purge(session: Session, *, now: int | None = None) -> int:
    """Delete closed cases whose time is over, and have their keys shredded; how many."""
    now = int(time.time()) if now is None else now
    gone = session.execute(delete(Case).where(Case.delete_after <= now).returning(Case.country, Case.id)).all()
    for country, case_id in gone:
        shredding.put(session, country, case_id, now=now)
    return len(gone)


def _number(session: Session, received: int) -> str:
    year = time.gmtime(received).tm_year
    latest = session.scalar(select(func.max(Case.number)).where(Case.number.like(f"{year}-%")))
    return f"{year}-{int(latest[5:]) + 1 if latest else 1:04d}"


def context(case: Case) -> Context:
    """What the seal of a case binds."""
    return Context(Use.FIELDS, case.country.encode("ascii"), case.id.bytes, bytes(16), 0, 0, b"", FOREVER)


def _pack(content: Content) -> bytes:
    return cbor2.dumps(
        {"person": content.person, "request": content.request, "notes": [list(one) for one in content.notes]},
        canonical=True,
    )
