"""The feeder's end and its retries: whenever it is cancelled it is gone soon, and says `complete` only of what is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from limen.errors import Unavailable
from limen.front.feed import Feeder
from limen.wire import receive, send
from limen.wire.frame import Message
from limen.wire.messages import GalleryAgain, GalleryBatch, GalleryMark, GalleryReset, Status, StatusAsk
from limen.wire.rows import BATCH_ROW, Loose
from limen.wire.sockets import listen

SOON = 3.0  # seconds: one is promised, and a busy machine may take its time; waiting to connect alone takes 5
KINDS = (GalleryBatch, GalleryMark, GalleryReset, GalleryAgain, StatusAsk)
STATUS = Status(0, 0, 0, 0, 0, 0, 0, 0, bytes(32), 0)


def _batch(size: int = 1) -> Loose:
    heads = np.zeros(1, BATCH_ROW)
    heads["length"] = size
    return Loose(heads, [bytes(size)])


def _few(after: int, limit: int) -> tuple[list[Loose], int]:
    """Three changes and no more."""
    return ([_batch()], after + 1) if after < 3 else ([], 3)


def _endless(after: int, limit: int) -> tuple[list[Loose], int]:
    """A gallery without end: nothing may ever be said to be complete."""
    return [_batch(1 << 20)], after + 1


def _feeder(path: str, changes: Callable[[int, int], tuple[list[Loose], int]]) -> Feeder:
    return Feeder(path, changes, lambda owners, after, upper, limit: ([], upper))


def _run_until(feeder: Feeder, ready: Callable[[], bool]) -> float:
    """Run it until something is so, cancel it; how many seconds it took to end."""

    async def story() -> float:
        before = set(threading.enumerate())
        task = asyncio.create_task(feeder.run())
        async with asyncio.timeout(20):
            while not ready():
                await asyncio.sleep(0.005)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        took = time.monotonic() - began
        names = [one.name for one in set(threading.enumerate()) - before if one.name.startswith("feed")]
        assert not names
        return took

    return asyncio.run(story())


class Peer:
    """A matcher that takes connections at a socket, each handled in a thread."""

    def __init__(self, path: Path, talk: Callable[[socket.socket, list[Message]], None]) -> None:
        self.path, self.said = str(path / "matcher-feed.sock"), list[list[Message]]()
        self._listener = listen(self.path)
        self._talk = talk
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            line, _ = self._listener.accept()
            self.said.append([])
            threading.Thread(target=self._serve, args=(line, self.said[-1]), daemon=True).start()

    def _serve(self, line: socket.socket, said: list[Message]) -> None:
        with line:
            with contextlib.suppress(Unavailable, OSError):
                self._talk(line, said)

    def marks(self) -> list[GalleryMark]:
        return [one for said in self.said for one in said if isinstance(one, GalleryMark)]


def _take(line: socket.socket, said: list[Message], most: int = 1 << 60) -> None:
    """Do as the matcher does; hang up after so many messages."""
    while len(said) < most:
        said.append(message := receive(line, *KINDS))
        if isinstance(message, StatusAsk):
            send(line, STATUS)
        elif isinstance(message, GalleryMark):
            send(line, message)


def test_cancelled_before_anybody_serves_it_ends_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    feeder = _feeder(str(tmp_path / "matcher-feed.sock"), _few)
    assert _run_until(feeder, lambda: time.monotonic() > began + 0.3) < SOON


def test_cancelled_while_it_waits_to_be_taken_it_ends_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "matcher-feed.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as other:
        listener.bind(path)
        listener.listen(0)
        other.connect(path)  # the backlog is full
        began = time.monotonic()
        assert _run_until(_feeder(path, _few), lambda: time.monotonic() > began + 0.3) < SOON


def test_cancelled_while_the_matcher_says_nothing_it_ends_at_once(tmp_path: Path) -> None:
    asked = threading.Event()

    def silent(line: socket.socket, said: list[Message]) -> None:
        receive(line, StatusAsk)
        asked.set()
        line.recv(1)

    assert _run_until(_feeder(Peer(tmp_path, silent).path, _few), asked.is_set) < SOON


def test_cancelled_while_it_sends_to_a_matcher_that_does_not_read_it_ends_at_once(tmp_path: Path) -> None:
    told, over = threading.Event(), threading.Event()

    def deaf(line: socket.socket, said: list[Message]) -> None:
        receive(line, StatusAsk)
        send(line, STATUS)
        receive(line, GalleryReset)
        told.set()
        over.wait(30)

    began = time.monotonic()
    assert _run_until(_feeder(Peer(tmp_path, deaf).path, _endless), lambda: time.monotonic() > began + 0.5) < SOON
    assert told.is_set()
    over.set()


@pytest.mark.parametrize("batches", [0, 1, 3, 7])
def test_cancelled_while_it_sends_it_never_says_complete(tmp_path: Path, batches: int) -> None:
    peer = Peer(tmp_path, _take)
    feeder = _feeder(peer.path, _endless)
    assert _run_until(feeder, lambda: bool(peer.said) and len(peer.said[0]) >= 2 + batches) < SOON
    assert peer.marks() == [] and not feeder.complete


def test_cancelled_while_it_polls_it_ends_at_once(tmp_path: Path) -> None:
    peer = Peer(tmp_path, _take)
    feeder = _feeder(peer.path, _few)
    assert _run_until(feeder, lambda: feeder.complete) < SOON
    assert peer.marks() == [GalleryMark(3, 1)] and feeder.in_force == 3


def test_a_matcher_that_dies_in_the_middle_is_fed_from_the_start(tmp_path: Path) -> None:
    def dies_twice(line: socket.socket, said: list[Message]) -> None:
        _take(line, said, 4 if len(peer.said) <= 2 else 1 << 60)

    peer = Peer(tmp_path, dies_twice)
    feeder = _feeder(peer.path, _few)
    assert _run_until(feeder, lambda: feeder.complete) < SOON
    kinds = [[type(one) for one in said] for said in peer.said]
    assert kinds[0] == kinds[1] == [StatusAsk, GalleryReset, GalleryBatch, GalleryBatch]
    assert kinds[2] == [StatusAsk, GalleryReset, *[GalleryBatch] * 3, GalleryMark]


def test_a_database_that_fails_is_asked_again_and_nothing_is_complete_before(tmp_path: Path) -> None:
    failures = 2

    def failing(after: int, limit: int) -> tuple[list[Loose], int]:
        nonlocal failures
        if after == 2 and failures:
            failures -= 1
            raise RuntimeError("the database went away")
        return _few(after, limit)

    peer = Peer(tmp_path, _take)
    feeder = _feeder(peer.path, failing)
    assert _run_until(feeder, lambda: feeder.complete) < SOON
    assert len(peer.said) == 3 and peer.marks() == [GalleryMark(3, 1)] == [peer.said[2][-1]]


def test_descriptors_of_any_number_are_polled(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 2048:
        pytest.skip("this process may not have so many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 2048), before[1]))
    many = []
    try:
        many = [os.dup(0) for _ in range(1100)]  # select() takes those below 1,024 alone
        peer = Peer(tmp_path, _take)
        feeder = _feeder(peer.path, _few)
        assert _run_until(feeder, lambda: feeder.complete) < SOON
    finally:
        for one in many:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
