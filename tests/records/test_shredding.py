"""Notes of what is to be shredded, and sealing anew after a rotation, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.vault.local import LocalVault, enrol, names, register

from limen.access import providers
from limen.access.tables import Provider
from limen.errors import KeyUnavailable, Unavailable
from limen.opener import holding
from limen.records import reseal, retention, shredding, store
from limen.records.database import Database
from limen.records.tables import Country, Hit, Record
from limen.vault.keys import KeyRing
from limen.vault.seal import epoch_of


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[LocalVault]:
    ring = KeyRing(tmp_path / "vault")
    yield LocalVault(ring)
    ring.close()


@pytest.fixture
def people(database: Database, vault: LocalVault) -> list[uuid.UUID]:
    register(database, "FRA", "BIH")
    enrol(database, vault, "BIH", 7)
    return enrol(database, vault, "FRA", 1, 2, 3)


def withdraw(database: Database, record: uuid.UUID) -> None:
    with database.writing("FRA") as session:
        row = store.by_id(session, record)
        assert row is not None
        store.withdraw(session, row)


def waiting(database: Database) -> int:
    with database.reading() as session:
        return sum(map(len, shredding.waiting(session).values()))


def test_withdrawal_notes_and_shredding_does(database: Database, vault: LocalVault, people: list[uuid.UUID]) -> None:
    with database.reading() as session:
        record = store.by_id(session, people[0])
        assert record is not None
        context, blob = store.fields_context(record), record.fields
    withdraw(database, people[0])
    assert waiting(database) == 1
    assert vault.unseal(context, blob), "only a note so far"
    assert shredding.shred(database, vault) == 1
    assert waiting(database) == 0
    with pytest.raises(KeyUnavailable, match="shredded"):
        vault.unseal(context, blob)
    assert names(database, vault, "FRA") == {"Person Number2", "Person Number3"}


def test_expiry_notes_too(database: Database, vault: LocalVault, people: list[uuid.UUID]) -> None:
    with database.reading() as session:
        end = session.scalars(sa.select(Record.valid_until)).first()
    assert end is not None
    assert retention.purge(database, now=end)["records"] == 4
    assert waiting(database) == 4
    assert shredding.shred(database, vault) == 4
    assert vault.ring.records("FRA") == vault.ring.records("BIH") == []


def test_a_rolled_back_withdrawal_shreds_nothing(database: Database, vault: LocalVault, people: list) -> None:
    with pytest.raises(RuntimeError):
        with database.writing("FRA") as session:
            row = store.by_id(session, people[0])
            assert row is not None
            store.withdraw(session, row)
            raise RuntimeError
    assert (waiting(database), shredding.shred(database, vault)) == (0, 0)
    assert len(names(database, vault, "FRA")) == 3


def test_notes_stay_while_the_vault_is_away(database: Database, vault: LocalVault, people: list[uuid.UUID]) -> None:
    class Away:
        def shred(self, country: str, records: object) -> None:
            raise Unavailable("The vault does not answer.")

    withdraw(database, people[0])
    with pytest.raises(Unavailable):
        shredding.shred(database, Away())
    assert waiting(database) == 1
    assert shredding.shred(database, vault) == 1


@pytest.mark.postgres
def test_notes_are_fenced_by_owner(database: Database, people: list[uuid.UUID]) -> None:
    if database.embedded:
        pytest.skip("SQLite has no row-level security")
    withdraw(database, people[0])
    with database.engine.connect() as connection:
        if connection.scalar(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
            forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'shreds'"
            assert connection.scalar(sa.text(forced))
            return
    with database.reading("BIH") as session:
        assert not shredding.waiting(session)


def test_a_rotation_seals_all_of_a_country_anew_and_may_be_cut_off(
    database: Database, vault: LocalVault, people: list[uuid.UUID]
) -> None:
    assert vault.ring.rotate("FRA") == 2
    first = next(iter(reseal.reseal(database, vault, "FRA", 2)))  # cut off after one record
    assert (first, reseal.left(database, "FRA", 2), reseal.in_use(database, "FRA")) == (1, 2, {1, 2})
    assert len(names(database, vault, "FRA")) == 3, "both epochs open meanwhile"
    assert sum(reseal.reseal(database, vault, "FRA", 2)) == 2
    assert (reseal.left(database, "FRA", 2), reseal.in_use(database, "FRA")) == (0, {2})
    vault.ring.retire("FRA", 1)
    assert names(database, vault, "FRA") == {"Person Number1", "Person Number2", "Person Number3"}
    assert names(database, vault, "BIH") == {"Person Number7"}
    with database.reading() as session:
        country = session.get(Country, "FRA")
        assert country is not None and country.index_key is not None
        assert epoch_of(country.index_key) == 2
    enrol(database, vault, "FRA", 9)  # lookups and seals go on


def test_what_is_sealed_besides_records_is_sealed_anew_too(
    database: Database, vault: LocalVault, people: list[uuid.UUID]
) -> None:
    """A held capture, a case and a sign-in provider's secret: retiring their epoch must not destroy them."""
    provider = Provider(country="FRA", id=uuid.uuid4(), issuer="https://login.example", client="limen", created=0)
    provider.secret = vault.seal(providers.secret_context(provider), b"secret")[1]
    search = uuid.uuid4()
    held = vault.seal(holding.context(search.bytes, b"FRA"), b"capture")[1]
    hit = Hit(
        id=uuid.uuid4(), search=search, owner="BIH", country="FRA", purpose="border-control", answer="hit", at=0,
        expires=2**40, held=held, held_epoch=1,
    )  # fmt: skip
    with database.writing() as session:
        session.add_all([provider, hit])
    vault.ring.rotate("FRA")
    assert sum(reseal.reseal(database, vault, "FRA", 2)) == 3
    assert reseal.in_use(database, "FRA") == {2}
    vault.ring.retire("FRA", 1)
    with database.reading() as session:
        again, kept = session.get(Provider, "FRA"), session.get(Hit, hit.id)
        assert again is not None and again.secret is not None and kept is not None and kept.held is not None
        assert vault.unseal(providers.secret_context(again), again.secret) == b"secret"
        assert vault.unseal(holding.context(search.bytes, b"FRA"), kept.held) == b"capture"
        assert kept.held_epoch == 2


def test_a_record_that_was_shredded_meanwhile_does_not_stop_a_rotation(
    database: Database, vault: LocalVault, people: list[uuid.UUID]
) -> None:
    vault.ring.shred("FRA", [people[1].bytes])
    vault.ring.rotate("FRA")
    assert sum(reseal.reseal(database, vault, "FRA", 2)) == 2
