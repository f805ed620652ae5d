"""Encounters by themselves: which record is whose, how many go at once, and what an encounter may be called."""

from __future__ import annotations

import pytest
from tests.records.drafts import draft, register

from limen.errors import NotAllowed, NotFound
from limen.records import encounters, store
from limen.records.encountering import MOST_AT_ONCE, Encounters
from limen.records.encounters import Encounter, Ids
from limen.records.index import keyed_hash


@pytest.fixture
def own(database, vault):
    register(database, "FRA")
    hashes = keyed_hash(database, vault, "FRA")

    def never(*_):
        raise AssertionError("nothing is enrolled here")

    return Encounters(database, vault, "FRA", hashes, never, lambda purpose: None)


def put(own, ids):
    with own.database.writing("FRA") as session:
        record = store.save(session, draft(str(ids), external_key=own.hashes.record_id(str(ids))))
        person = encounters.person_hash(own.hashes, ids.person)
        session.add(Encounter(record_id=record.id, owner="FRA", person=person))


def test_of_a_slash_in_an_id_no_other_person_is_made(own):
    put(own, Ids("a/b", "c"))
    with own.database.reading("FRA") as session:
        assert encounters.one(session, own.hashes, "FRA", Ids("a/b", "c"))
        with pytest.raises(NotFound):
            encounters.one(session, own.hashes, "FRA", Ids("a", "b/c"))


def test_more_than_a_few_records_are_deleted_by_two_people_only(own):
    for number in range(MOST_AT_ONCE + 1):
        put(own, Ids("p", str(number)))
    with pytest.raises(NotAllowed) as refused:
        own.withdraw("p")
    assert refused.value.code == "needs-approval"
    assert own.withdraw("p", "0") == 1
    assert own.withdraw("p") == MOST_AT_ONCE
    with pytest.raises(NotFound):
        own.withdraw("p")


@pytest.mark.parametrize("ids", [Ids("p", "a/b"), Ids("p", " e"), Ids("", "e"), Ids("p" * 61, "e")])
def test_what_a_new_encounter_may_not_be_called_is_the_hubs_own_rule(own, ids):
    with pytest.raises(NotAllowed):
        own.put(ids, b"{}", replace=False)
    with pytest.raises(NotFound):
        own.put(ids, b"{}", replace=True)
