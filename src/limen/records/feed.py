"""Changes to the gallery, in an order without gaps, for the front to feed to the matcher.

Every change has a number from a counter of one row, taken inside the writing transaction and near its end. The row's
lock is held until commit, so numbers become visible in their own order: whoever reads the counter's value n can
read every change up to n (decision 0191). A reader that remembers the last number thus misses nothing.
"""

from __future__ import annotations

import functools
import time
import uuid
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, Uuid, func, select, type_coerce, update
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from limen.records import packing
from limen.records.tables import Record, Sample, Sequence, State, Tombstone
from limen.wire.messages import GalleryPut, GalleryWithdraw
from limen.wire.rows import Loose


def number(session: Session, count: int = 1) -> int:
    """Take `count` change numbers and return the first. Call it late: other writers wait until the commit."""
    last: int = session.execute(
        update(Sequence).where(Sequence.id == 1).values(value=Sequence.value + count).returning(Sequence.value)
    ).scalar_one()
    return last - count + 1


def last_change(session: Session) -> int:
    """Number of the latest committed change; 0 before the first."""
    return session.execute(select(Sequence.value).where(Sequence.id == 1)).scalar_one()


def changes(
    session: Session, after: int, limit: int, *, now: int | None = None
) -> tuple[list[GalleryPut | GalleryWithdraw], int]:
    """Changes after a number, oldest first.

    Args:
        session: a reading session.
        after: the number up to which changes are known; 0 for the whole gallery.
        limit: at most so many messages (40 KiB each at most).
        now: Unix seconds; records whose time is over are sent as withdrawn.

    Returns:
        Messages, and the number up to which they reach; equal to `after` if there is nothing new.
    """
    now = int(time.time()) if now is None else now
    upper = last_change(session)  # first: everything up to it is committed, whatever commits while we read
    stones = session.scalars(
        select(Tombstone)
        .where(Tombstone.change > after, Tombstone.change <= upper)
        .order_by(Tombstone.change)
        .limit(limit)
    )
    samples = session.execute(
        _SAMPLES.where(Sample.change > after, Sample.change <= upper).order_by(Sample.change).limit(limit)
    )
    found: list[tuple[int, GalleryPut | GalleryWithdraw]] = [
        *((stone.change, GalleryWithdraw(stone.record, stone.sample)) for stone in stones),
        *((row[0], _message(row, now)) for row in samples),
    ]
    found = sorted(found, key=lambda change: change[0])[:limit]
    last = found[-1][0] if len(found) == limit else upper
    return [message for _, message in found], last


def batches(session: Session, after: int, limit: int, *, now: int | None = None) -> tuple[list[Loose], int]:
    """As `changes`, packed: a whole gallery passes here at every start, in a fifth of the time."""
    now = int(time.time()) if now is None else now
    upper = last_change(session)  # first, as in `changes`
    connection = session.connection()
    postgres = connection.dialect.name == "postgresql"
    stones = _rows(connection, _STONES.where(Tombstone.change > after, Tombstone.change <= upper), Tombstone, limit)
    wanted = _raw(_OF_SAMPLE, postgres).where(Sample.change > after, Sample.change <= upper)
    samples = _rows(connection, wanted, Sample, limit)
    numbers = [row[0] for row in (*stones, *samples)]
    if not numbers:
        return [], upper
    heads, templates = packing.handles(stones, (1, 2)), [b""] * len(stones)
    if samples:
        ids = [uuid.UUID(bytes=one) if postgres else uuid.UUID(one) for one in {row[2] for row in samples}]
        of = connection.execute(_raw(_OF_RECORD, postgres).where(Record.id.in_(ids))).all()
        put, filled = packing.heads_of(samples, of, now)
        heads, templates = np.concatenate([heads, put]), templates + filled
    if stones:
        order = np.argsort(numbers, kind="stable")
        heads, templates = heads[order], [templates[at] for at in order.tolist()]
        numbers.sort()
    last = numbers[limit - 1] if len(numbers) >= limit else upper
    return list(packing.messages(heads[:limit], templates[:limit])), last


def _rows(
    connection: Connection, wanted: Select[*tuple[Any, ...]], table: type[Sample | Tombstone], limit: int
) -> list[Any]:
    """The oldest of these changes, as the driver gives them: SQLAlchemy's rows take as long as the database."""
    found = connection.execute(wanted.order_by(table.change).limit(limit))
    rows = list(found.cursor.fetchall())
    found.close()
    return rows


_STONES: Select[*tuple[Any, ...]] = select(
    *(type_coerce(column, NullType()) for column in (Tombstone.change, Tombstone.record, Tombstone.sample))
)
_OF_SAMPLE = (
    Sample.change, Sample.handle, Sample.record_id, Sample.modality, Sample.position, Sample.epoch, Sample.model,
    Sample.id, Sample.expires, Sample.template,
)  # fmt: skip
_OF_RECORD = (
    Record.id, Record.state, Record.handle, Record.owner, Record.visible, Record.valid_from, Record.valid_until,
    Record.sealed_as,
)  # fmt: skip


@functools.cache
def _raw(columns: tuple[Any, ...], postgres: bool) -> Select[*tuple[Any, ...]]:
    """Columns as the driver gives them (UUIDs as hex or bytes): SQLAlchemy's types take as long as all the rest."""
    is_id = (isinstance(column.type, Uuid) and postgres for column in columns)
    sent = (func.uuid_send(column) if one else column for column, one in zip(columns, is_id, strict=True))
    return select(*(type_coerce(column, NullType()) for column in sent))


# Columns, not objects: rows take a quarter of the time.
_SAMPLES = select(
    Sample.change,
    Record.state,
    Record.handle,
    Sample.handle,
    Record.owner,
    Record.visible,
    Record.valid_from,
    Record.valid_until,
    Sample.modality,
    Sample.position,
    Sample.epoch,
    Sample.model,
    func.coalesce(Record.sealed_as, Record.id),
    Sample.id,
    Sample.expires,
    Sample.template,
).join(Record, Sample.record_id == Record.id)


def _message(row: Any, now: int) -> GalleryPut | GalleryWithdraw:
    (_, state, record, sample, owner, visible, valid_from, valid_until, modality, position, epoch, model, record_id,
     sample_id, expires, template) = row  # fmt: skip
    if state != State.ACTIVE or valid_until <= now or template is None:
        return GalleryWithdraw(record, sample)
    return GalleryPut(
        record=record,
        sample=sample,
        owner=owner.encode("ascii"),
        visible=visible,
        valid_from=valid_from,
        valid_until=valid_until,
        modality=modality,
        position=position,
        epoch=epoch,
        model=model.encode("ascii").ljust(16, b"\0"),
        record_id=record_id.bytes,
        sample_id=sample_id.bytes,
        expires=expires,
        tail=template,
    )
