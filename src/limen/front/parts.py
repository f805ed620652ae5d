"""What the front is made of: database, vault, line to the matcher, open searches, feeder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from limen import confine
from limen.access import approvals
from limen.access.passkeys import Challenges
from limen.access.providers import Providers
from limen.backup import mirror
from limen.errors import LimenError
from limen.front import opened, overdue, shredding
from limen.front.calls import Calls
from limen.front.clock import HubClock
from limen.front.feed import Feeder
from limen.front.guard import Guard
from limen.front.journal import Journal
from limen.front.metrics import Metrics
from limen.front.refusals import Refusals
from limen.front.unsolved import Unsolved
from limen.hits.follow import Hits
from limen.ledger.writer import Writer
from limen.records import feed, reminders
from limen.records.database import Database, open_database
from limen.records.retention import purge
from limen.search.identify import Matcher
from limen.search.ledger import Pseudonyms, SearchLedger
from limen.search.life import Searches
from limen.search.receipt import Receipts, policy_digest
from limen.settings import Settings
from limen.vault.client import AsyncVaultClient
from limen.wire.rows import Loose

SWEEP_SECONDS = 300.0  # between deletions of what is past its time

log = structlog.get_logger("front")


@dataclass
class Parts:
    """The running front."""

    settings: Settings
    database: Database
    vault: AsyncVaultClient
    matcher: Matcher
    searches: Searches
    hits: Hits
    feeder: Feeder
    metrics: Metrics
    writer: Writer
    journal: Journal
    receipts: Receipts
    guard: Guard
    challenges: Challenges
    providers: Providers
    refusals: Refusals
    clock: HubClock

    @property
    def over_tls(self) -> bool:
        """Whether people reach the hub over TLS (ended by a proxy in front of it)."""
        return self.settings.url.startswith("https:")


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Parts]:
    """The front's parts, with their background tasks, until the block ends."""
    database = await asyncio.to_thread(open_database, settings)
    if settings.production:
        await asyncio.to_thread(_check_thresholds, database, settings)
    await asyncio.to_thread(overdue.once, database)  # before anyone can ask for what is past its time
    vault = AsyncVaultClient(settings)
    clock = HubClock()
    await clock.ask(vault)  # before anyone is served by one that stands before it
    guard = Guard(database, suspends=settings.watch == "suspend", two_people=settings.production)
    matcher = Matcher(settings.socket("matcher-front"), guard.noticed)
    hits = Hits(database, vault)

    def changes(after: int, limit: int) -> tuple[Sequence[Loose], int]:
        with database.reading() as session:
            return feed.batches(session, after, limit)

    def of_countries(owners: Collection[str], after: int, upper: int, limit: int) -> tuple[Sequence[Loose], int]:
        with database.reading() as session:
            return feed.batches_of(session, owners, after, upper, limit)

    feeder = Feeder(settings.socket("matcher-feed"), changes, of_countries)
    writer = Writer(settings.data / "ledger", f"{settings.url.partition('://')[2].rstrip('/')}/ledger", vault)
    names = Pseudonyms(vault)
    journal = Journal(database, writer, names)
    unsolved = Unsolved(settings.socket("matcher-front"), database, feeder)
    receipts = Receipts(vault, writer, policy=policy_digest(settings), hardening=confine.in_force())
    searches = Searches(settings, matcher, hits, receipts, SearchLedger(writer, names), guard)
    parts = Parts(
        settings=settings,
        database=database,
        vault=vault,
        matcher=matcher,
        searches=searches,
        hits=hits,
        feeder=feeder,
        metrics=Metrics(settings),
        writer=writer,
        journal=journal,
        receipts=receipts,
        guard=guard,
        challenges=Challenges(),
        providers=Providers(database, vault),
        refusals=Refusals(writer.note),
        clock=clock,
    )
    shred = shredding.run(database, vault, partial(mirror.shred, settings))
    tasks = [
        asyncio.create_task(run)
        for run in (
            matcher.run(),
            feeder.run(),
            _sweep(database),
            journal.run(),
            unsolved.run(),
            guard.run(),
            shred,
            overdue.run(database),
            opened.run(database, vault),
            clock.run(vault),
            Calls(database, vault, settings.url).run(),
        )
    ]
    try:
        yield parts
    finally:
        searches.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await guard.close()
        await writer.close()
        await vault.close()
        database.close()


def _check_thresholds(database: Database, settings: Settings) -> None:
    with database.reading() as session:
        approvals.check_thresholds(session, settings.fpir_refer, settings.fpir_hit)


async def _sweep(database: Database) -> None:
    """Delete what is past its time (hits, records, sessions ...), at the start too: a restored backup may hold some.

    And remind owners of what will be.
    """

    def once() -> tuple[int, int]:
        deleted = overdue.once(database) + sum(purge(database).values())  # raises where the clock cannot be right
        return deleted, reminders.note(database)

    while True:
        try:
            deleted, reminded = await asyncio.to_thread(once)
            if deleted or reminded:
                log.info("times-kept", deleted=deleted, reminded=reminded)
        except LimenError as error:
            log.warning("sweep-failed", error=error.code)
        await asyncio.sleep(SWEEP_SECONDS)
