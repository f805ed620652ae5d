"""Leads: a print that may have left an unsolved mark, or a mark that may be of a print that is here already.

They are found as samples come in (`limen.matcher.unsolved`), and are for whoever owns the mark, as far as the print's
owner lets that country see its record. An examiner compares, and says what came of it. A lead goes with either record.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.errors import NotFound
from limen.ledger.entry import Kind
from limen.records import journal, store
from limen.records.tables import Lead, Record, Unsolved


class State(StrEnum):
    """What came of a lead."""

    OPEN = "open"
    CONFIRMED = "confirmed"  # an examiner says that it is the finger or palm
    DISMISSED = "dismissed"  # an examiner says that it is not; the same two records never become a lead again


@dataclass(frozen=True)
class Pair:
    """Two records, by handle: one with a mark, one with a print that may have left it."""

    mark: int
    found: int


@dataclass(frozen=True)
class Known:
    """A lead with its two records."""

    lead: Lead
    mark: Record
    found: Record


def searched_upto(session: Session) -> int:
    """The change up to which new samples were searched for leads; 0 before the first."""
    row = session.get(Unsolved, 1)
    return row.upto if row else 0


def keep(session: Session, pairs: Iterable[Pair], upto: int, *, now: int | None = None) -> int:
    """Keep what was found, once, and that the search got up to a change; how many leads are new.

    Pairs of which a record is gone, or is not to be seen by the mark's owner, are left out.
    """
    now = int(time.time()) if now is None else now
    new = 0
    for pair in dict.fromkeys(pairs):
        mark, found = store.by_handle(session, pair.mark), store.by_handle(session, pair.found)
        if mark is None or found is None or not store.visible_to(found, mark.owner, now=now):
            continue
        known = select(Lead.id).where(Lead.mark_id == mark.id, Lead.found_id == found.id)
        if session.scalar(known) is None:
            lead = Lead(id=uuid.uuid4(), mark_id=mark.id, found_id=found.id, owner=mark.owner, state=State.OPEN, at=now)
            session.add(lead)
            session.flush()
            journal.put(session, Kind.HIT_KEPT, mark.owner, now=now)
            new += 1
    row = session.get(Unsolved, 1)
    if row is None:
        session.add(Unsolved(id=1, upto=upto))
    else:
        row.upto = upto
    return new


def of_country(session: Session, country: str, state: State | None = State.OPEN) -> list[Known]:
    """A country's leads whose print it may still see, the oldest first; of one state, or (None) of all."""
    query = select(Lead).where(Lead.owner == country).order_by(Lead.at, Lead.id)
    rows: Sequence[Lead] = session.scalars(query if state is None else query.where(Lead.state == state.value)).all()
    known = ((lead, store.by_id(session, lead.mark_id), store.by_id(session, lead.found_id)) for lead in rows)
    return [
        Known(lead, mark, found)
        for lead, mark, found in known
        if mark is not None and found is not None and store.visible_to(found, country)
    ]


def settle(session: Session, lead_id: uuid.UUID, country: str, state: State, who: str) -> None:
    """Note what an examiner of the mark's owner says of a lead.

    Args:
        who: the examiner, for the ledger.

    Raises:
        NotFound: the country has no such lead.
    """
    lead = session.get(Lead, lead_id)
    if lead is None or lead.owner != country:
        raise NotFound("There is no such lead.", advice="See: limen records leads.", code="no-such-lead")
    lead.state = state.value
    journal.put(session, Kind.HIT_VERIFIED, who)
