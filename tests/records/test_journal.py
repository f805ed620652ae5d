"""What waits to be put on record: written with its change or not at all, and handed on once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from limen.errors import BadInput, Unavailable
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.database import Database, open_database
from limen.records.tables import JournalRow
from limen.settings import Settings
from limen.terms import Answer, Purpose


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(Settings(data=tmp_path))


def waiting(database: Database) -> list[str]:
    with database.reading() as session:
        return [row.kind for row in session.query(JournalRow).order_by(JournalRow.number)]


def test_an_entry_is_written_with_its_change_or_not_at_all(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        journal.put(session, Kind.POLICY_CHANGED, "BIH/admin")
        raise ZeroDivisionError
    assert waiting(database) == []
    with database.writing() as session:
        journal.put(session, Kind.POLICY_CHANGED, "BIH/admin")
    journal.announce(database, Kind.KEY_CHANGED, "BIH")
    assert waiting(database) == ["policy-changed", "key-changed"]


def test_what_was_taken_is_gone_and_what_was_not_stays(database: Database) -> None:
    taken: list[JournalRow] = []
    with database.writing() as session:
        ids = [
            journal.put(session, Kind.HIT_VERIFIED, "BIH/a", purpose=Purpose.BORDER_CONTROL, answer=Answer.HIT),
            journal.put(session, Kind.SIGNED_IN, "BIH/b"),
        ]
    assert journal.drain(database, taken.extend) == 2
    assert [row.id for row in taken] == ids
    assert (taken[0].purpose, taken[0].answer, taken[0].who) == ("border-control", "hit", "BIH/a")
    assert waiting(database) == [] and journal.drain(database, taken.extend) == 0

    def refuse(_: Sequence[JournalRow]) -> None:
        raise Unavailable("The ledger cannot be written.")

    journal.announce(database, Kind.DELETED)
    with pytest.raises(Unavailable):
        journal.drain(database, refuse)
    assert waiting(database) == ["deleted"]


def test_many_come_in_batches_in_their_order(database: Database) -> None:
    with database.writing() as session:
        ids = [journal.put(session, Kind.RECORD_ADDED, "FRA") for _ in range(journal.BATCH + 3)]
    taken: list[JournalRow] = []
    assert [journal.drain(database, taken.extend) for _ in range(3)] == [journal.BATCH, 3, 0]
    assert [row.id for row in taken] == ids


@pytest.mark.parametrize("who", ["BIH/" + "a" * 65, "BIH/é"])
def test_nobody_who_cannot_be(database: Database, who: str) -> None:
    with pytest.raises(BadInput), database.writing() as session:
        journal.put(session, Kind.SIGNED_IN, who)
