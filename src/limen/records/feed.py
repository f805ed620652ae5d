"""Changes to the gallery, in an order without gaps, for the front to feed to the matcher.

Every change has a number from a counter of one row, taken inside the writing transaction and near its end. The row's
lock is held until commit, so numbers become visible in their own order: whoever reads the counter's value n can
read every change up to n (decision 0191). A reader that remembers the last number thus misses nothing.
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Collection
from typing import Any

import numpy as np
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Integer,
    Select,
    String,
    Uuid,
    bindparam,
    exists,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType, TypeEngine

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
    """As `changes`, packed: a whole gallery passes here at every start, in a tenth of the time."""
    upper = last_change(session)  # first, as in `changes`
    connection = session.connection()
    stones = _rows(connection, _stones(), {"after": after, "upper": upper, "most": limit})
    samples = _rows(connection, _samples(_is_postgres(connection)), {"after": after, "upper": upper, "most": limit})
    numbers = [row[0] for row in (*stones, *samples)]
    if not numbers:
        return [], upper
    heads, templates = _packed(connection, samples, now)
    if stones:
        order = np.argsort(numbers, kind="stable")
        heads = np.concatenate([packing.handles(stones, (1, 2)), heads])[order]
        templates = [([b""] * len(stones) + templates)[at] for at in order.tolist()]
        numbers.sort()
    last = numbers[limit - 1] if len(numbers) >= limit else upper
    return list(packing.messages(heads[:limit], templates[:limit])), last


def batches_of(
    session: Session, owners: Collection[str], after: int, upper: int, limit: int, *, now: int | None = None
) -> tuple[list[Loose], int]:
    """Countries' samples of which the last change lies in a range, packed: for a matcher that dropped them.

    Returns:
        Messages, and the number up to which they reach: `upper` when they are all.
    """
    connection = session.connection()
    postgres = _is_postgres(connection)
    asked: Any = list(owners) if postgres else json.dumps(list(owners))
    reach: dict[str, Any] = {"after": after, "upper": upper, "most": limit, "owners": asked}
    samples = _rows(connection, _samples_of(postgres), reach)
    if not samples:
        return [], upper
    return list(packing.messages(*_packed(connection, samples, now))), samples[-1][0] if len(
        samples
    ) == limit else upper


def _packed(connection: Connection, samples: list[Any], now: int | None) -> tuple[np.ndarray, list[bytes]]:
    """Samples with what their records say, as the feed sends them."""
    if not samples:
        return packing.handles([], (1, 2)), []
    postgres = _is_postgres(connection)
    ids = {row[2] for row in samples}
    asked: Any = [uuid.UUID(bytes=one) for one in ids] if postgres else json.dumps(list(ids))
    records = _rows(connection, _records(postgres), {"ids": asked})
    return packing.heads_of(samples, records, int(time.time()) if now is None else now)


def _is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _rows(connection: Connection, wanted: Select[*tuple[Any, ...]], values: dict[str, Any]) -> list[Any]:
    """Rows as the driver gives them, of a statement made into text once: SQLAlchemy takes as long as the database."""
    text, names, fixed = _text(wanted, connection.dialect)
    given = fixed | values
    found = connection.exec_driver_sql(text, tuple(given[name] for name in names) if names else given)
    rows = list(found.cursor.fetchall())
    found.close()
    return rows


@functools.cache
def _text(wanted: Select[*tuple[Any, ...]], dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    """A statement's text, the order of its values if they stand in one, and those that it has itself."""
    compiled = wanted.compile(dialect=dialect)
    return str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), dict(compiled.params)


@functools.cache
def _stones() -> Select[*tuple[Any, ...]]:
    return _changed(_raw((Tombstone.change, Tombstone.record, Tombstone.sample)), Tombstone)


@functools.cache
def _samples(postgres: bool) -> Select[*tuple[Any, ...]]:
    columns = (
        Sample.change, Sample.handle, Sample.record_id, Sample.modality, Sample.position, Sample.epoch, Sample.model,
        Sample.id, Sample.expires, Sample.template,
    )  # fmt: skip
    return _changed(_raw(columns, postgres), Sample)


@functools.cache
def _records(postgres: bool) -> Select[*tuple[Any, ...]]:
    columns = (
        Record.id, Record.state, Record.handle, Record.owner, Record.visible, Record.valid_from, Record.valid_until,
        Record.sealed_as,
    )  # fmt: skip
    return _raw(columns, postgres).where(_among(Record.id, "ids", Uuid(), postgres))


@functools.cache
def _samples_of(postgres: bool) -> Select[*tuple[Any, ...]]:
    """Of records of some countries."""
    theirs = exists().where(Record.id == Sample.record_id, _among(Record.owner, "owners", String(), postgres))
    return _samples(postgres).where(theirs)


def _among(column: Any, name: str, kind: TypeEngine[Any], postgres: bool) -> ColumnElement[bool]:
    """Whether a column is one of a list, which is given as one value: the statement stays the same."""
    if postgres:
        return column == func.any(bindparam(name, type_=ARRAY(kind)))
    several = select(func.json_each(bindparam(name, type_=NullType())).table_valued("value").c.value)
    return type_coerce(column, NullType()).in_(several)


def _changed(wanted: Select[*tuple[Any, ...]], table: type[Sample | Tombstone]) -> Select[*tuple[Any, ...]]:
    """The oldest of the changes in a range."""
    return (
        wanted.where(table.change > bindparam("after", type_=BigInteger()))
        .where(table.change <= bindparam("upper", type_=BigInteger()))
        .order_by(table.change)
        .limit(bindparam("most", type_=Integer()))
    )


def _raw(columns: tuple[Any, ...], postgres: bool = False) -> Select[*tuple[Any, ...]]:
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
