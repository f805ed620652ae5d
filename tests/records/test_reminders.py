"""Owners are reminded of what ends soon: each end once, in time, and on record."""

import pytest
import sqlalchemy as sa
from tests.records.drafts import NOW, draft, register

from limen.access import bureaus
from limen.errors import BadInput, NotFound
from limen.records import reminders, retention, store
from limen.records.tables import JournalRow, Record, Reminder

DAY = 86_400
END = NOW + 5 * store.YEAR
SOON = END - retention.REVIEW


def add(database, record_id="A", until=END, owner="FRA"):
    with database.writing() as session:
        return store.save(session, draft(record_id, owner, valid_until=until), now=NOW).id


def noted(database):
    with database.reading() as session:
        kinds = session.scalars(sa.select(JournalRow.kind).where(JournalRow.kind == "owner-reminded")).all()
    return len(kinds)


def test_an_owner_is_reminded_six_months_before_once_and_on_record(database):
    register(database, "FRA")
    add(database)
    assert reminders.note(database, now=SOON - 1) == 0
    assert reminders.note(database, now=SOON) == 1
    assert reminders.note(database, now=SOON + DAY) == 0
    assert noted(database) == 1
    with database.reading() as session:
        [found] = reminders.waiting(session, "FRA")
        assert (found.record.valid_until, found.at, found.sent) == (END, SOON, None)
        assert reminders.count(session, "FRA") == 1


def test_a_record_for_a_short_time_is_reminded_of_when_half_of_it_is_over(database):
    register(database, "FRA")
    add(database, until=NOW + 30 * DAY)
    assert reminders.note(database, now=NOW + 15 * DAY - 1) == 0
    assert reminders.note(database, now=NOW + 15 * DAY) == 1


def test_what_is_over_is_reminded_of_no_more(database):
    register(database, "FRA")
    add(database)
    assert reminders.note(database, now=END) == 0


def test_more_than_a_batch_are_reminded_of(database, monkeypatch):
    monkeypatch.setattr(reminders, "BATCH", 3)
    register(database, "FRA")
    for number in range(7):
        add(database, f"A{number}")
    assert reminders.note(database, now=SOON) == 7
    with database.reading() as session:
        pages = [reminders.waiting(session, "FRA", skip=skip, limit=4) for skip in (0, 4)]
    assert [len(page) for page in pages] == [4, 3]
    assert len({one.record.id for page in pages for one in page}) == 7


def test_an_extended_record_waits_no_more_and_its_new_end_is_reminded_of(database):
    register(database, "FRA")
    record_id = add(database)
    reminders.note(database, now=SOON)
    with database.writing() as session:
        session.get(Record, record_id).valid_until = END + store.YEAR
    with database.reading() as session:
        assert reminders.waiting(session, "FRA") == [] and reminders.count(session, "FRA") == 0
        assert reminders.unsent(session) == []
    assert reminders.note(database, now=SOON) == 0
    assert reminders.note(database, now=SOON + store.YEAR) == 1
    assert noted(database) == 2


def test_a_withdrawn_record_takes_its_reminder_along(database):
    register(database, "FRA")
    record_id = add(database)
    reminders.note(database, now=SOON)
    with database.writing() as session:
        store.withdraw(session, store.by_id(session, record_id))
    with database.reading() as session:
        assert session.scalars(sa.select(Reminder)).all() == []


def test_a_bureau_is_told_of_each_once_and_of_what_comes_later_too(database):
    register(database, "FRA", "DEU")
    add(database, "A")
    add(database, "B", until=END - DAY)
    add(database, "C", owner="DEU")
    reminders.note(database, now=SOON)
    with database.reading() as session:
        told = {one.country: one for one in reminders.unsent(session)}
    assert (told["FRA"].records, told["FRA"].first_end, told["DEU"].records) == (2, END - DAY, 1)
    add(database, "D", until=END + DAY)
    reminders.note(database, now=SOON + DAY)  # after the call was written, before it was taken
    with database.writing() as session:
        reminders.mark_sent(session, told["FRA"], now=SOON + 2 * DAY)
    with database.reading() as session:
        left = {one.country: one.records for one in reminders.unsent(session)}
        assert left == {"FRA": 1, "DEU": 1}
        assert [one.sent for one in reminders.waiting(session, "FRA")] == [SOON + 2 * DAY, SOON + 2 * DAY, None]


def test_a_bureaus_address_is_named_changed_and_taken_away(database):
    register(database, "FRA")
    with database.writing() as session:
        bureaus.name(session, "FRA", "https://ncb.example/limen")
        bureaus.name(session, "FRA", "http://127.0.0.1:9/x")
        assert bureaus.addresses(session) == {"FRA": "http://127.0.0.1:9/x"}
        bureaus.name(session, "FRA", "")
        assert bureaus.addresses(session) == {}
        with pytest.raises(NotFound):
            bureaus.name(session, "FRA", "")
        with pytest.raises(NotFound):
            bureaus.name(session, "DEU", "https://ncb.example")


@pytest.mark.parametrize(
    "address",
    ["http://ncb.example/x", "ncb.example", "ftp://ncb.example", "https://", "https://u@ncb.example", "https://a:b/",
     "https://ncb.example/#x", "https://[::1", "https://ncb.example/\n", "https://ncb.example/" + "x" * 400],
)  # fmt: skip
def test_no_other_address_is_called(database, address):
    register(database, "FRA")
    with database.writing() as session, pytest.raises(BadInput, match="https"):
        bureaus.name(session, "FRA", address)
