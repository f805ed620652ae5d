"""Forgets hits at their deadline: when the front starts, before it takes a request, and from then on twice a minute.

At the start too, because a crash, a long stop or a restored backup may have left some that are overdue.
"""

from __future__ import annotations

import asyncio

import structlog

from limen.errors import LimenError
from limen.hits.keep import forget_overdue
from limen.records.database import Database

SWEEP_SECONDS = 30.0

log = structlog.get_logger("front")


def once(database: Database) -> int:
    """Forget what is overdue; how many hits."""
    with database.writing() as session:
        count = forget_overdue(session)
    if count:
        database.wipe_log()
        log.info("hits-forgotten", count=count)
    return count


async def run(database: Database) -> None:
    """Forget for ever; ends only by cancellation."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await asyncio.to_thread(once, database)
        except LimenError as error:
            log.warning("hits-not-forgotten", error=error.code)
