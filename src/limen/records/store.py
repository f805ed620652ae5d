"""The records themselves: put in whole, replaced whole, withdrawn whole; read by handle or by their owner's id.

All functions take a session of `Database.reading` or `Database.writing`; a record and its samples change in one
transaction or not at all.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, selectinload

from limen import countries
from limen.errors import BadInput, NotFound
from limen.ledger.entry import Kind
from limen.records import feed, journal, shredding
from limen.records.index import Resealer, Vault
from limen.records.personal import Personal
from limen.records.tables import Country, Record, Sample, State, Tombstone
from limen.terms import Modality
from limen.vault.seal import Context, Use, successor

NO_SAMPLE = bytes(16)  # in the seal of what belongs to the whole record
YEAR = 31_557_600  # seconds: 365.25 days
RETENTION = 5 * YEAR  # known persons: RPD Art. 49
RETENTION_MARKS = 15 * YEAR  # records of unidentified marks alone: RPD Art. 50 and the fingerprint rules
IN_SEAL = ("fields_hash", "valid_until")  # where one of these changes, what was sealed before must open no more


@dataclass(frozen=True)
class Draft:
    """All of a record but its samples, sealed and ready to be stored. See `tables.Record` for the attributes."""

    id: uuid.UUID
    owner: str
    external_key: bytes
    fields: bytes
    fields_epoch: int
    fields_hash: bytes
    visible: bytes
    purpose: str
    valid_from: int
    valid_until: int
    new: Sequence[Sample] = field(default=())
    kept: frozenset[uuid.UUID] = frozenset()  # samples that stay as they are; all others of the record go
    retained_from: int | None = None  # None: as it is; a new record: now
    sealed_as: uuid.UUID | None = None  # what its fields and new samples are sealed as; None: as the record is


def save(session: Session, draft: Draft, *, vault: Resealer | None = None, now: int | None = None) -> Record:
    """Add a record, or replace the one of the same owner and id, in one step.

    Samples that are neither new nor kept leave the gallery, and open no more, in backups neither; as little do fields
    that were corrected. A record that loses a sample, or whose fields or end change, is sealed anew under its next
    secret (`renewed`), and the one before is shredded (decision 0550).

    Args:
        session: that writes.
        draft: of the record.
        vault: seals anew what is kept; needed where something is, and the secret changes.
        now: Unix seconds.

    Raises:
        BadInput: another writer has added a record of that id, withdrawn a sample that was to be kept, or had the
            record sealed anew, since the draft was made (code `conflict`).
    """
    now = int(time.time()) if now is None else now
    with session.no_autoflush:  # rows reach the database below, once they have their change numbers
        record = _save(session, draft, vault, now)
    session.flush()
    return record


def _save(session: Session, draft: Draft, vault: Resealer | None, now: int) -> Record:
    record = session.get(Record, draft.id, options=[selectinload(Record.samples)], with_for_update=True)
    journal.put(session, Kind.RECORD_CHANGED if record else Kind.RECORD_ADDED, draft.owner)
    if created := record is None:
        record = Record(id=draft.id, owner=draft.owner, external_key=draft.external_key, handle=new_handle())
        record.sealed_as = draft.sealed_as
        record.state, record.created, record.retained_from = State.ACTIVE, now, now
        session.add(record)
    if (record.owner, record.external_key) != (draft.owner, draft.external_key):
        raise BadInput("A record cannot change its owner or id.", code="conflict")
    if set(draft.kept) - {sample.id for sample in record.samples}:
        raise BadInput("Another writer has withdrawn a sample that was to be kept.", code="conflict")
    differs = not created and any(getattr(record, name) != getattr(draft, name) for name in IN_SEAL)
    for name in ("fields", "fields_epoch", "fields_hash", "purpose", "valid_from", "valid_until"):
        setattr(record, name, getattr(draft, name))
    record.visible, record.updated = with_owner(draft.visible, draft.owner), now
    record.retained_from = record.retained_from if draft.retained_from is None else draft.retained_from
    gone = [sample for sample in record.samples if sample.id not in draft.kept]
    stay = [sample for sample in record.samples if sample.id in draft.kept]
    if gone or differs or draft.sealed_as not in (None, sealed_as(record)):
        if draft.sealed_as != renewed(record):
            raise BadInput("Another writer has changed the record.", advice="Try again.", code="conflict")
        _renew(session, record, stay, vault, now)
    for sample in gone:
        record.samples.remove(sample)
    for sample in draft.new:
        sample.handle, sample.created = sample.handle or new_handle(), now
        record.samples.append(sample)
    first = feed.number(session, len(gone) + len(stay) + len(draft.new) + 1)
    for change, sample in enumerate(gone, first):
        session.add(Tombstone(change=change, record=record.handle, sample=sample.handle, at=now))
    for change, sample in enumerate([*stay, *draft.new], first + len(gone)):
        sample.change = change
    record.change = first + len(gone) + len(stay) + len(draft.new)
    return record


def _renew(session: Session, record: Record, stay: Sequence[Sample], vault: Resealer | None, now: int) -> None:
    """Go over to the record's next secret, with the samples that stay; the one before is noted for shredding."""
    for sample in stay:
        if vault is None:
            raise TypeError("sealing anew what is kept takes a vault")
        reseal(sample, record, vault, renew=True)
    shredding.put(session, record.owner, sealed_as(record), now=now)
    record.sealed_as = renewed(record)


def replace_fields(session: Session, record: Record, packed: bytes, fields_hash: bytes, vault: Vault) -> None:
    """Put other personal fields in the place of a record's, and nothing else; the old ones open no more.

    Args:
        record: as `locked` found it.
        packed: `Personal.pack` of the new fields; fields_hash: `index.KeyedHash.fields` of that.
    """
    now = int(time.time())
    _renew(session, record, record.samples, vault, now)
    record.fields_epoch, record.fields = vault.seal(fields_context(record), packed)
    record.fields_hash, record.updated = fields_hash, now
    _tell(session, record)


def locked(session: Session, record_id: uuid.UUID) -> Record:
    """A record as it is now, with its samples, and no other writer's until this transaction ends.

    Raises:
        BadInput: it was withdrawn meanwhile (code `conflict`).
    """
    whole = [selectinload(Record.samples)]
    record = session.get(Record, record_id, options=whole, with_for_update=True, populate_existing=True)
    if record is None:
        raise BadInput("The record was withdrawn meanwhile.", code="conflict")
    return record


def reseal(sample: Sample, record: Record, vault: Resealer, *, renew: bool = False) -> None:
    """Seal a sample's template, portrait and original with the present epoch, and (renew) the record's next secret."""
    for name, use in (("template", Use.TEMPLATE), ("portrait", Use.SAMPLE), ("original", Use.FILE)):
        if blob := getattr(sample, name):
            sample.epoch, fresh = vault.reseal(sample_context(sample, record, use), blob, renew=renew)
            setattr(sample, name, fresh)


def withdraw(session: Session, record: Record, *, now: int | None = None, kind: Kind = Kind.RECORD_WITHDRAWN) -> None:
    """Delete a record with all its samples, and tell the gallery. Call `Database.wipe_log` after the commit.

    `kind` is what the ledger says of it: withdrawn by its owner, or expired.
    """
    now = int(time.time()) if now is None else now
    journal.put(session, kind, record.owner)
    now_sealed_as = session.scalar(select(Record.sealed_as).where(Record.id == record.id).with_for_update())
    shredding.put(session, record.owner, now_sealed_as or record.id, now=now)
    session.delete(record)
    session.flush()
    session.add(Tombstone(change=feed.number(session), record=record.handle, sample=0, at=now))


def set_state(session: Session, record: Record, state: State) -> None:
    """Suspend a record (kept, but no search finds it) or make it active again."""
    journal.put(session, Kind.RECORD_CHANGED, record.owner)
    record.state = state.value
    _tell(session, record)


def _tell(session: Session, record: Record) -> None:
    """Have the gallery fed with a record and all its samples anew."""
    first = feed.number(session, len(record.samples) + 1)
    for change, sample in enumerate(record.samples, first):
        sample.change = change
    record.change = first + len(record.samples)


def by_handle(session: Session, handle: int) -> Record | None:
    """The record of a handle (as in a decision's matches), with its samples; None if it was withdrawn meanwhile."""
    query = select(Record).where(Record.handle == handle).options(selectinload(Record.samples))
    return session.scalars(query).one_or_none()


def by_id(session: Session, record_id: uuid.UUID) -> Record | None:
    """The record of a UUID, with its samples; None if there is none."""
    return session.get(Record, record_id, options=[selectinload(Record.samples)])


def by_external_key(session: Session, owner: str, external_key: bytes) -> Record | None:
    """The record of an owner's own id (`index.KeyedHash.record_id`), with its samples; None if there is none."""
    mine = (Record.owner == owner) & (Record.external_key == external_key)
    return session.scalars(select(Record).where(mine).options(selectinload(Record.samples))).one_or_none()


def of_owner(session: Session, owner: str, *, after: int = 0, limit: int = 500) -> list[Record]:
    """A page of an owner's records with their samples, by their last change; `after` is that of the last one seen."""
    query = select(Record).where(Record.owner == owner, Record.change > after)
    return list(session.scalars(query.order_by(Record.change).limit(limit).options(selectinload(Record.samples))))


def count(session: Session, owner: str | None = None) -> int:
    """How many records there are, of one owner or of all."""
    mine: Iterable[ColumnElement[bool]] = [Record.owner == owner] if owner else []
    return session.scalar(select(func.count()).select_from(Record).where(*mine)) or 0


def visible_to(record: Record, country: str, *, now: int | None = None) -> bool:
    """Whether a country may be told of a record: its owner allows it, it is active, and its time is now."""
    now = int(time.time()) if now is None else now
    in_force = record.state == State.ACTIVE and record.valid_from <= now < record.valid_until
    return in_force and (record.owner == country or countries.in_bitmap(record.visible, country))


def retention(modalities: Iterable[int]) -> int:
    """Longest time in seconds that a record with such samples may be kept."""
    return RETENTION_MARKS if set(modalities) == {Modality.MARK} else RETENTION


def sealed_as(record: Record) -> uuid.UUID:
    """Under which name the vault keeps a record's secret; bound into all its seals."""
    return record.sealed_as or record.id


def renewed(record: Record) -> uuid.UUID:
    """What a record is sealed as once a sample of it goes, or its fields or end change."""
    return uuid.UUID(bytes=successor(sealed_as(record).bytes))


def fields_context(record: Record) -> Context:
    """What a record's personal fields are bound to; `Personal.unpack` reads what the vault opens."""
    owner = record.owner.encode("ascii")
    return Context(Use.FIELDS, owner, sealed_as(record).bytes, NO_SAMPLE, 0, 0, b"", record.valid_until)


def sample_context(sample: Sample, record: Record, use: Use) -> Context:
    """What a sample's template (`Use.TEMPLATE`), portrait (`Use.SAMPLE`) or original (`Use.FILE`) is bound to."""
    owner, model = record.owner.encode("ascii"), sample.model.encode("ascii") if use is Use.TEMPLATE else b""
    return Context(
        use, owner, sealed_as(record).bytes, sample.id.bytes, sample.modality, sample.position, model, sample.expires
    )


def personal_fields(record: Record, vault: Vault) -> Personal:
    """A record's personal fields. Raises as the vault says: `KeyUnavailable`, `Damaged`, `Unavailable`."""
    return Personal.unpack(vault.unseal(fields_context(record), record.fields))


def portrait(sample: Sample, vault: Vault) -> bytes | None:
    """A sample's portrait (JPEG or PNG as the worker wrote it); None if it has none."""
    if not sample.portrait:
        return None
    return vault.unseal(sample_context(sample, sample.record, Use.SAMPLE), sample.portrait)


def portrait_sample(record: Record) -> Sample | None:
    """The sample whose portrait is shown: the best face; None if there is no face."""
    faces = [sample for sample in record.samples if sample.modality == Modality.FACE]
    return max(faces, key=lambda face: (face.quality if face.quality <= 100 else -1, face.handle), default=None)


def contact(session: Session, record: Record, personal: Personal) -> str:
    """Whom to call about a record: its own contact, else its owner's National Central Bureau."""
    owner = session.get(Country, record.owner)
    return personal.contact or (owner.contact if owner else "")


def registered(session: Session, code: str) -> Country:
    """A country that takes part; `BadInput` if there is no such country, `NotFound` if it is not registered."""
    row = session.get(Country, countries.check(code))
    if row is None:
        raise NotFound(
            f"{code.upper()} does not take part in this hub.", advice=f"Register it: limen access country add {code}."
        )
    return row


def new_handle() -> int:
    """A random uint64 that names nothing outside this hub; never 0."""
    return secrets.randbits(64) or 1


def with_owner(visible: bytes, owner: str) -> bytes:
    own = countries.bitmap([owner])
    return bytes(a | b for a, b in zip(visible, own, strict=True))
