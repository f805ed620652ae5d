"""The log's one writer in the front: entries from many searches, one commit for all that came meanwhile.

A commit begins as soon as somebody waits for an entry and the last commit is `INTERVAL` old, so an entry waits for at
most one commit and one interval; where nobody does, `SOON` longer. Disk work runs in a thread; the signature comes from
the vault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from limen.errors import LimenError, Unavailable
from limen.ledger.entry import Entry
from limen.ledger.log import Log

INTERVAL = 0.05  # seconds between commits
SOON = 0.02  # seconds that an entry waits for others where nobody waits for it: a search's answer and its end are one
BATCH = 4096  # entries in one commit
MAX_QUEUE = 65536  # entries that wait for a disk or vault that does not answer, a bound on memory
CLOSE_SECONDS = 4.0  # for the last commit, within the front's own time to stop

log = structlog.get_logger("ledger")


@dataclass(frozen=True)
class _Item:
    """An entry that waits; insist: whatever happens, it is tried again."""

    line: bytes
    insist: bool
    index: asyncio.Future[int]


class Signer(Protocol):
    """The vault, as far as the log needs it."""

    async def sign(self, message: bytes) -> bytes: ...
    async def identity(self) -> bytes: ...


class Writer:
    """Appends entries. One a log; all calls from one event loop."""

    def __init__(self, folder: Path, origin: str, vault: Signer) -> None:
        """See `Log`; the log is opened with its first entry."""
        self._folder, self._origin, self._vault = folder, origin, vault
        self._log: Log | None = None
        self._queue: list[_Item] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._opening, self._changing = asyncio.Lock(), asyncio.Lock()

    async def append(self, entry: Entry) -> int:
        """Append an entry; its index, once it is on disk under a signed checkpoint.

        Raises:
            Unavailable: it cannot be written now (`no-ledger`).
        """
        return await self._take(entry, insist=False)

    def note(self, entry: Entry) -> asyncio.Future[int]:
        """Append an entry soon, without waiting; tried again until the disk and the vault serve.

        Returns:
            Its index in time, for whoever cares; `Unavailable` if it was lost because the hub stops or is overrun.
        """
        try:
            future = self._take(entry, insist=True)
        except Unavailable as error:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        future.add_done_callback(_look_at)
        return future

    async def prove(self, indexes: Sequence[int]) -> tuple[bytes, list[list[bytes]]]:
        """The newest checkpoint as it was signed, and for each entry the proof that it is in it.

        Raises:
            Unavailable: there is no checkpoint yet that covers them all.
        """
        async with self._changing:
            if self._log is None or any(index >= self._log.checkpoint.size for index in indexes):
                raise _no_ledger()
            return await asyncio.to_thread(self._log.prove, indexes)

    async def last(self, count: int) -> list[bytes]:
        """The last entries of the log, at most so many, oldest first; raises if it cannot be read."""
        ledger = self._log = self._log or await self._open()
        return await asyncio.to_thread(ledger.last, count)

    async def close(self) -> None:
        """Write what waits, and let go of the log."""
        self._closing = True
        self._wake.set()
        if self._task:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            if not self._task.done():
                self._task.cancel()
        if self._log:
            self._log.close()
            self._log = None

    def _take(self, entry: Entry, *, insist: bool) -> asyncio.Future[int]:
        if self._closing or len(self._queue) >= MAX_QUEUE:
            log.error("entry-lost" if insist else "entry-refused", kind=entry.kind.value)
            raise _no_ledger()
        item = _Item(entry.pack(), insist, asyncio.get_running_loop().create_future())
        self._queue.append(item)
        if insist:
            asyncio.get_running_loop().call_later(SOON, self._wake.set)
        else:
            self._wake.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return item.index

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._queue and not self._closing:  # an earlier commit took the entry along
                continue
            if self._queue and not await self._commit() and self._closing:
                log.error("entries-lost", count=len(self._queue))
                return
            if self._queue:
                self._wake.set()
            elif self._closing:
                return
            await asyncio.sleep(0 if self._closing else INTERVAL)

    async def _commit(self) -> bool:
        batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        staged: int | None = None
        try:
            async with self._changing:
                ledger = self._log = self._log or await self._open()
                if ledger.pending:  # of a commit whose signature did not come
                    await self._sign(ledger)
                first = ledger.checkpoint.size
                await asyncio.to_thread(ledger.stage, [item.line for item in batch])
                staged = first
                await self._sign(ledger)
        except (LimenError, OSError) as error:
            log.error("commit-failed", error=getattr(error, "code", type(error).__name__), entries=len(batch))
            for item in batch:
                if not item.insist and not item.index.done():
                    item.index.set_exception(_no_ledger())
            if staged is None:  # what nobody waits for is tried again
                self._queue = [item for item in batch if item.insist] + self._queue
            else:  # it is in the log already, and signed by the next commit
                _settle(batch, staged)
            await asyncio.sleep(INTERVAL)
            return False
        _settle(batch, staged)
        return True

    async def _open(self) -> Log:
        async with self._opening:
            return self._log or await self._opened()

    async def _opened(self) -> Log:
        return await asyncio.to_thread(Log, self._folder, self._origin, await self._vault.identity())

    async def _sign(self, ledger: Log) -> None:
        assert ledger.pending is not None
        signature = await self._vault.sign(ledger.pending.text.encode())
        await asyncio.to_thread(ledger.finish, signature)


def _settle(batch: Sequence[_Item], first: int) -> None:
    for index, item in enumerate(batch, first):
        if not item.index.done():
            item.index.set_result(index)


def _look_at(future: asyncio.Future[int]) -> None:
    """Nobody need wait for it; asyncio complains about exceptions that no one looked at."""
    if not future.cancelled():
        future.exception()


def _no_ledger() -> Unavailable:
    return Unavailable(
        "The search cannot be put on record just now, so it is not made.",
        advice="Try again in a few seconds; if it stays, an operator must look at the ledger.",
        code="no-ledger",
    )
