"""Sealing a country's records anew after a rotation, in the background, a record at a time, as often cut off as may be.

Nothing is opened outside of the vault (`VaultClient.reseal`), and the gallery is not told: what is in the blobs is the
same. Rows say which epoch they have, so the next run goes on where this one stopped.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, selectinload, undefer

from limen.access import cases, providers
from limen.access.tables import Case, Provider
from limen.errors import KeyUnavailable
from limen.opener import holding
from limen.records import store
from limen.records.database import Database
from limen.records.index import Resealer, index_context
from limen.records.tables import Country, Hit, Record, Sample, Table
from limen.vault.seal import Context, epoch_of

BATCH = 200  # record ids read at a time


def reseal(database: Database, vault: Resealer, country: str, epoch: int) -> Iterator[int]:
    """Seal with the epoch all that an older one sealed; yields 1 for each record done.

    Args:
        database: of the hub.
        vault: whose epoch for the country is this one now.
        country: whose records.
        epoch: the present one.

    Raises:
        KeyUnavailable, Unavailable, Damaged: as the vault says; what was done so far is done.
    """
    with database.writing(country) as session:
        for row, column, context in _single(session, country):
            if epoch_of(getattr(row, column)) < epoch:
                now, blob = vault.reseal(context, getattr(row, column))
                setattr(row, column, blob)
                if isinstance(row, Hit):
                    row.held_epoch = now
    last = uuid.UUID(int=0)
    while True:
        with database.reading(country) as session:
            older = select(Record.id).where(Record.owner == country, Record.id > last, _older(epoch))
            ids = session.scalars(older.order_by(Record.id).limit(BATCH)).all()
        if not ids:
            return
        for one in ids:
            with database.writing(country) as session:
                done = _record(session, vault, one, epoch)
            if done:  # said when it is committed
                yield 1
        last = ids[-1]


def in_use(database: Database, country: str) -> set[int]:
    """Epochs of a country that something is still sealed with."""
    with database.reading(country) as session:
        found = set(session.scalars(select(Record.fields_epoch).where(Record.owner == country).distinct()))
        samples = select(Sample.epoch).join(Record, Sample.record_id == Record.id).where(Record.owner == country)
        found |= set(session.scalars(samples.distinct()))
        found |= {epoch_of(getattr(row, column)) for row, column, _ in _single(session, country)}
    return found


def left(database: Database, country: str, epoch: int) -> int:
    """How many records an older epoch sealed."""
    with database.reading(country) as session:
        query = select(func.count()).select_from(Record).where(Record.owner == country, _older(epoch))
        return session.scalar(query) or 0


def _single(session: Session, country: str) -> Iterator[tuple[Table, str, Context]]:
    """(row, column, context) of all that is sealed for a country besides its records: a few blobs."""
    own = session.get(Country, country)
    if own is not None and own.index_key is not None:
        yield own, "index_key", index_context(country)
    for case in session.scalars(select(Case).where(Case.country == country)):
        yield case, "content", cases.context(case)
    for provider in session.scalars(select(Provider).where(Provider.country == country, Provider.secret.is_not(None))):
        yield provider, "secret", providers.secret_context(provider)
    held = select(Hit).where(Hit.country == country, Hit.held.is_not(None)).options(undefer(Hit.held))
    for hit in session.scalars(held):
        yield hit, "held", holding.context(hit.search.bytes, country.encode("ascii"))


def _older(epoch: int) -> ColumnElement[bool]:
    samples = select(Sample.id).where(Sample.record_id == Record.id, Sample.epoch < epoch)
    return or_(Record.fields_epoch < epoch, samples.exists())


def _record(session: Session, vault: Resealer, record_id: uuid.UUID, epoch: int) -> bool:
    """Seal one record anew; False if it is gone, or its keys were shredded a moment ago."""
    heavy = selectinload(Record.samples).options(undefer(Sample.portrait), undefer(Sample.original))
    record = session.get(Record, record_id, options=[heavy], with_for_update=True)
    if record is None:
        return False
    try:
        if record.fields_epoch < epoch:
            record.fields_epoch, record.fields = vault.reseal(store.fields_context(record), record.fields)
        for sample in record.samples:
            if sample.epoch < epoch:
                store.reseal(sample, record, vault)
    except KeyUnavailable as error:
        if "shredded" not in error.message:
            raise
        return False
    return True
