"""Brings what other processes and transactions put on record (`records.journal`) into the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from limen.errors import BadInput, LimenError
from limen.ledger.entry import MINUTE, Entry, Kind
from limen.ledger.writer import Writer
from limen.records import journal
from limen.records.database import Database
from limen.records.tables import JournalRow
from limen.search.ledger import Pseudonyms
from limen.terms import Answer, Purpose

POLL_SECONDS = 0.5
LOOK_BACK = 1024  # entries at the log's end among which those of a front that died while it moved them must be
ANSWER_SECONDS = 60.0  # for the ledger to take a batch: longer means that its disk or the vault hangs

log = structlog.get_logger("ledger")


class Journal:
    """The one drain of a front."""

    def __init__(self, database: Database, writer: Writer, names: Pseudonyms) -> None:
        self._database, self._writer, self._names = database, writer, names
        self._draining = asyncio.Lock()
        self._known: set[bytes] | None = None  # ids that the log may hold already; None: not looked at yet

    async def run(self) -> None:
        """Move entries for ever; ends only by cancellation."""
        while True:
            try:
                while await self.drain() == journal.BATCH:
                    pass
            except LimenError as error:  # what waits keeps waiting
                log.warning("journal-waits", error=error.code)
            await asyncio.sleep(POLL_SECONDS)

    async def drain(self) -> int:
        """Move what waits, at most one batch; how many entries that were."""
        loop = asyncio.get_running_loop()

        def append(rows: Sequence[JournalRow]) -> None:
            asyncio.run_coroutine_threadsafe(self._append(rows), loop).result(ANSWER_SECONDS)

        async with self._draining:  # two at once would both take the same
            return await asyncio.to_thread(journal.drain, self._database, append)

    async def _append(self, rows: Sequence[JournalRow]) -> None:
        if self._known is None:
            self._known = {Entry.unpack(line).id for line in await self._writer.last(LOOK_BACK)}
        fresh = [row for row in rows if row.id.bytes not in self._known]
        known, self._known = {row.id.bytes for row in rows}, None  # looked at again if this fails
        entries = [_entry(row, await self._names.pseudonym(row.id.bytes, row.who)) for row in fresh]
        await asyncio.gather(*(self._writer.append(entry) for entry in entries))
        self._known = known  # should taking them from the table fail, they come again


def _entry(row: JournalRow, who: bytes) -> Entry:
    return Entry(
        _kind(row.kind),
        row.id.bytes,
        row.at // MINUTE,
        Purpose(row.purpose) if row.purpose else None,
        Answer(row.answer) if row.answer else None,
        who,
    )


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise BadInput("The journal holds an entry of a kind that this release does not know.") from None
