"""Requests of persons concerned: deadlines, what is sealed, and what the commission is shown."""

import time

import pytest
from sqlalchemy import select, text

from limen.access import cases, directory
from limen.access.cases import ANSWER_DAYS, DAY, KEPT, CaseKind, Content, Outcome
from limen.errors import BadInput, NotFound
from limen.records.tables import JournalRow

ASKS = Content("Amra Example, Main Street 1", "Which data of mine does France keep?")
NOW = int(time.time())


@pytest.fixture
def hub(database):
    with database.writing() as session:
        directory.add_country(session, "FRA")
        directory.add_country(session, "BIH")
    return database


def opened(hub, vault, kind=CaseKind.ACCESS, country="FRA", received=None):
    with hub.writing(country) as session:
        return cases.open_case(session, vault, country, kind, ASKS, by="FRA/dpo", received=received)


def test_a_case_from_its_opening_to_its_answer(hub, vault):
    case = opened(hub, vault)
    with hub.writing("FRA") as session:
        found = cases.find(session, case.number, "FRA")
        cases.note(session, vault, found, "Asked the owner.", by="FRA/clerk", now=NOW)
        cases.close(session, vault, found, Outcome.GRANTED, "Sent a copy.", by="FRA/dpo", now=NOW + DAY)
    with hub.reading("FRA") as session:
        found = cases.find(session, case.number)
        assert cases.read(found, vault) == Content(
            ASKS.person,
            ASKS.request,
            ((NOW, "FRA/clerk", "Asked the owner."), (NOW + DAY, "FRA/dpo", "Sent a copy.")),
        )
        assert cases.standing(found) == "granted, in time"
        kinds = [row.kind for row in session.scalars(select(JournalRow).order_by(JournalRow.number))]
        assert kinds[-2:] == ["case-opened", "case-closed"]


@pytest.mark.parametrize("kind", list(CaseKind))
def test_the_deadline_counts_from_when_the_request_came(hub, vault, kind):
    case = opened(hub, vault, kind, received=NOW - 10 * DAY)
    assert case.due == NOW - 10 * DAY + ANSWER_DAYS[kind] * DAY
    assert cases.standing(case, NOW) == "open"
    assert cases.standing(case, case.due - 29 * DAY) == "pressing"
    assert cases.standing(case, case.due + 1) == "overdue"


def test_nothing_of_the_person_stands_in_clear(hub, vault):
    opened(hub, vault)
    with hub.reading() as session:
        raw = repr(session.execute(text("SELECT * FROM cases")).all()).encode()
        ledger = repr(session.execute(text("SELECT * FROM journal")).all()).encode()
    assert b"Amra" not in raw + ledger and b"keep?" not in raw + ledger


def test_numbers_count_up_within_the_year_and_the_commission_sees_counts(hub, vault):
    first, second, other = opened(hub, vault), opened(hub, vault, CaseKind.DELETION), opened(hub, vault, country="BIH")
    assert int(second.number[5:]) == int(first.number[5:]) + 1 and other.number > second.number
    with hub.writing("FRA") as session:
        cases.close(session, vault, cases.find(session, first.number), Outcome.NO_DATA, "Nothing.", now=first.due + 1)
    with hub.reading() as session:
        assert cases.report(session, "FRA") == {"no-data, late": 1, "open": 1}
        assert [case.number for case in cases.list_cases(session, only_open=True)] == [other.number, second.number]
        with pytest.raises(NotFound):
            cases.find(session, other.number, "FRA")


def test_a_closed_case_stays_closed_and_goes_in_the_end(hub, vault):
    case = opened(hub, vault)
    with hub.writing("FRA") as session:
        found = cases.find(session, case.number)
        cases.close(session, vault, found, Outcome.REFUSED, "Not the person.", now=NOW)
        with pytest.raises(BadInput, match="closed"):
            cases.note(session, vault, found, "One more thing")
    with hub.writing() as session:
        assert cases.purge(session, now=NOW + KEPT - 1) == 0
        assert cases.purge(session, now=NOW + KEPT) == 1


def test_what_cannot_be_is_refused(hub, vault):
    for person, request in (("", "x"), ("x", " "), ("x" * 5000, "x")):
        with pytest.raises(BadInput):
            Content(person, request)
    for received in (NOW + 2 * DAY, 0):
        with pytest.raises(BadInput, match="cannot have come"):
            opened(hub, vault, received=received)
    with pytest.raises(NotFound):
        opened(hub, vault, country="ITA")
