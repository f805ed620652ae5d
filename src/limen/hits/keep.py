"""Keep that a search found a record, for those who must verify it, until a deadline; nothing of the capture itself."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from limen.records.tables import Hit, Record
from limen.terms import Answer, Purpose

KEPT_SECONDS = 72 * 3600  # after that a hit that nobody took further is forgotten like any other search


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


def keep(session: Session, asked: Asked, record: Record, answer: Answer, *, now: int | None = None) -> Hit:
    """Store that this record was found."""
    now = int(time.time()) if now is None else now
    hit = Hit(
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
        expires=now + KEPT_SECONDS,
    )
    session.add(hit)
    return hit


def forget_overdue(session: Session, *, now: int | None = None) -> int:
    """Delete the hits whose deadline has passed; how many. Runs when the front starts, and every few minutes."""
    now = int(time.time()) if now is None else now
    result = session.execute(delete(Hit).where(Hit.expires <= now))
    return int(getattr(result, "rowcount", 0))
