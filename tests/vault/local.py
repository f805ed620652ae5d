"""A vault without a process, and records that it sealed: what tests of keys, backups and drills are about."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from tests.matcher.people import face, print_of

from limen import countries
from limen.records import store
from limen.records.database import Database
from limen.records.index import keyed_hash
from limen.records.personal import Personal
from limen.records.tables import Country, Record, Sample
from limen.terms import Modality, Purpose
from limen.vault.keys import KeyRing
from limen.vault.seal import Context, Use
from limen.vault.service import Vault
from limen.wire.messages import Reseal, Seal, Shred, Unseal

NOW = int(time.time())
LATER = NOW + 300 * 86_400


class LocalVault:
    """Stands where `VaultClient` does, for all that the front, a worker or a command may ask."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring, self._vault = ring, Vault(ring)

    def seal(self, context: Context, plaintext: bytes) -> tuple[int, bytes]:
        socket = "vault-opener" if context.use == Use.TEMPLATE else "vault-front"
        sealed = self._vault.answer(socket, Seal(*context.fields(), plaintext))
        return sealed.epoch, sealed.tail

    def unseal(self, context: Context, blob: bytes) -> bytes:
        return self._vault.answer("vault-front", Unseal(*context.fields(), blob)).tail

    def reseal(self, context: Context, blob: bytes, *, renew: bool = False) -> tuple[int, bytes]:
        sealed = self._vault.answer("vault-front", Reseal(*context.fields(), int(renew), blob))
        return sealed.epoch, sealed.tail

    def shred(self, country: str, records: Sequence[bytes]) -> None:
        self._vault.answer("vault-front", Shred(country.encode(), b"".join(records)))


def register(database: Database, *codes: str) -> None:
    with database.writing() as session:
        for code in codes:
            session.add(Country(code=code, contact=f"NCB {code}", created=NOW))


def enrol(database: Database, vault: LocalVault, country: str, *people: int) -> list[uuid.UUID]:
    """Store people's records, each with a face and a finger, all sealed as the hub seals them."""
    hashes, made = keyed_hash(database, vault, country), []
    for person in people:
        record, owner = uuid.uuid4(), country.encode()
        samples = []
        for template, modality, position in (
            (face(person), Modality.FACE, 0),
            (print_of(person, 2), Modality.FINGER, 2),
        ):
            sample, model = uuid.uuid4(), template.model
            bound = (owner, record.bytes, sample.bytes, modality, position)
            epoch, sealed = vault.seal(Context(Use.TEMPLATE, *bound, model.encode(), LATER), template.pack())
            picture = vault.seal(Context(Use.SAMPLE, *bound, b"", LATER), b"\xff\xd8\xff portrait of %d" % person)[1]
            original = vault.seal(Context(Use.FILE, *bound, b"", LATER), b"\xff\xd8\xff original of %d" % person)[1]
            samples.append(
                Sample(
                    id=sample, modality=modality, position=position, model=model, quality=80, minutiae=0, reasons=0,
                    width=1, height=1, ppi=0, epoch=epoch, expires=LATER, input_hash=bytes(32),
                    original_length=len(original), template=sealed, portrait=picture, original=original,
                )
            )  # fmt: skip
        personal = Personal(record_id=f"{country}-{person}", names=(f"Person Number{person}",)).pack()
        bound_fields = Context(Use.FIELDS, owner, record.bytes, store.NO_SAMPLE, 0, 0, b"", LATER)
        epoch, fields = vault.seal(bound_fields, personal)
        draft = store.Draft(
            record, country, hashes.record_id(f"{country}-{person}"), fields, epoch, hashes.fields(personal),
            countries.EVERYONE, Purpose.LOCATE_WANTED, 0, LATER, new=samples,
        )  # fmt: skip
        with database.writing(country) as session:
            store.save(session, draft)
        made.append(record)
    return made


def names(database: Database, vault: LocalVault, country: str) -> set[str]:
    """Names of a country's records, each opened, with all that belongs to it."""
    found = set()
    with database.reading() as session:
        for record in session.scalars(sa.select(Record).where(Record.owner == country)):
            found.add(store.personal_fields(record, vault).names[0])
            for sample in record.samples:
                assert vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original)
                assert store.portrait(sample, vault)
    return found
