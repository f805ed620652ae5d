"""Records stored, replaced, withdrawn; who may see them."""

import uuid

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tests.records.drafts import LATER, NOW, PERSON, draft, external_key, register, sample, save

from limen import countries
from limen.errors import BadInput, Damaged, NotFound
from limen.records import index, store
from limen.records.personal import Personal
from limen.records.tables import Hit, Record, Sample, State
from limen.terms import Modality, Notice, Sex
from limen.vault.seal import Use

TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=60)


def test_a_record_is_found_by_handle_id_and_owner(database):
    register(database, "FRA", "DEU")
    with database.writing() as session:
        record = store.save(session, draft())
        store.save(session, draft("A-1", "DEU"))
    with database.reading() as session:
        assert store.by_handle(session, record.handle).id == record.id
        assert store.by_id(session, record.id).handle == record.handle
        assert store.by_external_key(session, "FRA", external_key("A-1")).id == record.id
        assert [found.id for found in store.of_owner(session, "FRA")] == [record.id]
        assert (store.count(session), store.count(session, "DEU")) == (2, 1)
        assert store.by_handle(session, 5) is None


def test_replacing_keeps_the_handle_and_only_the_kept_samples(database):
    register(database, "FRA")
    first, second, third = sample(), sample(), sample()
    with database.writing() as session:
        handle = store.save(session, draft(samples=[first, second])).handle
    kept = second.handle
    with database.writing() as session:
        save(session, draft(samples=[third], kept=frozenset([second.id]), purpose="alert"))
    with database.reading() as session:
        record = store.by_handle(session, handle)
        assert {row.id for row in record.samples} == {second.id, third.id}
        assert kept in {row.handle for row in record.samples}
        assert record.purpose == "alert"


def test_a_sample_that_another_writer_withdrew_cannot_be_kept(database):
    register(database, "FRA")
    first = draft()
    with database.writing() as session:
        store.save(session, first)
    gone = next(iter(first.new)).id
    with database.writing() as session:
        store.withdraw(session, store.by_id(session, first.id))
    with pytest.raises(BadInput) as error, database.writing() as session:
        store.save(session, draft(samples=[], kept=frozenset({gone})))
    assert error.value.code == "conflict"
    with database.reading() as session:
        assert store.by_id(session, first.id) is None


def test_withdrawing_deletes_samples_and_frees_hits(database):
    register(database, "FRA", "BIH")
    with database.writing() as session:
        record = store.save(session, draft())
        session.add(
            Hit(
                id=uuid.uuid4(), search=uuid.uuid4(), record_id=record.id, owner="FRA", country="BIH", purpose="alert",
                answer="hit", at=NOW, expires=LATER,
            )
        )  # fmt: skip
    with database.writing() as session:
        store.withdraw(session, store.by_id(session, record.id))
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 0
        assert session.scalars(sa.select(Hit)).one().record_id is None


def test_one_owner_has_one_record_of_an_id(database):
    register(database, "FRA")
    with database.writing() as session:
        store.save(session, draft())
    with pytest.raises(BadInput) as caught:
        with database.writing() as session:
            store.save(session, draft(id=uuid.uuid4()))
    assert caught.value.code == "conflict"


def test_a_record_never_changes_hands(database):
    register(database, "FRA", "DEU")
    with database.writing() as session:
        record = store.save(session, draft())
    with pytest.raises(BadInput, match="owner"):
        with database.writing() as session:
            store.save(session, draft(owner="DEU", id=record.id))


def record_of(visible=countries.EVERYONE, state=State.ACTIVE, valid_from=0, valid_until=LATER):
    return Record(owner="FRA", visible=visible, state=state, valid_from=valid_from, valid_until=valid_until)


def test_the_owner_decides_who_sees_a_record():
    to_germany = record_of(countries.bitmap(["DEU"]))
    assert store.visible_to(to_germany, "DEU")
    assert store.visible_to(to_germany, "FRA")
    assert not store.visible_to(to_germany, "BIH")


@pytest.mark.parametrize(
    "change", [{"state": State.SUSPENDED}, {"valid_from": NOW + 60}, {"valid_until": NOW}, {"valid_until": NOW - 60}]
)
def test_out_of_force_nobody_sees_it(change):
    assert not store.visible_to(record_of(**change), "FRA", now=NOW)


def test_sealed_fields_come_back_for_their_record_only(database, vault):
    register(database, "FRA")
    probe = draft()
    with database.writing() as session:
        record = store.save(session, probe)
        epoch, blob = vault.seal(store.fields_context(record), PERSON.pack())
        record.fields, record.fields_epoch = blob, epoch
    with database.reading() as session:
        record = store.by_id(session, probe.id)
        assert store.personal_fields(record, vault) == PERSON
        assert store.contact(session, record, PERSON) == "NCB FRA"
    assert b"DUPONT" not in record.fields
    record.valid_until += 1
    with pytest.raises(Damaged):
        store.personal_fields(record, vault)


def test_a_portrait_comes_back_for_its_sample(database, vault):
    register(database, "FRA")
    face, finger = sample(quality=255), sample(Modality.FINGER, 2)
    best = sample(quality=50)
    with database.writing() as session:
        record = store.save(session, draft(samples=[face, finger, best]))
        best.portrait = vault.seal(store.sample_context(best, record, Use.SAMPLE), b"jpeg")[1]
    with database.reading() as session:
        shown = store.portrait_sample(store.by_id(session, record.id))
        assert shown.id == best.id
        assert store.portrait(shown, vault) == b"jpeg"


def test_marks_may_be_kept_longer_than_people():
    assert store.retention([Modality.MARK]) == 3 * store.retention([Modality.MARK, Modality.FACE])


def test_each_country_has_its_own_keyed_hashes(database, vault):
    register(database, "FRA", "DEU")
    french, german = index.keyed_hash(database, vault, "FRA"), index.keyed_hash(database, vault, "DEU")
    assert french.record_id("A-1") == index.keyed_hash(database, vault, "FRA").record_id(" A-1 ")
    assert french.record_id("A-1") != german.record_id("A-1")
    assert french.image(1, 0, 0, bytes(32)) != french.image(2, 0, 0, bytes(32))
    with pytest.raises(NotFound, match="ITA"):
        index.keyed_hash(database, vault, "ITA")


@given(
    st.builds(
        Personal,
        record_id=TEXT.filter(str.strip),
        names=st.lists(TEXT, max_size=4).map(tuple),
        date_of_birth=st.sampled_from(["", "1970", "1970-12", "1970-12-31"]),
        sex=st.sampled_from(Sex),
        nationalities=st.lists(st.sampled_from(countries.ORDER), max_size=3).map(tuple),
        notice=st.none() | st.sampled_from(Notice),
        notice_number=TEXT,
        offence=TEXT,
        instructions=TEXT,
        contact=TEXT,
    )
)
def test_personal_fields_come_back_as_they_were(person):
    assert Personal.unpack(person.pack()) == person


@given(st.binary(max_size=80))
def test_other_bytes_are_no_personal_fields(data):
    with pytest.raises(Damaged):
        Personal.unpack(data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"record_id": " "},
        {"record_id": "x" * 129},
        {"names": ("a\0b",)},
        {"date_of_birth": "31.12.1970"},
        {"date_of_birth": "1970-13"},
        {"offence": "x" * 1001},
        {"names": ("x",) * 51},
    ],
)
def test_malformed_fields_are_named_not_repeated(wrong):
    with pytest.raises(BadInput) as caught:
        Personal(**{"record_id": "A", **wrong})
    assert "x" * 60 not in str(caught.value)
