"""How any process puts something on record: with the change itself, in one transaction, or not at all.

    with database.writing() as session:
        ...                                               # the change
        journal.put(session, Kind.POLICY_CHANGED, "BIH/admin")

The entry waits in the database's table `journal`; the front, which alone holds the ledger, appends what waits there
within a second, at its start too (`front.journal`), and takes it from the table once it is on disk under a signed
checkpoint. So commands that run beside the hub, or while it stands still, are on record like everything else, and a
change whose entry cannot be written is rolled back with it.

What is not done in the database (a key, a switch, a backup) is announced first: `announce` commits the entry alone, and
raises if that cannot be; only then act. An entry without its act is possible that way, an act without its entry is not.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from limen.errors import BadInput
from limen.ledger.entry import MAX_WHO, Kind
from limen.records.database import Database
from limen.records.tables import JournalRow
from limen.terms import Answer, Purpose

BATCH = 256  # entries appended at a time


def put(
    session: Session,
    kind: Kind,
    who: str = "",
    *,
    purpose: Purpose | None = None,
    answer: Answer | None = None,
    now: int | None = None,
) -> uuid.UUID:
    """Put on record what this transaction does.

    Args:
        session: of `Database.writing`.
        kind: what happens.
        who: does it: `COUNTRY/NAME`, or a country alone; empty: the operator, or the hub by itself. It stands in the
            ledger as a pseudonym that two people together can open.
        purpose, answer: where the entry is about a search or its verification.
        now: Unix seconds.

    Returns:
        The entry's id: random, and all that the ledger says of what it is about.

    Raises:
        BadInput: `who` cannot be an officer or a country.
    """
    if len(who) > MAX_WHO or not who.isascii():
        raise BadInput("A ledger entry names nobody who can be an officer.")
    row = JournalRow(
        id=uuid.uuid4(),
        kind=kind.value,
        at=int(time.time()) if now is None else now,
        who=who,
        purpose=purpose.value if purpose else "",
        answer=answer.value if answer else "",
    )
    session.add(row)
    return row.id


def announce(database: Database, kind: Kind, who: str = "") -> uuid.UUID:
    """Put on record what is about to be done outside of the database. Arguments, result and errors as `put`.

    Raises:
        Unavailable: it cannot be put on record; what was to be done must not be done.
    """
    with database.writing() as session:
        return put(session, kind, who)


def drain(database: Database, append: Callable[[Sequence[JournalRow]], None]) -> int:
    """Move the oldest entries that wait, at most `BATCH`, into the ledger; how many.

    Args:
        database: where they wait.
        append: returns once all are on disk under a signed checkpoint. Should this process die before they are taken
            from the table, they come once more: `append` leaves out what the ledger has already.
    """
    waiting = select(JournalRow).order_by(JournalRow.number).limit(BATCH)
    if not database.embedded:  # of several hubs on one database, each takes what no other is taking
        with database.writing() as session:
            rows = session.scalars(waiting.with_for_update(skip_locked=True)).all()
            _move(session, rows, append)
        return len(rows)
    with database.reading() as session:  # SQLite has one writer: do not keep it while the ledger is written
        rows = session.scalars(waiting).all()
    if rows:
        append(rows)
        with database.writing() as session:
            _move(session, rows, lambda _: None)
    return len(rows)


def _move(session: Session, rows: Sequence[JournalRow], append: Callable[[Sequence[JournalRow]], None]) -> None:
    if rows:
        append(rows)
        session.execute(delete(JournalRow).where(JournalRow.number.in_([row.number for row in rows])))
