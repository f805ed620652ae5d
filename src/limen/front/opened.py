"""Tells owners when the vault was asked to open more of their records than honest hits need (`vault.meter`)."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.orm import Session

from limen.access import watch
from limen.errors import LimenError
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.database import Database
from limen.vault.client import AsyncVaultClient

POLL_SECONDS = 10.0

log = structlog.get_logger("front")


async def run(database: Database, vault: AsyncVaultClient) -> None:
    """Tell for ever; ends only by cancellation."""
    told: dict[str, int] = {}
    while True:
        try:
            told = await once(database, vault, told)
        except LimenError as error:
            log.warning("refusals-not-told", error=error.code)
        await asyncio.sleep(POLL_SECONDS)


async def once(database: Database, vault: AsyncVaultClient, told: dict[str, int]) -> dict[str, int]:
    """An alert for each owner whose count has grown, and an entry in the ledger with a new one; returns the counts."""
    counts = await vault.refusals()
    grown = {owner: count for owner, count in counts.items() if count > told.get(owner, 0)}

    def noted(session: Session) -> None:
        for owner, count in grown.items():
            alert = watch.notice(session, watch.Rule.OPENED, owner, count=count)
            if alert is not None and alert in session.new:
                journal.put(session, Kind.TOO_MUCH_OPENED, owner)

    def write() -> None:
        with database.writing() as session:
            noted(session)

    if grown:
        await asyncio.to_thread(write)
    return counts
