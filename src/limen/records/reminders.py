"""Owners are reminded of records that end soon: to extend them with a reason, or to let them go (RPD Art. 50).

Each record is reminded of once for each end that it has, six months before it, or once half of its time is over if that
is later: noted here and on record in the ledger. What is noted stands at the desk, in the API and in
`limen records reminders`, until the record is extended or gone; a bureau that has an address is called (`front.calls`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.orm import Session

from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.database import Database
from limen.records.retention import BATCH, REVIEW
from limen.records.tables import Record, Reminder


@dataclass(frozen=True)
class Waiting:
    """A record whose owner was reminded. at: when; sent: when its bureau's address took the call, if it did."""

    record: Record
    at: int
    sent: int | None


@dataclass(frozen=True)
class Unsent:
    """What a country's bureau was not called about: so many records, the first of which ends then (Unix seconds)."""

    country: str
    records: int
    first_end: int
    latest: int


def note(database: Database, *, now: int | None = None) -> int:
    """Remind owners of what ends soon, if they were not; of how many records."""
    now = int(time.time()) if now is None else now
    reminded = 0
    while True:
        with database.writing() as session:
            batch = session.scalars(_not_reminded(now).limit(BATCH)).all()
            for record in batch:
                end = record.valid_until
                session.merge(Reminder(record_id=record.id, country=record.owner, valid_until=end, at=now, sent=None))
                journal.put(session, Kind.OWNER_REMINDED, record.owner, now=now)
        reminded += len(batch)
        if len(batch) < BATCH:
            return reminded


def waiting(session: Session, owner: str, *, skip: int = 0, limit: int | None = None) -> list[Waiting]:
    """What an owner was reminded of and has not extended, the first to end first."""
    query = select(Record, Reminder).join(Reminder, _of_this_end()).where(Record.owner == owner)
    rows = session.execute(query.order_by(Record.valid_until, Record.id).offset(skip).limit(limit)).tuples()
    return [Waiting(record, reminder.at, reminder.sent) for record, reminder in rows]


def count(session: Session, owner: str) -> int:
    """How many these are."""
    query = select(func.count()).select_from(Record).join(Reminder, _of_this_end()).where(Record.owner == owner)
    return session.scalar(query) or 0


def unsent(session: Session) -> Sequence[Unsent]:
    """What no bureau was called about yet, by country."""
    end, at = func.min(Record.valid_until), func.max(Reminder.at)
    query = select(Record.owner, func.count(), end, at).join(Reminder, _of_this_end()).where(Reminder.sent.is_(None))
    return [Unsent(*row) for row in session.execute(query.group_by(Record.owner)).tuples()]


def mark_sent(session: Session, told: Unsent, *, now: int | None = None) -> None:
    """Note that a bureau was called about all of this; what was noted since then is not among it."""
    now = int(time.time()) if now is None else now
    told_of = (Reminder.country == told.country, Reminder.sent.is_(None), Reminder.at <= told.latest)
    session.execute(update(Reminder).where(*told_of).values(sent=now))


def _not_reminded(now: int) -> Select[Record]:
    left = Record.valid_until - now
    half_over = left * 2 <= Record.valid_until - Record.retained_from
    soon = and_(left > 0, left <= REVIEW, half_over)
    return select(Record).outerjoin(Reminder, _of_this_end()).where(soon, Reminder.record_id.is_(None))


def _of_this_end() -> ColumnElement[bool]:
    """A record that was extended is reminded of anew when its new end comes near."""
    return and_(Reminder.record_id == Record.id, Reminder.valid_until == Record.valid_until)
