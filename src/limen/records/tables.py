"""The database's tables. Times are Unix seconds; sealed columns hold blobs that only the vault can open.

Nothing personal and nothing biometric stands here in clear: what a person is called, wanted for or looks like is in
sealed blobs (`vault.seal`), and even a country's own record ids are found by keyed hash (`records.index`).
"""

from __future__ import annotations

import enum
import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

_TWO_63, _TWO_64 = 1 << 63, 1 << 64


class Handle(TypeDecorator[int]):
    """An unsigned 64-bit number, kept as the signed 64-bit number of the same bits (neither database has uint64)."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """To the database; `ValueError` if the number has more than 64 bits or is negative."""
        if value is None:
            return None
        if not 0 <= value < _TWO_64:
            raise ValueError("a handle is an unsigned 64-bit number")
        return value - _TWO_64 if value >= _TWO_63 else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """From the database."""
        return None if value is None else int(value) % _TWO_64


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {uuid.UUID: Uuid(), bytes: LargeBinary(), int: BigInteger()}  # noqa: RUF012 - SQLAlchemy's


class State(enum.StrEnum):
    """Whether a record takes part in searches."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  # by its owner: kept, not searched


class Country(Table):
    """A country that takes part.

    contact: its National Central Bureau's office, as shown with a hit unless the record names its own.
    index_key: sealed key (vault use 3, record and sample all zero) of the country's keyed hashes.
    """

    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(3), primary_key=True)
    contact: Mapped[str] = mapped_column(String(400), default="")
    index_key: Mapped[bytes | None]
    created: Mapped[int]


class Record(Table):
    """A person (or an unknown person's mark) that a country keeps here. Attributes as on the wire (`GalleryPut`).

    external_key: keyed hash of the owner's own record id. fields: sealed `personal.Personal` as CBOR; fields_hash:
    keyed hash of its plaintext, to see that nothing changed. visible: bitmap of `limen.countries`, the owner's bit set.
    valid_until: exclusive; bound into the seal of the fields. retained_from: when its longest retention began, by its
    first import or its last extension. change: its last place in the feed's order. sealed_as: the name under which
    the vault keeps the record's secret, bound into its seals in the id's place; None: its id, while no sample has gone.
    """

    __tablename__ = "records"
    __table_args__ = (UniqueConstraint("owner", "external_key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    handle: Mapped[int] = mapped_column(Handle, unique=True)
    owner: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    external_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    fields: Mapped[bytes]
    fields_epoch: Mapped[int]
    fields_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    visible: Mapped[bytes] = mapped_column(LargeBinary(32))
    purpose: Mapped[str] = mapped_column(String(40))
    valid_from: Mapped[int]
    valid_until: Mapped[int] = mapped_column(index=True)
    retained_from: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default=State.ACTIVE)
    change: Mapped[int]
    created: Mapped[int]
    updated: Mapped[int]
    sealed_as: Mapped[uuid.UUID | None]

    samples: Mapped[list[Sample]] = relationship(
        back_populates="record", cascade="all, delete-orphan", passive_deletes=True, order_by="Sample.handle"
    )


class Sample(Table):
    """One image's sealed template, portrait and original, as the enrolment worker returned them (`wire.Enrolled`).

    template: None if nothing could be extracted (reasons: mask, `limen.reasons`). quality: 0-100, 255 unknown.
    minutiae: clear ones; area: of skin with ridges, mm2, 0 unknown.
    input_hash: keyed hash of the image's bytes and what they were said to be. expires: bound into the three seals.
    original_length: bytes of the sealed original, 0 if it was not kept.
    """

    __tablename__ = "samples"
    __table_args__ = (Index("ix_samples_change", "change", unique=True),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    handle: Mapped[int] = mapped_column(Handle, unique=True)
    record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), index=True)
    modality: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger)
    model: Mapped[str] = mapped_column(String(16))
    quality: Mapped[int] = mapped_column(SmallInteger)
    minutiae: Mapped[int]
    area: Mapped[int] = mapped_column(default=0)
    reasons: Mapped[int] = mapped_column(Handle)
    width: Mapped[int]
    height: Mapped[int]
    ppi: Mapped[int]
    epoch: Mapped[int]
    expires: Mapped[int]
    input_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    change: Mapped[int]
    created: Mapped[int]
    original_length: Mapped[int]
    template: Mapped[bytes | None]
    portrait: Mapped[bytes | None] = mapped_column(deferred=True)
    original: Mapped[bytes | None] = mapped_column(deferred=True)

    record: Mapped[Record] = relationship(back_populates="samples")


class Tombstone(Table):
    """What left the gallery: a whole record, or (sample not 0) one sample. Handles only; they name nobody."""

    __tablename__ = "tombstones"

    change: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    record: Mapped[int] = mapped_column(Handle)
    sample: Mapped[int] = mapped_column(Handle)
    at: Mapped[int]


class Sequence(Table):
    """One row: the last change number given out (`feed.number`)."""

    __tablename__ = "sequence"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    value: Mapped[int]


class Officer(Table):
    """A person who may ask or keep records, for a country. public_key: raw Ed25519; None: may use the pages only."""

    __tablename__ = "officers"
    __table_args__ = (UniqueConstraint("country", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    name: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(32))
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    created: Mapped[int]
    retired: Mapped[int | None]
    suspended: Mapped[int | None]  # since when, until a security officer reinstates them


class Device(Table):
    """A registered capture device or machine of a country."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("country", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    name: Mapped[str] = mapped_column(String(64))
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created: Mapped[int]
    retired: Mapped[int | None]
    counter: Mapped[int] = mapped_column(default=0)  # of its last signed capture
    suspended: Mapped[int | None]


class Invite(Table):
    """A one-time link to the pages; token_hash: SHA-256 of its 256-bit token."""

    __tablename__ = "invites"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), index=True)
    created: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)


class SignIn(Table):
    """A session of the pages; token_hash: SHA-256 of the cookie's 256-bit token.

    way: how they signed in (`access.sessions.Way`). seen: when it was last used, to the minute.
    """

    __tablename__ = "sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), index=True)
    created: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)
    seen: Mapped[int] = mapped_column(default=0)
    way: Mapped[str] = mapped_column(String(16), default="link")


class Nonce(Table):
    """A nonce that a signed request has spent; digest: SHA-256 of signer and nonce."""

    __tablename__ = "nonces"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires: Mapped[int] = mapped_column(index=True)


class Hit(Table):
    """That a search found a record: who asked, what was found, until when it is kept (`limen.hits`).

    search: the search's id. country, officer_id, device_id: who asked. owner: whose record. record_id becomes NULL when
    the owner withdraws the record. state: `limen.hits`' own word. held: the sealed capture, where it is held.
    """

    __tablename__ = "hits"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    search: Mapped[uuid.UUID] = mapped_column(index=True)
    record_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("records.id", ondelete="SET NULL"), index=True)
    owner: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    officer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("officers.id", ondelete="SET NULL"))
    device_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("devices.id", ondelete="SET NULL"))
    purpose: Mapped[str] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(24), default="open")
    at: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)
    held: Mapped[bytes | None] = mapped_column(deferred=True)
    held_epoch: Mapped[int | None]


class Shred(Table):
    """A record whose keys are to be destroyed, until they are (`shredding`). record: its UUID; it is gone already."""

    __tablename__ = "shreds"

    record: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(3))
    at: Mapped[int]


class Lead(Table):
    """That a print may have left an unsolved mark: for whoever owns the mark (`limen.hits.leads`).

    mark_id, found_id: records that hold the mark and the print. owner: of the mark. state: `hits.leads`' own word.
    """

    __tablename__ = "leads"
    __table_args__ = (UniqueConstraint("mark_id", "found_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mark_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"))
    found_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), index=True)
    owner: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    at: Mapped[int]


class Unsolved(Table):
    """One row: up to which change new samples were searched for leads."""

    __tablename__ = "unsolved"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    upto: Mapped[int]


class Reminder(Table):
    """That an owner was reminded of a record's end (`reminders`). sent: when its bureau was called."""

    __tablename__ = "reminders"

    record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    valid_until: Mapped[int]
    at: Mapped[int]
    sent: Mapped[int | None]


class JournalRow(Table):
    """What is to be put on record in the ledger, until it is there (`journal`). who: `COUNTRY/NAME` or `COUNTRY`."""

    __tablename__ = "journal"

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(40))
    answer: Mapped[str] = mapped_column(String(16))
