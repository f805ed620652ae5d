"""The pool with workers that hang, crash, lie or linger."""

from __future__ import annotations

import faulthandler
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from limen.opener.pool import Pool
from limen.opener.worker import WORKING, Kind
from limen.settings import Settings

SETTINGS = Settings(worker_seconds=1, offer_seconds=30, workers=2, max_workers=4)


class Story:
    """A pool whose workers do one made-up thing with what they are handed."""

    def __init__(self, act: Callable[[socket.socket, list[int]], None]) -> None:
        self.selector = selectors.DefaultSelector()
        self.act = act
        self.pool = Pool(SETTINGS, self.life, self.selector)

    def life(self, control: socket.socket, kind: Kind, *, zygote: int, cpu_seconds: int) -> NoReturn:
        faulthandler.disable()
        _, descriptors, _, _ = socket.recv_fds(control, 1, 8)
        if descriptors:
            self.act(control, descriptors)
        os._exit(0)

    def turn(self, seconds: float) -> None:
        """What the zygote's loop does, for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(min(left, self.pool.next_deadline() or left, 0.05)):
                self.pool.heard(key.data)
            self.pool.kill_late()

    def give_job(self, kind: Kind = Kind.PROBE) -> socket.socket:
        """Hand a job over; returns the requester's end."""
        worker = self.pool.take(kind)
        assert worker is not None
        ours, theirs = socket.socketpair()
        others = [socket.socketpair() for _ in range(kind.descriptors - 1)]
        assert self.pool.start(worker, [theirs, *(pair[0] for pair in others)])
        theirs.close()
        return ours


@pytest.fixture
def story() -> Iterator[Callable[[Callable[[socket.socket, list[int]], None]], Story]]:
    stories: list[Story] = []

    def begin(act: Callable[[socket.socket, list[int]], None]) -> Story:
        stories.append(Story(act))
        return stories[-1]

    yield begin
    for each in stories:
        each.pool.end()
        assert len(each.pool) == 0


def test_a_worker_that_hangs_over_its_capture_is_killed(story: Callable[..., Story]) -> None:
    def hang(control: socket.socket, _: list[int]) -> None:
        control.send(WORKING)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)

    told = story(hang)
    requester = told.give_job()
    started = time.monotonic()
    while len(told.pool):
        told.turn(0.05)
        assert time.monotonic() - started < 30, "the worker would sleep for 60"
    assert time.monotonic() - started > 0.9
    requester.settimeout(1)
    assert requester.recv(1) == b"", "the requester sees its connection close"


def test_a_worker_cannot_buy_time_by_saying_that_it_works(story: Callable[..., Story]) -> None:
    def lie(control: socket.socket, _: list[int]) -> None:
        while True:
            control.send(WORKING)
            time.sleep(0.05)

    told = story(lie)
    told.give_job()
    told.turn(2)
    assert len(told.pool) == 0


def test_an_enrolment_worker_gets_its_time_for_every_sample(story: Callable[..., Story]) -> None:
    def work(control: socket.socket, _: list[int]) -> None:
        for _ in range(4):
            control.send(WORKING)
            time.sleep(0.4)

    told = story(work)
    requester = told.give_job(Kind.ENROL)
    told.turn(1.3)
    assert len(told.pool) == 1
    told.turn(1)
    requester.settimeout(1)
    assert requester.recv(1) == b""
    assert len(told.pool) == 0


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_worker_that_crashes_is_buried(story: Callable[..., Story], number: int) -> None:
    told = story(lambda *_: os.kill(os.getpid(), number))
    requester = told.give_job()
    told.turn(0.3)
    assert len(told.pool) == 0
    requester.settimeout(1)
    assert requester.recv(1) == b""


def test_refills_wait_for_work_to_end_and_stop_at_the_limit(story: Callable[..., Story]) -> None:
    def work(control: socket.socket, _: list[int]) -> None:
        control.send(WORKING)
        time.sleep(0.4)

    told = story(work)
    while told.pool.fill():
        pass
    assert len(told.pool) == SETTINGS.workers + 1, "two for probes, one for enrolment"
    told.give_job()
    told.turn(0.1)
    assert not told.pool.fill(), "not while somebody works"
    told.turn(0.6)
    assert told.pool.fill()
    assert len(told.pool) == SETTINGS.workers + 1
    for _ in range(3):
        told.give_job()
    assert len(told.pool) == SETTINGS.max_workers
    assert told.pool.take(Kind.PROBE) is None


def test_no_worker_inherits_another_ones_connections(story: Callable[..., Story]) -> None:
    """A worker forked while others are busy holds no descriptor of theirs: their requesters see them end."""
    told = story(lambda *_: time.sleep(0.2))
    requesters = [told.give_job() for _ in range(3)]
    told.turn(0.6)
    for requester in requesters:
        requester.settimeout(1)
        assert requester.recv(1) == b""
    assert Path("/proc/self/fd").is_dir()
