"""A sample that leaves its record, and fields that are corrected: what was sealed before opens no more, and all that
stays goes on.
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.records.drafts import NOW, register
from tests.records.opener import Opener
from tests.vault.local import LocalVault

from limen.errors import BadInput, KeyUnavailable
from limen.records import extension, feed, manifest, shredding, store
from limen.records.database import Database
from limen.records.encountering import Encounters
from limen.records.encounters import Encounter, person_hash
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


def run(database: Database, vault: LocalVault, folder: Path, images: str, **fields: str) -> str:
    """Import one record with these images, and fields other than usual; what became of it."""
    row = {"record_id": "R-1", "names": "DUPONT", "images": images, **fields}
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([row.keys(), row.values()])
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


def test_fields_that_were_corrected_open_no_more(database: Database, vault: LocalVault, folder: Path) -> None:
    images = "face=face0.jpg; right-index=finger.png"
    register(database, "FRA")
    run(database, vault, folder, images)
    before = blobs(database)
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        handle, samples, last = record.handle, {one.id for one in record.samples}, feed.last_change(session)
    assert run(database, vault, folder, images, names="DUPOND") == "changed"
    assert shredding.shred(database, vault) == 1
    assert not any(opens(vault, *one) for one in before.values()), "an old backup of the database with today's keys"
    after = blobs(database)
    assert len(after) == len(before) and all(opens(vault, *one) for one in after.values())
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        assert (record.handle, {one.id for one in record.samples}) == (handle, samples), "nothing is enrolled again"
        assert store.personal_fields(record, vault).names == ("DUPOND",)
        fed, _ = feed.changes(session, last, 9)
    assert {one.record_id for one in fed} == {successor(record.id.bytes)}, "the matcher asks for the new secret's keys"
    assert vault.ring.records("FRA") == [successor(record.id.bytes)]
    assert run(database, vault, folder, images, names="DUPOND") == "unchanged"
    assert shredding.shred(database, vault) == 0 and blobs(database) == after


def test_what_is_not_in_the_seal_changes_without_a_new_secret(
    database: Database, vault: LocalVault, folder: Path
) -> None:
    """Who may see it, what for and from when on say nothing of the person, and stand beside the sealed fields."""
    register(database, "FRA", "BIH")
    run(database, vault, folder, "face=face0.jpg")
    before = blobs(database)
    fields = {"visible_to": "BIH", "purpose": "forensic-analysis", "valid_from": "2020-01-01"}
    assert run(database, vault, folder, "face=face0.jpg", **fields) == "changed"
    assert shredding.shred(database, vault) == 0
    assert all(opens(vault, *one) for one in [*before.values(), *blobs(database).values()])


def test_an_end_that_is_moved_renews(database: Database, vault: LocalVault, folder: Path) -> None:
    """It is bound into the seals: an old backup would bring back what its owner wanted kept for less long."""
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg")
    before = blobs(database)
    until = datetime.fromtimestamp(NOW + 90 * 86_400, UTC).date().isoformat()
    assert run(database, vault, folder, "face=face0.jpg", valid_until=until) == "changed"
    assert shredding.shred(database, vault) == 1
    assert not any(opens(vault, *one) for one in before.values())
    assert all(opens(vault, *one) for one in blobs(database).values())


def test_a_correction_with_a_new_photo_renews_once(database: Database, vault: LocalVault, folder: Path) -> None:
    """The photo is sealed by its worker before the fields are stored: both must agree on the secret."""
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg")
    before = blobs(database)
    assert run(database, vault, folder, "face=face0.jpg; face=face1.jpg", names="DUPOND") == "changed"
    assert shredding.shred(database, vault) == 1
    assert not any(opens(vault, *one) for one in before.values())
    after = blobs(database)
    assert len(after) == len(before) + 3 and all(opens(vault, *one) for one in after.values())


def test_a_correction_keeps_what_is_said_of_an_extension(database: Database, vault: LocalVault, folder: Path) -> None:
    """Also of a record whose samples end later than it does, as of a file: only the end and the fields change."""
    register(database, "FRA")
    (folder / "one.an2").write_bytes(b"2 1\n\nrecord_id=R-1\nnames=DUPONT")
    job = Import(Settings(), database, vault, "FRA", folder, enrol=Opener(vault), now=NOW)
    assert [step.outcome for step in job.files([Path("one.an2")])] == ["added"]
    before, hashes = blobs(database), keyed_hash(database, vault, "FRA")
    with database.reading() as session:
        record = store.by_id(session, session.scalars(sa.select(Record.id)).one())
    assert record is not None
    extension.extend(
        database, vault, hashes, record, NOW + store.RETENTION, "Still wanted.", Opener(vault), now=NOW + 10
    )
    assert shredding.shred(database, vault) == 1
    extended = blobs(database)
    assert not any(opens(vault, *one) for one in before.values())
    assert all(opens(vault, *one) for one in extended.values())
    end = datetime.fromtimestamp(NOW + store.RETENTION, UTC).isoformat()
    for names, outcome in (("DUPOND", "changed"), ("DUPOND", "unchanged")):
        assert run(database, vault, folder, "face=face0.jpg", names=names, valid_until=end) == outcome
    shredding.shred(database, vault)
    assert not any(opens(vault, *one) for one in extended.values())
    with database.reading() as session:
        fields = store.personal_fields(session.scalars(sa.select(Record)).one(), vault)
    assert fields.names == ("DUPOND",) and fields.extensions == ((NOW + 10, NOW + store.RETENTION, "Still wanted."),)


def test_an_encounter_that_becomes_another_person_s_opens_no_more_as_the_first_s(
    database: Database, vault: LocalVault, folder: Path
) -> None:
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg; right-index=finger.png", record_id="one/e1")
    before = blobs(database)
    hashes = keyed_hash(database, vault, "FRA")
    with database.writing("FRA") as session:
        record = session.scalars(sa.select(Record)).one()
        session.add(Encounter(record_id=record.id, owner="FRA", person=person_hash(hashes, "one")))
        last = feed.last_change(session)
    run(database, vault, folder, "face=face1.jpg", record_id="two/e2")
    with database.writing("FRA") as session:
        other = session.scalars(sa.select(Record).where(Record.id != record.id)).one()
        session.add(Encounter(record_id=other.id, owner="FRA", person=person_hash(hashes, "two")))
    own = Encounters(database, vault, "FRA", hashes, Opener(vault), lambda purpose: None)
    own.move("one", "two", "e1")
    assert shredding.shred(database, vault) == 1
    assert not any(opens(vault, *one) for one in before.values())
    with database.reading() as session:
        record = store.by_id(session, record.id) or record
        assert store.personal_fields(record, vault).record_id == "two/e1"
        for sample in record.samples:
            assert vault.unseal(store.sample_context(sample, record, Use.FILE), sample.original or b"")
        fed, _ = feed.changes(session, last, 9)
    assert {one.record_id for one in fed} == {successor(record.id.bytes), other.id.bytes}
    own.withdraw("two")
    assert shredding.shred(database, vault) == 2
    assert vault.ring.records("FRA") == []


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


def test_a_draft_that_drops_or_corrects_something_must_be_sealed_anew(
    database: Database, vault: LocalVault, folder: Path
) -> None:
    register(database, "FRA")
    run(database, vault, folder, "face=face0.jpg; right-index=finger.png")
    with database.reading() as session:
        record = session.scalars(sa.select(Record)).one()
        everything = frozenset(sample.id for sample in record.samples)
        values = {name: getattr(record, name) for name in store.Draft.__dataclass_fields__ if hasattr(record, name)}
    corrected = {**values, "kept": everything, "fields_hash": b"another".ljust(32)}
    moved = {**values, "kept": everything, "valid_until": record.valid_until - 1}
    for wrong in (None, record.id, uuid.uuid4()):
        for change in (values, corrected, moved):
            with pytest.raises(BadInput, match="Another writer"), database.writing() as session:
                store.save(session, store.Draft(**{**change, "sealed_as": wrong}), vault=vault)
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
