"""A sample that leaves its record: what was sealed for it opens no more, and all that stays goes on."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.records.drafts import NOW, register
from tests.records.opener import Opener
from tests.vault.local import LocalVault

from limen.errors import BadInput, KeyUnavailable
from limen.records import extension, feed, manifest, shredding, store
from limen.records.database import Database
from limen.records.importer import Import
from limen.records.index import keyed_hash
from limen.records.tables import Record
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.keys import KeyRing
from limen.vault.seal import Context, Use, successor

FACES = ("face0.jpg", "face1.jpg", "face2.jpg")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    ring = KeyRing(tmp_path / "vault")
    yield LocalVault(ring)
    ring.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    for name in FACES:
        (made / name).write_bytes(name.encode())
    (made / "finger.png").write_bytes(b"a finger")
    return made


def run(database: Database, vault: LocalVault, folder: Path, images: str) -> str:
    """Import one record with these images; what became of it."""
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["record_id", "names", "images"], ["R-1", "DUPONT", images]])
    job = Import(Settings(), database, vault, "FRA", folder, enrol=Opener(vault), now=NOW)
    (step,) = job.entries(manifest.read(folder / "manifest.csv")[0])
    assert not step.rejects
    return step.outcome


def blobs(database: Database) -> dict[tuple[str, int, int], tuple[Context, bytes]]:
    """All that is sealed for the one record, by sample, modality and use, as a backup of the database has it."""
    found = {}
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        found["", 0, int(Use.FIELDS)] = store.fields_context(record), record.fields
        for sample in record.samples:
            for name, use in (("template", Use.TEMPLATE), ("portrait", Use.SAMPLE), ("original", Use.FILE)):
                if blob := getattr(sample, name):
                    context = store.sample_context(sample, record, use)
                    found[str(sample.id), sample.modality, int(use)] = (context, blob)
    return found


def opens(vault: LocalVault, context: Context, blob: bytes) -> bool:
    try:
        vault.reseal(context, blob)  # of any use; what is in it stays inside
        return True
    except KeyUnavailable as error:
        assert "shredded" in error.message
        return False


def test_a_photo_that_was_replaced_opens_no_more(database: Database, vault: LocalVault, folder: Path) -> None:
    register(database, "FRA")
    assert run(database, vault, folder, "face=face0.jpg; right-index=finger.png") == "added"
    before = blobs(database)
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        handle, finger = record.handle, next(one.id for one in record.samples if one.modality == Modality.FINGER)
    assert run(database, vault, folder, "face=face1.jpg; right-index=finger.png") == "changed"
    assert shredding.shred(database, vault) == 1
    assert not any(opens(vault, *one) for one in before.values()), "an old backup of the database with today's keys"
    after = blobs(database)
    assert all(opens(vault, *one) for one in after.values())
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        assert record.handle == handle, "hits and leads still know it"
        assert store.sealed_as(record).bytes == successor(record.id.bytes)
        assert finger in {one.id for one in record.samples}, "what stays is not enrolled again"
        originals = {
            vault.unseal(store.sample_context(one, record, Use.FILE), one.original or b"") for one in record.samples
        }
        (first, second), _ = feed.changes(session, feed.last_change(session) - 3, 9)
        (batch,), _ = feed.batches(session, feed.last_change(session) - 3, 9)
    assert originals == {b"face1.jpg", b"a finger"}
    assert first.record_id == second.record_id == successor(record.id.bytes)  # type: ignore[union-attr]
    assert batch.message().tail.count(successor(record.id.bytes)) == 2
    assert vault.ring.records("FRA") == [successor(record.id.bytes)], "the matcher's keys, and nobody else's"
    assert run(database, vault, folder, "face=face1.jpg; right-index=finger.png") == "unchanged"
    assert run(database, vault, folder, "face=face2.jpg") == "changed"
    assert shredding.shred(database, vault) == 1
    assert not any(opens(vault, *one) for one in after.values())
    assert all(opens(vault, *one) for one in blobs(database).values())


def test_a_sample_that_is_added_leaves_the_rest_as_it_is(database: Database, vault: LocalVault, folder: Path) -> None:
    """So that the last backup still brings the record back as it was."""
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg")
    before = blobs(database)
    assert run(database, vault, folder, "face=face0.jpg; face=face1.jpg") == "changed"
    assert shredding.shred(database, vault) == 0
    assert all(opens(vault, *one) for one in [*before.values(), *blobs(database).values()])


def test_withdrawn_after_a_renewal_nothing_is_left(database: Database, vault: LocalVault, folder: Path) -> None:
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg; right-index=finger.png")
    run(database, vault, folder, "face=face1.jpg; right-index=finger.png")
    last = blobs(database)
    with database.writing() as session:
        store.withdraw(session, session.scalars(sa.select(Record)).one())
    assert shredding.shred(database, vault) == 2
    assert not any(opens(vault, *one) for one in last.values())
    assert vault.ring.records("FRA") == []


def test_an_extension_seals_with_a_secret_of_its_own(database: Database, vault: LocalVault, folder: Path) -> None:
    """The end is bound into every seal: what was sealed until the old end opens no more."""
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg; right-index=finger.png")
    before = blobs(database)
    hashes = keyed_hash(database, vault, "FRA")
    with database.reading() as session:
        record = store.by_id(session, session.scalars(sa.select(Record.id)).one())
    assert record is not None
    later = NOW + store.RETENTION
    extension.extend(database, vault, hashes, record, later + 5, "Still wanted.", Opener(vault), now=NOW + 10)
    shredding.shred(database, vault)
    assert not any(opens(vault, *one) for one in before.values())
    assert all(opens(vault, *one) for one in blobs(database).values())


def test_two_writers_of_one_record_do_not_mix_secrets(database: Database, vault: LocalVault, folder: Path) -> None:
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg; right-index=finger.png")
    job = Import(Settings(), database, vault, "FRA", folder, enrol=Opener(vault), now=NOW)
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["record_id", "names", "images"],
                ["R-1", "DUPONT", "face=face0.jpg; face=face2.jpg; right-index=finger.png"],
            ]
        )
    prepared = job._preparation.entry(manifest.read(folder / "manifest.csv")[0][0])
    assert run(database, vault, folder, "face=face1.jpg; right-index=finger.png") == "changed"
    step = job._store(prepared)  # with a sample that is sealed as the record was
    assert (step.outcome, [one.reason for one in step.rejects]) == ("rejected", ["Another import changed this record."])
    shredding.shred(database, vault)
    assert all(opens(vault, *one) for one in blobs(database).values())


def test_a_draft_that_drops_a_sample_must_be_sealed_anew(database: Database, vault: LocalVault, folder: Path) -> None:
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg; right-index=finger.png")
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        values = {name: getattr(record, name) for name in store.Draft.__dataclass_fields__ if hasattr(record, name)}
    for wrong in (None, record.id, uuid.uuid4()):
        with pytest.raises(BadInput, match="Another writer"), database.writing() as session:
            store.save(session, store.Draft(**{**values, "sealed_as": wrong}), vault=vault)
    with database.reading() as session:
        assert shredding.waiting(session) == {}


def test_the_vault_renews_along_a_record_s_own_line_only(vault: LocalVault) -> None:
    """A front that was taken over cannot have one person's template sealed as another's."""
    one = Context(Use.TEMPLATE, b"FRA", uuid.uuid4().bytes, uuid.uuid4().bytes, 1, 0, b"sface", NOW + 99)
    _, sealed = vault.seal(one, b"a template")
    _, fresh = vault.reseal(one, sealed, renew=True)
    vault.ring.shred("FRA", [one.record])
    assert not opens(vault, one, sealed)
    assert opens(vault, replace(one, record=successor(one.record)), fresh)
    assert vault.ring.records("FRA") == [successor(one.record)]
    assert successor(successor(one.record)) not in (one.record, successor(one.record))
    with pytest.raises(BadInput, match="no next secret"):
        nobody = Context(Use.FIELDS, b"FRA", bytes(16), bytes(16), 0, 0, b"", 0)
        vault.reseal(nobody, vault.seal(nobody, b"x")[1], renew=True)
