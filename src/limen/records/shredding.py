"""Whose keys are to be shredded: noted in the transaction that deletes a record, done by the vault right after it.

    with database.writing() as session:
        store.withdraw(session, record)          # notes it here too
    shredding.shred(database, vault)             # or the running front does, within seconds

A note stays until the vault, and every backup that mirrors the vault's record keys, has done it: a crash between the
two leaves keys that open nothing, never a deleted record whose keys live on unnoticed.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from limen.records.database import Database
from limen.records.tables import Shred

BATCH = 100_000  # records at a time: 1.6 MB. More than wait while a backup is out of reach for some weeks

Shredding = Mapping[str, Sequence[bytes]]  # UUIDs of records by owner


class Shredder(Protocol):
    """What this needs of the vault (`vault.client.VaultClient` has it)."""

    def shred(self, country: str, records: Sequence[bytes]) -> None: ...


def put(session: Session, owner: str, record: uuid.UUID, *, now: int | None = None) -> None:
    """Note that what was sealed for a record (or under another UUID, such as a hit's) is never to open again."""
    session.merge(Shred(record=record, owner=owner, at=int(time.time()) if now is None else now))


def waiting(session: Session) -> Shredding:
    """The oldest notes, at most `BATCH`."""
    found = defaultdict(list)
    for owner, record in session.execute(select(Shred.owner, Shred.record).order_by(Shred.at).limit(BATCH)):
        found[owner].append(record.bytes)
    return found


def done(session: Session, shredded: Shredding) -> None:
    """Take notes away, once nothing holds the keys any more."""
    for records in shredded.values():
        session.execute(delete(Shred).where(Shred.record.in_([uuid.UUID(bytes=record) for record in records])))


def shred(database: Database, vault: Shredder, mirrors: Callable[[Shredding], bool] = lambda _: True) -> int:
    """Have all that is noted shredded.

    Args:
        database: where the notes are.
        vault: destroys the keys.
        mirrors: does the same in the backups' copies; False if one cannot be reached, and the notes stay.

    Returns:
        How many records; 0 if a mirror was out of reach.
    """
    count = 0
    while True:
        with database.reading() as session:
            noted = waiting(session)
        for owner, records in noted.items():
            vault.shred(owner, records)
        if not noted or not mirrors(noted):
            return count
        with database.writing() as session:
            done(session, noted)
        count += sum(map(len, noted.values()))
