"""Canary records: of nobody, indistinguishable from others, which no honest search finds.

A canary is put in like any record (a made-up person, a synthetic face or finger) and then named here. Whoever searches
with templates or images that were stolen or rebuilt from the gallery finds it in the end, and is suspended at once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.access.tables import Canary
from limen.records.tables import Record


def name(session: Session, record_id: uuid.UUID) -> None:
    """From now on this record is a canary."""
    if session.get(Canary, record_id) is None:
        session.add(Canary(record_id=record_id, created=int(time.time())))


def any_of(session: Session, handles: Iterable[int]) -> bool:
    """Whether a canary is among these records (by handle)."""
    found = select(Canary.record_id).join(Record, Record.id == Canary.record_id).where(Record.handle.in_(list(handles)))
    return session.scalars(found.limit(1)).first() is not None
