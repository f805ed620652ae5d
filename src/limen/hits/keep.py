"""Keep that a search found a record, with what its verification needs, sealed, until a deadline; then forget it.

What is held is one sealed blob a search (`opener.holding`): drawn pictures of what was captured, which the vault opens
for the country that searched. Forgetting deletes the rows and has the vault destroy the search's key, so that a copy of
the database from before (a backup, a snapshot) holds nothing that opens. It happens at the deadline, when examiners
reject the hit, when the record is withdrawn, and at the front's start before it takes a request: also after a crash and
with a restored database.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from limen.errors import BadInput
from limen.ledger.entry import Kind
from limen.records import journal, shredding, store
from limen.records.holding import HoldTerm
from limen.records.tables import Hit, Record
from limen.terms import Answer, Purpose

HOUR = 3600  # seconds
HOURS = 72  # that a hit is kept where its country says nothing else: issue 5 of the project, part 6
MOST_HOURS = 30 * 24
EXAMINERS = 1  # whose verdict it takes, where the country says nothing else


@dataclass(frozen=True)
class Asked:
    """Who asked, and what for.

    Attributes:
        search: the search's id, 16 bytes.
        country: alpha-3, of the searching officer.
        officer, device: their ids; None if they have none.
        purpose: what the search was for.
    """

    search: bytes
    country: str
    officer: uuid.UUID | None
    device: uuid.UUID | None
    purpose: Purpose


@dataclass(frozen=True)
class Capture:
    """A capture that is held: sealed (`opener.holding.context`), and the epoch of the key."""

    epoch: int
    sealed: bytes


@dataclass(frozen=True)
class Terms:
    """For how many hours a country keeps its hits, and how many examiners must say the same."""

    hours: int = HOURS
    examiners: int = EXAMINERS


def terms(session: Session, country: str) -> Terms:
    """A country's terms."""
    row = session.get(HoldTerm, country)
    return Terms(row.hours, row.examiners) if row else Terms()


def set_terms(session: Session, country: str, wanted: Terms, *, by: str = "") -> None:
    """Set a country's terms for the hits to come.

    Raises:
        NotFound: it does not take part.
        BadInput: too long, or not 1 or 2 examiners.
    """
    row = store.registered(session, country)
    if not 1 <= wanted.hours <= MOST_HOURS or wanted.examiners not in (1, 2):
        raise BadInput(f"Hits are kept for 1 to {MOST_HOURS} hours and verified by 1 or 2 examiners.")
    journal.put(session, Kind.POLICY_CHANGED, by or row.code)
    session.merge(HoldTerm(country=row.code, hours=wanted.hours, examiners=wanted.examiners))


def keep(
    session: Session,
    asked: Asked,
    records: Sequence[Record],
    answer: Answer,
    held: Capture | None = None,
    *,
    now: int | None = None,
) -> list[Hit]:
    """Store that these records were found, strongest first, and the capture with the first of them."""
    now = int(time.time()) if now is None else now
    until = now + terms(session, asked.country).hours * HOUR
    hits = [
        Hit(
            id=uuid.uuid4(),
            search=uuid.UUID(bytes=asked.search),
            record_id=record.id,
            owner=record.owner,
            country=asked.country,
            officer_id=asked.officer,
            device_id=asked.device,
            purpose=asked.purpose.value,
            answer=answer.value,
            state="open",
            at=now,
            expires=until,
        )
        for record in records
    ]
    if hits and held:
        hits[0].held, hits[0].held_epoch = held.sealed, held.epoch
    session.add_all(hits)
    if hits:
        journal.put(session, Kind.HIT_KEPT, asked.country, purpose=asked.purpose, answer=answer, now=now)
    elif held:
        let_go(session, asked.country, uuid.UUID(bytes=asked.search))
    return hits


def let_go(session: Session, country: str, search: uuid.UUID) -> None:
    """Delete what is held of a search, and have its key destroyed; what was found stays until its deadline."""
    session.execute(update(Hit).where(Hit.search == search).values(held=None, held_epoch=None))
    shredding.put(session, country, search)


def forget_overdue(session: Session, *, now: int | None = None) -> int:
    """Delete the hits whose deadline has passed or whose record is gone, with what is held; how many."""
    now = int(time.time()) if now is None else now
    over = (Hit.expires <= now) | Hit.record_id.is_(None)
    rows = session.execute(select(Hit.id, Hit.search, Hit.country, Hit.purpose).where(over)).all()
    for search, country, purpose in {(row.search, row.country, row.purpose) for row in rows}:
        left = select(Hit.id).where(Hit.search == search, ~over).limit(1)
        if session.scalar(left) is None:
            let_go(session, country, search)
            journal.put(session, Kind.HIT_FORGOTTEN, country, purpose=Purpose(purpose), now=now)
        else:  # one of several records is gone: what is held moves to one that is left
            _move_held(session, search, over)
    session.execute(delete(Hit).where(Hit.id.in_([row.id for row in rows])))
    return len(rows)


def _move_held(session: Session, search: uuid.UUID, over: ColumnElement[bool]) -> None:
    held = session.execute(select(Hit.held, Hit.held_epoch).where(Hit.search == search, Hit.held.is_not(None))).first()
    heir = session.scalar(select(Hit.id).where(Hit.search == search, ~over).limit(1))
    if held and heir:
        session.execute(update(Hit).where(Hit.id == heir).values(held=held.held, held_epoch=held.held_epoch))
