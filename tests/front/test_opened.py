"""The vault refuses the front too many records: their owners' officers are told, once, and the ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import select

from limen.access import directory, watch
from limen.access.tables import Alert
from limen.front import opened
from limen.records.database import Database
from limen.records.tables import JournalRow
from limen.vault.client import AsyncVaultClient


class Vault:
    def __init__(self, **counts: int) -> None:
        self.counts = counts

    async def refusals(self) -> dict[str, int]:
        return dict(self.counts)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/records.sqlite")
    made.upgrade()
    with made.writing() as session:
        for country in ("FRA", "BIH"):
            directory.add_country(session, country)
            directory.add_officer(session, f"{country}/security", None, directory.Role.SECURITY)
    return made


def look(database: Database, vault: Vault, told: dict[str, int]) -> dict[str, int]:
    return asyncio.run(opened.once(database, cast(AsyncVaultClient, vault), told))


def entries(database: Database) -> list[str]:
    with database.reading() as session:
        return [row.who for row in session.scalars(select(JournalRow)) if row.kind == "too-much-opened"]


def test_owners_are_told_once_and_see_it_grow(database: Database) -> None:
    vault = Vault()
    told = look(database, vault, {})
    vault.counts = {"FRA": 3, "BIH": 1}
    told = look(database, vault, told)
    assert told == {"FRA": 3, "BIH": 1}
    assert sorted(entries(database)) == ["BIH", "FRA"]
    vault.counts = {"FRA": 9, "BIH": 1}
    look(database, vault, told)
    look(database, vault, {})  # a front that was started anew meanwhile
    assert sorted(entries(database)) == ["BIH", "FRA"], "no more in the ledger while the alert is open"
    with database.reading() as session:
        found = {alert.name: (alert.rule, alert.kind, alert.count) for alert in session.scalars(select(Alert))}
        officer = directory.find_officer(session, "FRA/security")
        assert officer is not None
        assert [alert.name for alert in watch.alerts(session, officer)] == ["FRA"], "another country's is not theirs"
    assert found == {"FRA": ("opened", "country", 9), "BIH": ("opened", "country", 1)}
