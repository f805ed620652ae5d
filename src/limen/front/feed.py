"""The gallery feeder: keeps the matcher's gallery equal to the database.

A new matcher is fed whole; one that was fed by an earlier front goes on from the last change that is in force. Then
changes follow within `POLL_SECONDS`. The matcher answers `gallery-incomplete` until a mark says `complete`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from limen.errors import LimenError
from limen.wire.frame import read
from limen.wire.messages import GalleryBatch, GalleryMark, GalleryReset, Status, StatusAsk
from limen.wire.sockets import open_stream

POLL_SECONDS = 0.2
RETRY_SECONDS = 0.2
BATCH = 1024  # changes read at a time, 1.3 MB: they stay in the processor's cache on their way

Changes = Callable[[int, int], tuple[Sequence[GalleryBatch], int]]

log = structlog.get_logger()


class Feeder:
    """Feeds one matcher.

    Attributes:
        sent: number of the last change that was sent.
        in_force: number of the last change that the matcher said is in force.
        complete: whether the first full feed of this connection is in force.
    """

    def __init__(self, socket: str, changes: Changes) -> None:
        """`changes(after, limit)` reads the database (in a thread), as `records.feed.batches` does."""
        self._socket = socket
        self._changes = changes
        self._connected = False
        self.sent = 0
        self.in_force = 0
        self.complete = False

    async def run(self) -> None:
        """Feed for ever; ends only by cancellation."""
        while True:
            try:
                await self._serve()
            except (LimenError, OSError) as error:
                if self._connected:
                    log.warning("feed-lost", error=getattr(error, "code", type(error).__name__))
            self._connected = self.complete = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _serve(self) -> None:
        reader, writer = await open_stream(self._socket)
        self._connected = True
        self.sent, began = await self._begin(reader, writer), time.monotonic()
        echoes = asyncio.create_task(self._listen(reader))
        try:
            await self._send_changes(writer)
            await self._mark(writer)
            log.info("gallery-fed", change=self.sent, seconds=round(time.monotonic() - began, 3))
            while not echoes.done():
                if await self._send_changes(writer):
                    await self._mark(writer)
                await asyncio.wait([echoes], timeout=POLL_SECONDS)
            await echoes
        finally:
            echoes.cancel()
            writer.close()

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """Where to go on: after the last change that is in force, or from the start with an empty gallery."""
        writer.write(StatusAsk().pack())
        known = (await read(reader, Status)).sequence
        if known:
            _, upto = await asyncio.to_thread(self._changes, known, 1)
            if upto >= known:  # else the database is another one
                return known
        writer.write(GalleryReset().pack())
        return 0

    async def _send_changes(self, writer: asyncio.StreamWriter) -> bool:
        """Send all changes that there are, reading the next while some are on their way; whether there were any."""
        changed, reading = False, self._read(self.sent)
        try:
            while True:
                batches, upto = await reading
                if upto <= self.sent:
                    return changed
                changed, reading = True, self._read(upto)
                for batch in batches:
                    for piece in batch.pieces():
                        writer.write(piece)
                    await writer.drain()
                self.sent = upto
        finally:
            reading.cancel()

    def _read(self, after: int) -> asyncio.Future[tuple[Sequence[GalleryBatch], int]]:
        return asyncio.ensure_future(asyncio.to_thread(self._changes, after, BATCH))

    async def _mark(self, writer: asyncio.StreamWriter) -> None:
        writer.write(GalleryMark(self.sent, 1).pack())
        await writer.drain()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            self.in_force = (await read(reader, GalleryMark)).sequence
            self.complete = True
