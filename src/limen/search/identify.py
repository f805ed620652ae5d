"""Identify: tell the matcher which search to expect and for whom, and wait for its decision.

One connection carries all searches; decisions come in any order. The decision never passes through a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from limen.errors import LimenError, Unavailable
from limen.terms import Purpose
from limen.wire.frame import Message, read
from limen.wire.messages import (
    Decision,
    EvidenceAsk,
    EvidenceCounts,
    Expect,
    Forget,
    Noticed,
    Status,
    StatusAsk,
)
from limen.wire.sockets import open_stream

RETRY_SECONDS = 0.2  # between attempts to reach the matcher
MARGIN_SECONDS = 2.0  # over the matcher's own deadline, for its answer to arrive
STATUS_SECONDS = 2.0

T = TypeVar("T", Status, EvidenceCounts)

log = structlog.get_logger()


class Matcher:
    """The front's line to the matcher. `run` keeps it up; when it breaks, every waiting search fails at once."""

    def __init__(self, socket: str, noticed: Callable[[bytes, int], None] | None = None) -> None:
        """Nothing is connected yet. `noticed` is called when the matcher noticed an asker (`wire.messages.Noticed`)."""
        self._socket = socket
        self._noticed = noticed
        self._writer: asyncio.StreamWriter | None = None
        self._decisions: dict[bytes, asyncio.Future[Decision]] = {}
        self._statuses: list[asyncio.Future[Status]] = []
        self._evidence: list[asyncio.Future[EvidenceCounts]] = []

    @property
    def up(self) -> bool:
        """Whether the line stands."""
        return self._writer is not None

    async def run(self) -> None:
        """Connect, and connect again whenever the matcher restarts; ends only by cancellation."""
        while True:
            try:
                reader, self._writer = await open_stream(self._socket)
                await self._listen(reader)
            except (LimenError, OSError) as error:
                if self.up:
                    log.warning("matcher-lost", error=getattr(error, "code", type(error).__name__))
            finally:
                self._hang_up()
            await asyncio.sleep(RETRY_SECONDS)

    def expect(
        self, search: bytes, country: str, purpose: Purpose, seconds: float, asker: bytes = bytes(16)
    ) -> asyncio.Future[Decision]:
        """Announce a search; the future brings its decision, or `Unavailable` if the matcher is lost.

        Args:
            search: id, 16 bytes.
            country: the searching country, alpha-3; decides which records may match.
            purpose: what the search is for.
            seconds: how long the matcher should wait for the probe.
            asker: a made-up name, 16 bytes, of whoever asks; zeros: nobody is to be noticed.

        Raises:
            Unavailable: there is no matcher now.
        """
        code = list(Purpose).index(purpose) + 1
        self._write(Expect(search, country.encode("ascii"), code, int(seconds * 1000), 0, asker))
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_look_at)
        self._decisions[search] = future
        return future

    def forget(self, search: bytes) -> None:
        """No probe will come, or nobody waits for the decision any more."""
        future = self._decisions.pop(search, None)
        if future is not None and not future.done():
            future.cancel()
            with contextlib.suppress(Unavailable):
                self._write(Forget(search))

    async def status(self) -> Status:
        """The gallery's size and state; `Unavailable` if the matcher is lost or silent."""
        return await self._ask(StatusAsk(), self._statuses)

    async def evidence(self) -> EvidenceCounts:
        """How strong the strongest candidates were, in counts (`matcher.watch`); raises as `status`."""
        return await self._ask(EvidenceAsk(), self._evidence)

    async def _ask(self, question: Message, waiting: list[asyncio.Future[T]]) -> T:
        """Ask what is answered in the order of asking."""
        self._write(question)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting.append(future)
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                return await future
        except TimeoutError:
            raise _no_matcher() from None

    def _write(self, message: Message) -> None:
        if self._writer is None:
            raise _no_matcher()
        self._writer.write(message.pack())

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            message: Message = await read(reader, Decision, Noticed, Status, EvidenceCounts)
            if isinstance(message, Decision):
                decision = self._decisions.pop(message.search, None)
                if decision is not None and not decision.done():
                    decision.set_result(message)
            elif isinstance(message, Noticed):
                if self._noticed is not None:
                    self._noticed(message.asker, message.count)
            elif isinstance(message, Status):
                _answer(self._statuses, message)
            elif isinstance(message, EvidenceCounts):
                _answer(self._evidence, message)

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        waiting: list[asyncio.Future[Any]] = [*self._decisions.values(), *self._statuses, *self._evidence]
        self._decisions.clear()
        self._statuses.clear()
        self._evidence.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(_no_matcher())


async def decided(future: asyncio.Future[Decision], seconds: float) -> Decision:
    """Wait for the decision; `Unavailable` if it does not come."""
    try:
        async with asyncio.timeout(seconds + MARGIN_SECONDS):
            return await future
    except TimeoutError:
        raise _no_matcher() from None


def _answer(waiting: list[asyncio.Future[T]], message: T) -> None:
    """Give the answer to who asked first."""
    if waiting and not (first := waiting.pop(0)).done():
        first.set_result(message)


def _look_at(future: asyncio.Future[Decision]) -> None:
    """Retrieve the exception, so that a search that ended earlier does not leave a warning behind."""
    if not future.cancelled():
        future.exception()


def _no_matcher() -> Unavailable:
    return Unavailable("No search can be made just now.", advice="Try again in a few seconds.", code="no-matcher")
