"""Backups, by doing it: a hub is brought back onto an empty machine with everything but what was shredded since."""

from __future__ import annotations

import dataclasses
import json
import shutil
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from tests.records.conftest import postgres_cluster  # noqa: F401 - a fixture
from tests.vault.local import LocalVault, enrol, names, register

from limen.backup import check, mirror, rows
from limen.backup.create import create, prune
from limen.backup.repository import Repository
from limen.backup.restore import restore
from limen.errors import BadInput, Damaged, KeyUnavailable, NotFound, Unavailable
from limen.records import shredding, store
from limen.records.database import Database
from limen.records.index import keyed_hash
from limen.records.tables import Country, Record, Sample
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.keys import KeyRing
from limen.vault.seal import Use

SECRET = b"correct horse battery staple"


class Machine:
    """A hub's data folder with its database and its keys, and no processes."""

    def __init__(self, data: Path, database: str = "") -> None:
        self.closed = False
        self.settings = Settings(data=data, database=database)
        self.ring = KeyRing(data / "vault")
        self.vault = LocalVault(self.ring)
        self.database = Database(self.settings.database_url)
        self.database.upgrade()

    def withdraw(self, record) -> None:
        with self.database.writing() as session:
            store.withdraw(session, store.by_id(session, record))
        shredding.shred(self.database, self.vault, partial(mirror.shred, self.settings))

    def close(self) -> None:
        if not self.closed:
            self.database.close()
            self.ring.close()
        self.closed = True


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def urls(request: pytest.FixtureRequest) -> tuple[str, str]:
    """URLs of two empty databases: of the old machine and of the new one."""
    if request.param == "sqlite":
        return "", ""
    cluster: str = request.getfixturevalue("postgres_cluster")
    found = []
    for name in (f"t{uuid.uuid4().hex}", f"t{uuid.uuid4().hex}"):
        with psycopg.connect(cluster, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        found.append(f"{cluster}&options=-csearch_path%3D{name}")
    return found[0], found[1]


@pytest.fixture
def machine(tmp_path: Path, urls: tuple[str, str]) -> Iterator[Machine]:
    made = Machine(tmp_path / "old", urls[0])
    register(made.database, "FRA", "BIH")
    (tmp_path / "old" / "limen.toml").write_text("workers = 1\n")
    (tmp_path / "old" / "ledger").mkdir()
    (tmp_path / "old" / "ledger" / "checkpoint").write_text("a head")
    yield made
    made.close()


def test_a_machine_that_is_lost_comes_back_but_for_what_was_shredded_since(
    machine: Machine, tmp_path: Path, urls: tuple[str, str]
) -> None:
    gone, *_ = enrol(machine.database, machine.vault, "FRA", 1, 2, 3)
    enrol(machine.database, machine.vault, "BIH", 7)
    repository = Repository.create(tmp_path / "repository", SECRET)
    made = create(machine.settings, machine.database, repository)
    assert (made.records, made.files) == (4, 2)
    machine.withdraw(gone)  # after the backup, which has all of it
    machine.close()
    shutil.rmtree(machine.settings.data)

    opened = Repository.open(tmp_path / "repository", SECRET)
    assert check.check(opened, made.snapshot).shredded == 1
    new = Settings(data=tmp_path / "new", database=urls[1])
    restored = restore(opened, new)
    assert (restored.records, restored.shredded) == (3, 1)
    back = Machine(new.data, urls[1])
    assert names(back.database, back.vault, "FRA") == {"Person Number2", "Person Number3"}
    assert names(back.database, back.vault, "BIH") == {"Person Number7"}
    assert (new.data / "limen.toml").read_text() == "workers = 1\n"
    assert (new.data / "ledger" / "checkpoint").read_text() == "a head"
    with back.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 6
        assert session.get(Country, "FRA").index_key is not None
    enrol(back.database, back.vault, "FRA", 9)  # counters and keyed hashes go on
    back.close()


def test_the_thief_of_a_repository_and_of_its_passphrase_cannot_open_what_was_shredded(
    machine: Machine, tmp_path: Path
) -> None:
    """Even the rows that an old snapshot holds: their keys are nowhere."""
    gone, _ = enrol(machine.database, machine.vault, "FRA", 1, 2)
    repository = Repository.create(tmp_path / "repository", SECRET)
    create(machine.settings, machine.database, repository)
    with machine.database.reading() as session:
        record = store.by_id(session, gone)
        context, blob = store.fields_context(record), record.fields
    assert machine.vault.unseal(context, blob)
    machine.withdraw(gone)
    mirror.write_back(repository, tmp_path / "stolen" / "vault")
    stolen = LocalVault(KeyRing(tmp_path / "stolen" / "vault"))
    with pytest.raises(KeyUnavailable, match="shredded"):
        stolen.unseal(context, blob)
    stolen.ring.close()


def test_a_photo_that_was_replaced_since_comes_back_from_no_backup(
    machine: Machine, tmp_path: Path, urls: tuple[str, str]
) -> None:
    """Neither for the thief of repository and passphrase, nor by a restore; the next backup has the record as it is."""
    changed, _ = enrol(machine.database, machine.vault, "FRA", 1, 2)
    repository = Repository.create(tmp_path / "repository", SECRET)
    first = create(machine.settings, machine.database, repository).snapshot
    with machine.database.reading() as session:
        record = store.by_id(session, changed)
        photo = next(one for one in record.samples if one.modality == Modality.FACE)
        stay = next(one.id for one in record.samples if one.modality != Modality.FACE)
        context, blob = store.sample_context(photo, record, Use.FILE), photo.original
        values = {name: getattr(record, name) for name in store.Draft.__dataclass_fields__ if hasattr(record, name)}
        fresh = dataclasses.replace(store.fields_context(record), record=store.renewed(record).bytes)
        epoch, fields = machine.vault.seal(fresh, store.personal_fields(record, machine.vault).pack())
        renewed = store.renewed(record)
    values |= {"fields": fields, "fields_epoch": epoch, "kept": frozenset([stay]), "sealed_as": renewed}
    with machine.database.writing() as session:
        store.save(session, store.Draft(**values), vault=machine.vault)
    shredding.shred(machine.database, machine.vault, partial(mirror.shred, machine.settings))

    mirror.write_back(repository, tmp_path / "stolen" / "vault")
    for ring in (machine.ring, stolen := KeyRing(tmp_path / "stolen" / "vault")):
        with pytest.raises(KeyUnavailable, match="shredded"):
            LocalVault(ring).unseal(context, blob)
    stolen.close()
    assert check.check(repository, first).shredded == 1
    restored = restore(repository, Settings(data=tmp_path / "older", database=f"sqlite:///{tmp_path}/older.sqlite"))
    assert (restored.records, restored.shredded) == (1, 1), "the older state comes back whole or not at all"
    assert check.check(repository, create(machine.settings, machine.database, repository).snapshot).shredded == 0
    assert restore(repository, Settings(data=tmp_path / "new", database=urls[1])).records == 2
    back = Machine(tmp_path / "new", urls[1])
    assert names(back.database, back.vault, "FRA") == {"Person Number1", "Person Number2"}
    back.close()


def test_fields_that_were_corrected_since_come_back_from_no_backup(
    machine: Machine, tmp_path: Path, urls: tuple[str, str]
) -> None:
    """The name that a record had by mistake, the same way: neither with today's keys nor with the repository's."""
    changed, _ = enrol(machine.database, machine.vault, "FRA", 1, 2)
    repository = Repository.create(tmp_path / "repository", SECRET)
    first = create(machine.settings, machine.database, repository).snapshot
    hashes = keyed_hash(machine.database, machine.vault, "FRA")
    with machine.database.writing() as session:
        record = store.locked(session, changed)
        context, blob = store.fields_context(record), record.fields
        assert b"Number1" in machine.vault.unseal(context, blob)
        personal = store.personal_fields(record, machine.vault)
        packed = dataclasses.replace(personal, names=("Person Corrected",)).pack()
        store.replace_fields(session, record, packed, hashes.fields(packed), machine.vault)
    shredding.shred(machine.database, machine.vault, partial(mirror.shred, machine.settings))

    mirror.write_back(repository, tmp_path / "stolen" / "vault")
    for ring in (machine.ring, stolen := KeyRing(tmp_path / "stolen" / "vault")):
        with pytest.raises(KeyUnavailable, match="shredded"):
            LocalVault(ring).unseal(context, blob)
    stolen.close()
    older = Settings(data=tmp_path / "older", database=f"sqlite:///{tmp_path}/older.sqlite")
    restored = restore(repository, older, first)
    assert (restored.records, restored.shredded) == (1, 1), "the older state comes back whole or not at all"
    back = Machine(older.data, older.database)
    assert names(back.database, back.vault, "FRA") == {"Person Number2"}
    back.close()
    create(machine.settings, machine.database, repository)
    assert restore(repository, Settings(data=tmp_path / "new", database=urls[1])).records == 2
    back = Machine(tmp_path / "new", urls[1])
    assert names(back.database, back.vault, "FRA") == {"Person Corrected", "Person Number2"}
    back.close()


def test_a_second_backup_writes_only_what_changed(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CUT", 1)  # a chunk a row: which rows share one is chance
    enrol(machine.database, machine.vault, "FRA", *range(1, 40))
    repository = Repository.create(tmp_path / "repository", SECRET)
    first = create(machine.settings, machine.database, repository)
    again = Repository.open(tmp_path / "repository", SECRET)
    assert create(machine.settings, machine.database, again).written == 0
    enrol(machine.database, machine.vault, "FRA", 50)
    third = Repository.open(tmp_path / "repository", SECRET)
    written = create(machine.settings, machine.database, third).written
    assert 0 < written < first.written / 2
    assert len(third.snapshots()) == 3
    assert prune(third, 1) > 0
    assert check.check(third, third.snapshots()[0]).records == 40


def test_a_mirror_out_of_reach_keeps_the_note_until_it_is_back(machine: Machine, tmp_path: Path) -> None:
    gone, _ = enrol(machine.database, machine.vault, "FRA", 1, 2)
    create(machine.settings, machine.database, Repository.create(tmp_path / "repository", SECRET))
    (tmp_path / "repository").rename(tmp_path / "away")
    machine.withdraw(gone)
    with machine.database.reading() as session:
        assert shredding.waiting(session)
    (tmp_path / "away").rename(tmp_path / "repository")
    assert shredding.shred(machine.database, machine.vault, partial(mirror.shred, machine.settings)) == 1
    opened = Repository.open(tmp_path / "repository", SECRET)
    assert check.check(opened, opened.snapshots()[0]).shredded == 1


def test_a_key_that_a_country_took_back_is_in_no_backup(machine: Machine, tmp_path: Path) -> None:
    enrol(machine.database, machine.vault, "FRA", 1)
    enrol(machine.database, machine.vault, "BIH", 7)
    repository = Repository.create(tmp_path / "repository", SECRET)
    create(machine.settings, machine.database, repository)
    handed = machine.ring.hand_out("FRA", SECRET)
    machine.ring.revoke("FRA", handed, SECRET)
    mirror.take_back(machine.settings, "FRA")
    new = Settings(data=tmp_path / "new", database="sqlite:///" + str(tmp_path / "new.sqlite"))
    restore(repository, new)
    back = Machine(new.data, new.database)
    assert names(back.database, back.vault, "BIH") == {"Person Number7"}
    with pytest.raises(KeyUnavailable, match="taken its key back"):
        names(back.database, back.vault, "FRA")
    back.ring.restore("FRA", handed, SECRET)
    assert names(back.database, back.vault, "FRA") == {"Person Number1"}
    back.close()
    (tmp_path / "repository").rename(tmp_path / "away")
    with pytest.raises(Unavailable, match="still in"):
        mirror.take_back(machine.settings, "FRA")


def test_nothing_in_a_repository_tells_names_or_records(machine: Machine, tmp_path: Path) -> None:
    enrol(machine.database, machine.vault, "FRA", 1)
    create(machine.settings, machine.database, Repository.create(tmp_path / "repository", SECRET))
    root = (machine.settings.data / "vault" / "root.key").read_bytes()
    for path in filter(Path.is_file, (tmp_path / "repository").rglob("*")):
        content = path.read_bytes()
        for word in (b"Number1", b"workers", b"leader", root, b"NCB FRA"):
            assert word not in content, path
        assert path.stat().st_mode & 0o077 == 0


def test_bad_repositories_are_said(machine: Machine, tmp_path: Path) -> None:
    enrol(machine.database, machine.vault, "FRA", 1)
    folder = tmp_path / "repository"
    with pytest.raises(NotFound):
        Repository.open(folder, SECRET)
    with pytest.raises(BadInput, match="fewer than"):
        Repository.create(folder, b"short")
    repository = Repository.create(folder, SECRET)
    name = create(machine.settings, machine.database, repository).snapshot
    with pytest.raises(KeyUnavailable, match="wrong"):
        Repository.open(folder, b"another passphrase")
    with pytest.raises(BadInput, match="not empty"):
        Repository.create(machine.settings.data, SECRET)
    with pytest.raises(BadInput, match="not empty"):
        restore(repository, machine.settings)
    with pytest.raises(NotFound):
        restore(repository, Settings(data=tmp_path / "new"), "../../etc/passwd")
    chunk = next((folder / "chunks").rglob("?" * 64))
    content = chunk.read_bytes()
    chunk.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(Damaged, match="changed or cut"):
        check.check(repository, name)
    chunk.unlink()
    with pytest.raises(Damaged, match="lacks a chunk"):
        check.check(repository, name)
    (folder / "repository.json").write_text(json.dumps({"format": "else"}))
    with pytest.raises(Damaged):
        Repository.open(folder, SECRET)


def test_a_snapshot_whose_keys_were_retired_is_refused(machine: Machine, tmp_path: Path) -> None:
    enrol(machine.database, machine.vault, "FRA", 1)
    repository = Repository.create(tmp_path / "repository", SECRET)
    name = create(machine.settings, machine.database, repository).snapshot
    machine.ring.rotate("FRA")
    machine.ring.retire("FRA", 1)
    mirror.refresh(machine.settings, repository)
    for refused in (
        lambda: check.check(repository, name),
        lambda: restore(repository, Settings(data=tmp_path / "new")),
    ):
        with pytest.raises(Damaged, match="retired"):
            refused()


def test_records_without_their_owner_s_rows_do_not_come_back(machine: Machine, tmp_path: Path) -> None:
    """A record that is withdrawn while the backup is made has rows in it and no key: its rows do not come back."""
    first, _ = enrol(machine.database, machine.vault, "FRA", 1, 2)
    machine.ring.shred("FRA", [first.bytes])
    repository = Repository.create(tmp_path / "repository", SECRET)
    create(machine.settings, machine.database, repository)
    new = Settings(data=tmp_path / "new", database="sqlite:///" + str(tmp_path / "new.sqlite"))
    assert restore(repository, new).shredded == 1
    database = Database(new.database)
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Record)) == 1
    database.close()
