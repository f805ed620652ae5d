"""What is over goes; what stays can be shown to be within its time."""

import uuid

import pytest
import sqlalchemy as sa
from tests.records.drafts import NOW, draft, register, sample
from tests.records.opener import Opener

from limen.access.tables import Provider
from limen.errors import BadInput, Damaged, Unavailable
from limen.records import feed, retention, store
from limen.records.extension import extend
from limen.records.importer import Import
from limen.records.index import keyed_hash
from limen.records.manifest import read
from limen.records.tables import Hit, Invite, Nonce, Officer, Record, Sample, SignIn, State, Tombstone
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.seal import seal_blob
from limen.wire.messages import GalleryPut, GalleryWithdraw

DAY = 86_400
SEALED = b"\x02" + bytes(40)


def add(database, record_id, until, samples=None):
    with database.writing() as session:
        samples = samples or [sample(template=SEALED)]
        return store.save(session, draft(record_id, valid_until=until, samples=samples, fields=SEALED), now=NOW)


def add_ended(database, at):
    """One of everything that has an end."""
    with database.writing() as session:
        officer = Officer(id=uuid.uuid4(), country="FRA", name="x", role="officer", created=0)
        session.add(officer)
        session.flush()
        session.add_all([
            SignIn(token_hash=bytes(32), officer_id=officer.id, created=0, expires=at),
            Invite(token_hash=bytes(32), officer_id=officer.id, created=0, expires=at),
            Nonce(digest=bytes(32), expires=at),
            Tombstone(change=10_000, record=1, sample=1, at=at),
            Hit(id=uuid.uuid4(), search=uuid.uuid4(), owner="FRA", country="FRA", purpose="alert", answer="hit", at=0,
                expires=at),
        ])  # fmt: skip


def test_what_is_over_is_deleted_and_leaves_the_gallery(database):
    register(database, "FRA")
    over, stays = add(database, "over", NOW + 10), add(database, "stays", NOW + 20)
    with database.reading() as session:
        _, seen = feed.changes(session, 0, 100)
    counts = retention.purge(database, now=NOW + 10)
    assert counts["records"] == 1
    with database.reading() as session:
        assert session.scalars(sa.select(Record.handle)).all() == [stays.handle]
        assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 1
        assert feed.changes(session, seen, 100)[0] == [GalleryWithdraw(over.handle, 0)]


def test_everything_that_has_an_end_is_deleted_after_it(database):
    register(database, "FRA")
    add_ended(database, NOW)
    assert set(retention.purge(database, now=NOW - 1).values()) == {0}
    counts = retention.purge(database, now=NOW + 8 * DAY)
    ended = {"hits", "tombstones", "sessions", "invites", "nonces"}
    assert {name for name, count in counts.items() if count} == ended and {counts[name] for name in ended} == {1}


def test_more_records_than_a_batch_are_deleted(database, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    register(database, "FRA")
    for number in range(7):
        add(database, f"R{number}", NOW + 10)
    assert retention.purge(database, now=NOW + 10)["records"] == 7


def test_a_clock_far_ahead_deletes_nothing(database):
    register(database, "FRA")
    add(database, "R", NOW + 10)
    with pytest.raises(Unavailable, match="clock"):
        retention.purge(database, now=NOW + 500 * DAY)
    with database.reading() as session:
        assert store.count(session) == 1


def test_an_audit_of_a_good_hub_finds_nothing(database):
    register(database, "FRA", "DEU")
    add(database, "R", NOW + retention.REVIEW - 5)
    found = retention.audit(database, now=NOW)
    assert (found.violations, found.records, found.due) == ({}, {"FRA": 1}, {"FRA": 1})
    with database.reading() as session:
        assert len(retention.due(session, "FRA", now=NOW)) == 1
        assert retention.due(session, "FRA", now=NOW - DAY) == []


def test_an_audit_finds_what_is_past_its_time(database):
    register(database, "FRA")
    add(database, "over", NOW)
    add_ended(database, NOW)
    found = retention.audit(database, now=NOW + 9 * DAY).violations
    assert set(found.values()) == {1}
    assert {name.removesuffix(" past their time") for name in found} == {
        "records", "hits", "sessions", "links", "nonces", "tombstones",
    }  # fmt: skip
    retention.purge(database, now=NOW + 9 * DAY)
    assert retention.audit(database, now=NOW + 9 * DAY).violations == {}


LONG_AGO = NOW - 500 * DAY
PLANTED = {  # by SQL, as somebody might who goes around the hub
    "records": "UPDATE records SET valid_until = :at",
    "hits": "INSERT INTO hits (id, search, owner, country, purpose, answer, state, at, expires) "
    "VALUES (:id, :id, 'FRA', 'FRA', 'alert', 'hit', 'open', :at, :at)",
    "sessions": "INSERT INTO sessions (token_hash, officer_id, created, expires, seen, way) "
    "VALUES (:hash, :officer, :at, :at, :at, 'link')",
    "links": "INSERT INTO invites (token_hash, officer_id, created, expires) VALUES (:hash, :officer, :at, :at)",
    "device codes": "INSERT INTO device_codes (code_hash, country, name, by, created, expires) "
    "VALUES (:hash, 'FRA', 'gate', '', :at, :at)",
    "nonces": "INSERT INTO nonces (digest, expires) VALUES (:hash, :at)",
    "tokens": "INSERT INTO tokens (token_hash, officer_id, thumbprint, created, expires) "
    "VALUES (:hash, :officer, :hash, :at, :at)",
    "certificates": "INSERT INTO certificates (thumbprint, officer_id, certificate, until, created) "
    "VALUES (:hash, :officer, :hash, :at, :at)",
    "counts": "INSERT INTO uses (name, kind, hour, count) VALUES ('FRA/x', 'officer', :hour, 7)",
    "approvals": "INSERT INTO approvals (id, action, digest, what, reason, asked_by, asked, expires, verdict) "
    "VALUES (:id, 'export', :hash, 'x', 'x', :officer, :at, :at, '')",
    "alerts": "INSERT INTO alerts (id, rule, kind, name, country, count, first, last, suspended) "
    "VALUES (:id, 'burst', 'officer', 'FRA/x', 'FRA', 1, :at, :at, :no)",
    "closed cases": "INSERT INTO cases (id, number, kind, country, content, opened, due, outcome, closed, "
    "delete_after) VALUES (:id, '2020-0001', 'access', 'FRA', :sealed, :at, :at, 'granted', :at, :at)",
    "tombstones": "INSERT INTO tombstones (change, record, sample, at) VALUES (10000, 1, 1, :at)",
    "keys of deleted records": "INSERT INTO shreds (record, owner, at) VALUES (:id, 'FRA', :at)",
}


@pytest.mark.parametrize("what", PLANTED)
def test_an_audit_finds_whatever_is_planted_past_its_time(database, what):
    register(database, "FRA")
    add(database, "R", NOW + 1_000 * DAY)
    assert retention.audit(database, now=NOW).violations == {}
    officer = Officer(id=uuid.uuid4(), country="FRA", name="x", role="officer", created=0)
    with database.writing() as session:
        session.add(officer)
    values = {
        "id": uuid.uuid4().hex, "officer": officer.id.hex, "hash": bytes(32), "sealed": SEALED, "no": False,
        "at": LONG_AGO, "hour": LONG_AGO // 3600,
    }  # fmt: skip
    statement = PLANTED[what]
    with database.writing() as session:
        session.execute(sa.text(statement), {name: value for name, value in values.items() if f":{name}" in statement})
    assert retention.audit(database, now=NOW).violations == {f"{what} past their time": 1}
    retention.purge(database, now=NOW)
    found = set(retention.audit(database, now=NOW).violations)
    assert found == ({f"{what} past their time"} if what == "keys of deleted records" else set())  # the vault's to do


@pytest.mark.parametrize(
    ("modality", "years", "allowed"),
    [(Modality.FACE, 5, True), (Modality.FACE, 6, False), (Modality.MARK, 15, True), (Modality.MARK, 16, False)],
)
def test_an_audit_finds_what_is_kept_too_long(database, modality, years, allowed):
    register(database, "FRA")
    add(database, "R", NOW + years * store.YEAR, [sample(modality, template=SEALED)])
    violations = retention.audit(database, now=NOW).violations
    assert violations == ({} if allowed else {"records kept longer than allowed": 1})


@pytest.mark.parametrize("what", ["held captures", "secrets of providers"])
def test_an_audit_finds_what_else_is_not_sealed(database, what):
    register(database, "FRA")
    add_ended(database, NOW + DAY)
    with database.writing() as session:
        session.add(Provider(country="FRA", id=uuid.uuid4(), issuer="https://x", client="x", secret=SEALED, created=0))
    assert retention.audit(database, now=NOW).violations == {}
    table, column = {"held captures": ("hits", "held"), "secrets of providers": ("providers", "secret")}[what]
    with database.writing() as session:
        session.execute(sa.text(f"UPDATE {table} SET {column} = :clear"), {"clear": b"\xff\xd8\xff" + bytes(100)})
    assert retention.audit(database, now=NOW).violations == {f"{what} not sealed": 1}


@pytest.mark.parametrize("part", ["fields", "template", "portrait", "original"])
def test_an_audit_finds_what_is_not_sealed(database, part):
    register(database, "FRA")
    record = add(database, "R", NOW + 10)
    with database.writing() as session:
        again = store.by_id(session, record.id)
        setattr(again if part == "fields" else again.samples[0], part, b"\xff\xd8\xff" + bytes(100))
    [name] = retention.audit(database, now=NOW).violations
    assert "not sealed" in name


def test_the_frame_of_a_real_seal_passes_the_audit(database):
    register(database, "FRA")
    record = add(database, "R", NOW + 10)
    blob = seal_blob(bytes(32), store.fields_context(record), 7, b"")
    with database.writing() as session:
        store.by_id(session, record.id).fields = blob
    assert retention.audit(database, now=NOW).violations == {}


def test_a_suspended_record_leaves_the_gallery_and_comes_back(database):
    register(database, "FRA")
    record = add(database, "R", NOW + DAY)
    with database.reading() as session:
        _, seen = feed.changes(session, 0, 9)
    for state, kind in ((State.SUSPENDED, GalleryWithdraw), (State.ACTIVE, GalleryPut)):
        with database.writing() as session:
            store.set_state(session, store.by_id(session, record.id), state)
        with database.reading() as session:
            [message], seen = feed.changes(session, seen, 9)
            assert isinstance(message, kind)
            assert store.visible_to(store.by_id(session, record.id), "FRA") == (state is State.ACTIVE)


@pytest.fixture
def imported(database, vault, tmp_path):
    """One record with a face and a finger, and one that came as a file."""
    register(database, "FRA")
    (tmp_path / "a.jpg").write_bytes(b"face")
    (tmp_path / "b.png").write_bytes(b"finger")
    (tmp_path / "f.an2").write_text("1 0\n2 3\n\nrecord_id=FILE-1\n")
    (tmp_path / "manifest.csv").write_text(
        "record_id,names,face,right_index,valid_until\nR-1,A,a.jpg,b.png,2027-01-01\n"
    )
    job = Import(Settings(), database, vault, "FRA", tmp_path, enrol=Opener(vault), now=NOW)
    return job, tmp_path, [*job.entries(read(tmp_path / "manifest.csv")[0]), *job.files(["f.an2"])]


def run_extension(database, vault, record_id, until, reason="The trial has not begun.", now=NOW + DAY):
    hashes = keyed_hash(database, vault, "FRA")
    with database.reading() as session:
        record = store.by_external_key(session, "FRA", hashes.record_id(record_id))
    opener = Opener(vault)
    extend(database, vault, hashes, record, until, reason, opener, now=now)
    return record, opener


@pytest.mark.parametrize("record_id", ["R-1", "FILE-1"])
def test_an_extended_record_opens_with_its_new_end(database, vault, imported, record_id):
    until = NOW + DAY + 5 * store.YEAR
    before, _ = run_extension(database, vault, record_id, until)
    with database.reading() as session:
        record = store.by_id(session, before.id)
        person = store.personal_fields(record, vault)
        messages = [message for message in feed.changes(session, 0, 99)[0] if isinstance(message, GalleryPut)]
        puts = [message for message in messages if message.record == record.handle]
        [shown] = [row for row in record.samples if row.modality == Modality.FACE]
        assert store.portrait(shown, vault)
    assert person.extensions == ((NOW + DAY, until, "The trial has not begun."),)
    assert record.valid_until == until
    assert all(put.expires >= put.valid_until == until for put in puts)
    assert len(puts) == 2
    assert retention.audit(database, now=NOW + DAY).violations == {}


def test_an_import_does_not_forget_an_extension(database, vault, imported):
    job, folder, _ = imported
    before, _ = run_extension(database, vault, "R-1", NOW + 5 * store.YEAR)
    entries = read(folder / "manifest.csv")[0]
    assert [step.outcome for step in job.entries(entries)]
    with database.reading() as session:
        assert store.personal_fields(store.by_id(session, before.id), vault).extensions


def test_extensions_are_bounded_and_need_a_reason(database, vault, imported):
    with pytest.raises(BadInput, match="five years"):
        run_extension(database, vault, "R-1", NOW + 6 * store.YEAR)
    with pytest.raises(BadInput, match="reason"):
        run_extension(database, vault, "R-1", NOW + store.YEAR, " ")


def test_a_number_changed_in_the_database_extends_nothing(database, vault, imported):
    with database.writing() as session:
        for record in session.scalars(sa.select(Record)):
            record.valid_until += store.YEAR
    with database.reading() as session:
        for record in session.scalars(sa.select(Record)):
            with pytest.raises(Damaged):
                store.personal_fields(record, vault)
