"""Leads: kept once, for the mark's owner alone, and gone with either record."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.records.drafts import NOW, draft, register, sample, save

from limen import countries
from limen.errors import NotFound
from limen.hits import leads
from limen.hits.leads import Pair, State
from limen.records import store
from limen.records.database import Database
from limen.records.tables import Lead
from limen.terms import Modality


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite'}")
    database.upgrade()
    register(database, "FRA", "BIH", "DEU")
    with database.writing() as session:
        store.save(session, draft("M-1", "BIH", [sample(Modality.MARK)]))
        store.save(session, draft("P-1", "FRA", [sample(Modality.FINGER)]))
        store.save(session, draft("P-2", "FRA", [sample(Modality.FINGER)], visible=countries.bitmap(["DEU"])))
    yield database
    database.close()


def handle(database: Database, record_id: str, owner: str) -> int:
    with database.reading() as session:
        record = store.by_id(session, draft(record_id, owner).id)
        assert record is not None
        return record.handle


def kept(database: Database, *pairs: Pair, upto: int = 7) -> int:
    with database.writing() as session:
        return leads.keep(session, pairs, upto, now=NOW)


def open_of(database: Database, country: str) -> list[leads.Known]:
    with database.reading() as session:
        return leads.of_country(session, country)


def test_a_lead_is_kept_once_for_the_marks_owner(database: Database) -> None:
    pair = Pair(handle(database, "M-1", "BIH"), handle(database, "P-1", "FRA"))
    assert (kept(database, pair, pair), kept(database, pair, upto=9)) == (1, 0)
    (known,) = open_of(database, "BIH")
    assert (known.mark.owner, known.found.owner, known.lead.at) == ("BIH", "FRA", NOW)
    assert open_of(database, "FRA") == []
    with database.reading() as session:
        assert leads.searched_upto(session) == 9


def test_what_the_marks_owner_may_not_see_is_no_lead(database: Database) -> None:
    assert kept(database, Pair(handle(database, "M-1", "BIH"), handle(database, "P-2", "FRA"))) == 0
    assert kept(database, Pair(handle(database, "M-1", "BIH"), 12345)) == 0, "withdrawn meanwhile"
    kept(database, Pair(handle(database, "M-1", "BIH"), handle(database, "P-1", "FRA")))
    with database.writing() as session:
        save(session, draft("P-1", "FRA", visible=countries.bitmap([])))
    assert open_of(database, "BIH") == [], "hidden since"


def test_a_settled_lead_does_not_come_again(database: Database) -> None:
    pair = Pair(handle(database, "M-1", "BIH"), handle(database, "P-1", "FRA"))
    kept(database, pair)
    (known,) = open_of(database, "BIH")
    with database.writing() as session:
        for other in (uuid.uuid4(), known.lead.id):
            with pytest.raises(NotFound):
                leads.settle(session, other, "FRA", State.CONFIRMED, "FRA/clerk")
    with database.writing() as session:
        leads.settle(session, known.lead.id, "BIH", State.DISMISSED, "BIH/examiner")
    assert open_of(database, "BIH") == []
    assert kept(database, pair) == 0
    with database.reading() as session:
        (settled,) = leads.of_country(session, "BIH", None)
    assert settled.lead.state == State.DISMISSED


@pytest.mark.parametrize(("record_id", "owner"), [("M-1", "BIH"), ("P-1", "FRA")])
def test_a_lead_goes_with_either_record(database: Database, record_id: str, owner: str) -> None:
    kept(database, Pair(handle(database, "M-1", "BIH"), handle(database, "P-1", "FRA")))
    with database.writing() as session:
        record = store.by_id(session, draft(record_id, owner).id)
        assert record is not None
        store.withdraw(session, record)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Lead)) == 0
