"""Searches every new sample for leads: prints against unsolved marks, marks against all prints.

Follows the same numbered changes as the gallery's feed, from the last one that was searched: nothing is missed while
the hub stands still, and nothing is searched again when it restarts. A change is searched once it is in force, so that
of a mark and a print that come together whichever is searched finds the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from sqlalchemy import exists, select

from limen.errors import LimenError
from limen.hits import leads
from limen.hits.leads import Pair
from limen.records import feed
from limen.records.database import Database
from limen.records.tables import Sample
from limen.terms import Modality
from limen.wire.frame import HEADER, read
from limen.wire.messages import GalleryPut, UnsolvedAsk, UnsolvedFound
from limen.wire.parts import unpack_matches
from limen.wire.sockets import open_stream

POLL_SECONDS = 1.0
RETRY_SECONDS = 1.0
BATCH = 64  # samples searched between two notes of how far it went

log = structlog.get_logger()


class Feed(Protocol):
    """How far the gallery is (`front.feed.Feeder`)."""

    complete: bool
    in_force: int


class Unsolved:
    """Finds leads with one matcher."""

    def __init__(self, socket: str, database: Database, feeder: Feed) -> None:
        self._socket, self._database, self._feed = socket, database, feeder

    async def run(self) -> None:
        """Search for ever; ends only by cancellation."""
        while True:
            try:
                reader, writer = await open_stream(self._socket)
                try:
                    while True:
                        if not await self._search_next(reader, writer):
                            await asyncio.sleep(POLL_SECONDS)
                finally:
                    writer.close()
            except (LimenError, OSError) as error:
                log.debug("leads-wait", error=getattr(error, "code", type(error).__name__))
            await asyncio.sleep(RETRY_SECONDS)

    async def _search_next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Search the next new samples; False if there are none that are in force."""
        after, samples, upto = await asyncio.to_thread(self._new_samples)
        if upto <= after or not self._feed.complete or self._feed.in_force < upto:
            return False
        pairs: list[Pair] = []
        for sample in samples:
            writer.write(UnsolvedAsk(sample.pack()[HEADER.size :]).pack())
            await writer.drain()
            found = await read(reader, UnsolvedFound)
            records = [match.record for match in unpack_matches(found.tail, found.count)]
            is_mark = sample.modality == Modality.MARK
            pairs += [Pair(sample.record, other) if is_mark else Pair(other, sample.record) for other in records]
        if new := await asyncio.to_thread(self._keep, pairs, upto):
            log.info("leads-found", count=new)
        return True

    def _new_samples(self) -> tuple[int, Sequence[GalleryPut], int]:
        """The last change that was searched; new friction ridge samples after it; up to which change they reach."""
        with self._database.reading() as session:
            after = leads.searched_upto(session)
            if feed.last_change(session) <= after:
                return after, [], after
            if not session.scalar(select(exists().where(Sample.modality == Modality.MARK.value))):
                return after, [], feed.last_change(session)
            changes, upto = feed.changes(session, after, BATCH)
        puts = [change for change in changes if isinstance(change, GalleryPut)]
        return after, [put for put in puts if put.modality != Modality.FACE], upto

    def _keep(self, pairs: Sequence[Pair], upto: int) -> int:
        with self._database.writing() as session:
            return leads.keep(session, pairs, upto)
