"""Tasks: operations whose results go to a call-back, and the turn that each operation waits for.

All of it is in this process's memory: a result is kept until it is delivered, ten minutes at most, and a restart of the
front forgets it. What a task is about is known to whoever asked for it alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

from limen.errors import LimenError, NotFound, Refused, Unavailable
from limen.front.headers import UNEXPECTED
from limen.front.osia.answers import Result, error_content
from limen.front.osia.callbacks import Deliverer

RETRIES = (0.0, 1.0, 5.0, 25.0)  # seconds before each attempt
KEPT_SECONDS = 600.0  # for a result: as long as a hit may be looked at
STATUS_SECONDS = 3600.0  # for what became of it
MAX_TASKS = 256  # a bound on memory
MAX_TASKS_EACH = 64  # unfinished ones of one asker, so that nobody takes the others' room
AT_ONCE = 4  # operations that work at the same time; others wait for their turn
MAX_WAITING = 64
LOWEST, HIGHEST = 0, 9  # priorities


class Status(enum.StrEnum):
    """Where a task stands, in OSIA's words."""

    PENDING = "PENDING"
    RESPONSE_SCHEDULED = "RESPONSE_SCHEDULED"
    RESPONSE_ERROR = "RESPONSE_ERROR"
    RESPONSE_RETRY = "RESPONSE_RETRY"
    COMPLETED = "COMPLETED"


@dataclass
class Task:
    """One operation whose result goes to a call-back; asker: whose it is. content: None once it is delivered."""

    id: str
    asker: str
    transaction: str
    callback: str
    status: Status
    started: float
    content: Any = None
    failed: bool = False
    done: float | None = None


class Gate:
    """Lets a few in at a time, those of higher priority first, and among equals the first to come."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    @contextlib.asynccontextmanager
    async def turn(self, priority: int) -> AsyncIterator[None]:
        """Wait for one's turn, and hold it. `Unavailable` if too many wait already."""
        await self._enter(min(max(priority, LOWEST), HIGHEST))
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, priority: int) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("The hub is busy.", advice="Try again in a few seconds.", code="busy")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-priority, next(self._numbers), future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._leave()  # the turn had come just then
            raise

    def _leave(self) -> None:
        while self._waiting:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)
                return
        self._free += 1


class Tasks:
    """All tasks of this front."""

    def __init__(self, deliverer: Deliverer) -> None:
        self.gate = Gate()
        self._deliverer = deliverer
        self._tasks: dict[str, Task] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Forget everything, as the front stops."""
        for running in list(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._deliverer.close()

    async def begin(
        self, asker: str, transaction: str, callback: str, work: Coroutine[Any, Any, Result], taken: asyncio.Event
    ) -> Task:
        """Start an operation; returns when its request has been found in order, which `taken` says.

        Raises:
            Whatever the operation raises before that; then there is no task.
            Refused: the asker has too many tasks under way.
            Unavailable: there are too many of all.
        """
        self._sweep()
        try:
            self._make_room(asker)
        except LimenError:
            work.close()
            raise
        doing = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(taken.wait())
        try:
            await asyncio.wait((doing, waiting), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            doing.cancel()
            raise
        finally:
            waiting.cancel()
        if not taken.is_set() and (error := doing.exception()) is not None:
            raise error
        task = Task(secrets.token_hex(16), asker, transaction, callback, Status.PENDING, time.monotonic())
        self._tasks[task.id] = task
        self._start(self._finish(task, doing))
        return task

    def own(self, task_id: str, asker: str) -> Task:
        """The asker's own task; `NotFound` if it is gone, somebody else's or never was: the three look the same."""
        self._sweep()
        task = self._tasks.get(task_id)
        if task is None or task.asker != asker:
            raise NotFound("There is no such task, or its time is over.")
        return task

    def redeliver(self, task_id: str, asker: str) -> None:
        """Try anew to send a result that could not be delivered.

        Raises:
            NotFound: no such task, or its result is delivered or too old.
        """
        task = self.own(task_id, asker)
        if task.status in (Status.COMPLETED, Status.PENDING) or task.content is None:
            raise NotFound("There is no result of this task to be sent.")
        if task.status is Status.RESPONSE_ERROR:
            task.status = Status.RESPONSE_RETRY
            self._start(self._deliver(task))

    def _make_room(self, asker: str) -> None:
        """For one more task. Of finished ones only the status is still known: the oldest of these go first."""
        unfinished = [task for task in self._tasks.values() if task.status is not Status.COMPLETED]
        if len(unfinished) >= MAX_TASKS:
            raise Unavailable("Too many tasks are under way.", advice="Try again in a minute.", code="busy")
        if sum(task.asker == asker for task in unfinished) >= MAX_TASKS_EACH:
            raise Refused("You have too many tasks under way.", advice="Let your call-back take their results.")
        finished = (task for task in self._tasks.values() if task.status is Status.COMPLETED)
        for task in list(itertools.islice(finished, max(0, len(self._tasks) - MAX_TASKS + 1))):
            del self._tasks[task.id]

    async def _finish(self, task: Task, doing: asyncio.Future[Result]) -> None:
        try:
            task.content = (await doing).said
        except asyncio.CancelledError:
            doing.cancel()
            raise
        except LimenError as error:
            task.content, task.failed = error_content(error), True
        except Exception:
            task.content, task.failed = error_content(UNEXPECTED), True
        task.done, task.status = time.monotonic(), Status.RESPONSE_SCHEDULED
        await self._deliver(task)

    async def _deliver(self, task: Task) -> None:
        for pause in RETRIES:
            await asyncio.sleep(pause)
            if task.content is None:
                return
            sent = await self._deliverer.send(
                task.callback,
                transaction=task.transaction,
                task=task.id,
                content=task.content,
                failed=task.failed,
            )
            if sent:
                task.status, task.content = Status.COMPLETED, None
                return
            task.status = Status.RESPONSE_RETRY
        task.status = Status.RESPONSE_ERROR

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        running = asyncio.ensure_future(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    def _sweep(self) -> None:
        now = time.monotonic()
        for task in list(self._tasks.values()):
            if task.done is not None and now > task.done + KEPT_SECONDS:
                task.content = None
                if task.status is not Status.COMPLETED:
                    task.status = Status.RESPONSE_ERROR
            if task.content is None and now > task.started + STATUS_SECONDS:
                del self._tasks[task.id]
