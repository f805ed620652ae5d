"""Has the keys of deleted records destroyed (`records.shredding`), within seconds of the deletion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from limen.errors import LimenError
from limen.records import shredding
from limen.records.database import Database
from limen.records.shredding import Shredding
from limen.vault.client import AsyncVaultClient

POLL_SECONDS = 2.0
RETRY_SECONDS = 30.0  # while the vault or a backup's mirror is out of reach

log = structlog.get_logger("front")


async def run(database: Database, vault: AsyncVaultClient, mirrors: Callable[[Shredding], bool]) -> None:
    """Shred for ever; ends only by cancellation."""
    while True:
        pause = POLL_SECONDS
        try:
            if count := await once(database, vault, mirrors):
                log.info("record-keys-shredded", count=count)
                continue
        except LimenError as error:
            log.warning("shredding-waits", error=error.code)
            pause = RETRY_SECONDS
        await asyncio.sleep(pause)


async def once(database: Database, vault: AsyncVaultClient, mirrors: Callable[[Shredding], bool]) -> int:
    """Shred what is noted, at most one batch; how many. 0 too if a mirror was out of reach: the notes stay."""

    def noted() -> Shredding:
        with database.reading() as session:
            return shredding.waiting(session)

    def taken_away(found: Shredding) -> None:
        with database.writing() as session:
            shredding.done(session, found)

    found = await asyncio.to_thread(noted)
    for owner, records in found.items():
        await vault.shred(owner, records)
    if not found or not await asyncio.to_thread(mirrors, found):
        return 0
    await asyncio.to_thread(taken_away, found)
    return sum(map(len, found.values()))
