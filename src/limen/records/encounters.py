"""Encounters: a country's records as OSIA counts them, persons who were met once or several times.

Every encounter is a record of its own, with the id `PERSON/ENCOUNTER`. A record that did not come by OSIA is a person's
only encounter, `1`. Who belongs together is found by keyed hash, as all ids are (`records.index`).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column, selectinload

from limen.errors import Damaged, NotFound
from limen.records import store
from limen.records.index import KeyedHash, Vault
from limen.records.tables import Record, Sample, Table
from limen.vault.seal import Use

ONLY = "1"  # the encounter of a record that did not come by OSIA
BETWEEN = "/"  # never part of an encounter's id, so that the last one parts the two


class Encounter(Table):
    """That a record is an encounter; person: keyed hash of the person's id."""

    __tablename__ = "encounters"

    record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    person: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)


@dataclass(frozen=True)
class Ids:
    """A person's id and that of one of their encounters."""

    person: str
    encounter: str

    def __str__(self) -> str:
        return f"{self.person}{BETWEEN}{self.encounter}"


def person_hash(hashes: KeyedHash, person: str) -> bytes:
    """Keyed hash of a person's id; no record has an id with a NUL in it."""
    return hashes.record_id(f"person\0{person}")


def one(session: Session, hashes: KeyedHash, owner: str, ids: Ids) -> Record:
    """The record of an encounter, with its samples; `NotFound` if there is none."""
    record = find(session, hashes, owner, ids)
    if record is None:
        raise NotFound("There is no such encounter among your country's records.")
    return record


def find(session: Session, hashes: KeyedHash, owner: str, ids: Ids) -> Record | None:
    """The record of an encounter, with its samples; None if there is none."""
    record = store.by_external_key(session, owner, hashes.record_id(str(ids)))
    row = session.get(Encounter, record.id) if record is not None else None
    if row is not None and row.person == person_hash(hashes, ids.person):
        return record
    return _plain(session, hashes, owner, ids.person) if ids.encounter == ONLY else None


def of_person(session: Session, hashes: KeyedHash, owner: str, person: str) -> list[Record]:
    """All records of a person with their samples, the first to come first; `NotFound` if there are none."""
    theirs = (Encounter.owner == owner, Encounter.person == person_hash(hashes, person))
    query = select(Record).join(Encounter, Encounter.record_id == Record.id).where(*theirs)
    found = list(session.scalars(query.order_by(Record.created, Record.id).options(selectinload(Record.samples))))
    plain = _plain(session, hashes, owner, person)
    if plain is None and not found:
        raise NotFound("There is no such person among your country's records.")
    return [plain, *found] if plain is not None else found


def ids_of(session: Session, record: Record, vault: Vault) -> Ids:
    """What OSIA calls a record. Raises as the vault says."""
    return split(session, record, store.personal_fields(record, vault).record_id)


def split(session: Session, record: Record, record_id: str) -> Ids:
    """What OSIA calls a record of this (unsealed) id."""
    if session.get(Encounter, record.id) is None:
        return Ids(record_id, ONLY)
    person, _, encounter = record_id.rpartition(BETWEEN)
    return Ids(person, encounter)


def listed(session: Session, vault: Vault, owner: str, purpose: str | None, offset: int, limit: int) -> list[Ids]:
    """A page of an owner's encounters, of one purpose or all; those whose fields do not open are left out."""
    wanted = [Record.owner == owner, *([Record.purpose == purpose] if purpose else [])]
    query = select(Record).where(*wanted).order_by(Record.created, Record.id).offset(offset).limit(limit)
    found = []
    for record in session.scalars(query):
        try:
            found.append(ids_of(session, record, vault))
        except Damaged:
            continue
    return found


def rest_of(record: Record, vault: Vault) -> dict[str, Any]:
    """What was sent beside the images, as JSON (`exchange.osia.rest`); empty for a record that did not come by OSIA."""
    for sample in record.samples:
        if not sample.modality and sample.original:
            data = vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original)
            if data.startswith(b"{"):
                kept: dict[str, Any] = json.loads(data)
                return kept
    return {}


def images_of(record: Record, vault: Vault) -> list[tuple[Sample, bytes]]:
    """The images that a record was made from, as they were sent; also, without a modality, the file that it came in."""
    return [
        (sample, vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original))
        for sample in record.samples
        if sample.original
    ]


def _plain(session: Session, hashes: KeyedHash, owner: str, person: str) -> Record | None:
    record = store.by_external_key(session, owner, hashes.record_id(person))
    return None if record is None or session.get(Encounter, record.id) is not None else record


def handles(records: Sequence[Record]) -> frozenset[int]:
    """Handles of records, as the matcher knows them."""
    return frozenset(record.handle for record in records)
