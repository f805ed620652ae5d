"""Changes to the gallery, in an order without gaps, for the front to feed to the matcher.

Every change has a number from a counter of one row, taken inside the writing transaction and near its end. The row's
lock is held until commit, so numbers become visible in their own order: whoever reads the counter's value n can
read every change up to n (decision 0191). A reader that remembers the last number thus misses nothing.
"""

from __future__ import annotations

import time

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from limen.records.tables import Record, Sample, Sequence, State, Tombstone
from limen.wire.messages import GalleryPut, GalleryWithdraw


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
    samples = session.scalars(
        select(Sample)
        .where(Sample.change > after, Sample.change <= upper)
        .options(joinedload(Sample.record))
        .order_by(Sample.change)
        .limit(limit)
    )
    found: list[tuple[int, GalleryPut | GalleryWithdraw]] = [
        *((stone.change, GalleryWithdraw(stone.record, stone.sample)) for stone in stones),
        *((sample.change, _message(sample, now)) for sample in samples),
    ]
    found = sorted(found, key=lambda change: change[0])[:limit]
    last = found[-1][0] if len(found) == limit else upper
    return [message for _, message in found], last


def _message(sample: Sample, now: int) -> GalleryPut | GalleryWithdraw:
    record = sample.record
    if record.state == State.ACTIVE and record.valid_until > now and sample.template is not None:
        return put(sample, record)
    return GalleryWithdraw(record.handle, sample.handle)


def put(sample: Sample, record: Record) -> GalleryPut:
    """The message that puts a sample into the gallery."""
    return GalleryPut(
        record=record.handle,
        sample=sample.handle,
        owner=record.owner.encode("ascii"),
        visible=record.visible,
        valid_from=record.valid_from,
        valid_until=record.valid_until,
        modality=sample.modality,
        position=sample.position,
        epoch=sample.epoch,
        model=sample.model.encode("ascii").ljust(16, b"\0"),
        record_id=record.id.bytes,
        sample_id=sample.id.bytes,
        expires=sample.expires,
        tail=sample.template or b"",
    )
