"""The feed's socket when things go wrong: cut, doubled, broken, without a vault, at the end. With a real matcher."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.matcher.people import face, print_of
from tests.matcher.test_process import SECONDS, Front, _find, _person, _sealed, _start

from limen.errors import BadMessage
from limen.ridge.stored import stored
from limen.settings import Settings
from limen.terms import Answer
from limen.vault.client import AsyncVaultClient
from limen.wire import receive, send
from limen.wire.messages import (
    Chunk,
    Done,
    End,
    GalleryBatch,
    GalleryMark,
    GalleryPut,
    GalleryReset,
    GalleryWithdraw,
    StatusAsk,
)
from limen.wire.sockets import connect

Started = dict[str, subprocess.Popen[str]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    made = Settings(data=tmp_path_factory.mktemp("hub"))
    processes = [_start("vault", made), _start("matcher", made)]
    yield made
    for process in processes:
        process.terminate()
    assert [process.wait(10) for process in processes] == [0, 0]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Settings, Started]]:
    """A vault and a matcher of one's own, to be ended and started again."""
    made = Settings(data=tmp_path)
    processes = {name: _start(name, made) for name in ("vault", "matcher")}
    yield made, processes
    for process in processes.values():
        process.kill()
        process.wait(10)


def _people(settings: Settings, *people: int) -> list[GalleryPut]:
    return [_sealed(settings, person, finger) for person in people for finger in (None, 2)]


def _answer(front: Front, person: int) -> Answer:
    return Answer.from_wire(front.search(*_person(person)).answer)


def _becomes(front: Front, person: int, wanted: Answer) -> bool:
    """Whether the answer becomes that: when a connection's end is noticed is the kernel's and the matcher's affair."""
    deadline = time.monotonic() + SECONDS
    while (given := _answer(front, person)) is not wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return given is wanted


def _cut_off(line: socket.socket) -> bool:
    line.settimeout(SECONDS)
    try:
        return line.recv(1) == b""
    except ConnectionError:  # what it had sent was not read
        return True


def _send_for_ever(line: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the other side is gone
        while True:
            line.sendall(data)


def _feed_whole(front: Front, puts: list[GalleryPut], sequence: int) -> None:
    send(front.feed, GalleryReset())
    send(front.feed, GalleryBatch.of(puts))
    front.mark(sequence)


@pytest.mark.parametrize("left", [5, 14, 1000, -1])  # in the header, in the fixed part, in the heads; all but a byte
def test_a_feed_that_is_cut_in_a_batch_leaves_the_gallery_incomplete_and_the_next_makes_it_whole(
    settings: Settings, left: int
) -> None:
    puts = _people(settings, 1, 2, 3, 4, 5)
    with Front.connected(settings) as first, Front.connected(settings) as second:
        _feed_whole(first, puts[:4], 5)
        assert _answer(first, 77) is Answer.NO_HIT
        packed = GalleryBatch.of(puts[4:]).pack()
        first.feed.sendall(packed[:left])
        first.feed.close()
        assert _becomes(second, 77, Answer.CANNOT_TELL)
        status = second.status()
        assert (status.sequence, status.faces) == (5, 2)  # nothing of half a batch is there
        second.feed.sendall(packed)
        assert _answer(second, 77) is Answer.CANNOT_TELL
        second.mark(9)
        assert second.status().faces == 5
        assert (_answer(second, 5), _answer(second, 77)) == (Answer.HIT, Answer.NO_HIT)


def test_a_feed_that_ends_behind_a_batch_on_its_way_leaves_the_gallery_incomplete(settings: Settings) -> None:
    with Front.connected(settings) as first, Front.connected(settings) as second:
        send(first.feed, GalleryReset())
        send(first.feed, GalleryBatch.of(_people(settings, 1, 2) * 100))
        first.feed.close()
        assert _becomes(second, 77, Answer.CANNOT_TELL)
        _feed_whole(second, _people(settings, 1), 3)
        assert (second.status().faces, _answer(second, 77)) == (1, Answer.NO_HIT)


def test_of_two_feeds_the_one_that_began_last_counts_and_the_other_is_cut_off(settings: Settings) -> None:
    with Front.connected(settings) as first, Front.connected(settings) as second:
        _feed_whole(first, _people(settings, 1), 5)
        assert _answer(first, 77) is Answer.NO_HIT  # a connection that says nothing changes nothing
        assert second.status().sequence == 5
        assert _cut_off(first.feed)
        assert _answer(second, 77) is Answer.CANNOT_TELL  # until it said that all is there
        second.mark(6)
        assert _answer(second, 77) is Answer.NO_HIT
        with Front.connected(settings) as third:
            _feed_whole(third, _people(settings, 2), 7)
            assert _cut_off(second.feed)
        assert _becomes(first, 77, Answer.CANNOT_TELL)


def test_what_an_ended_feed_had_on_its_way_does_not_come_after_a_newer_feed(started: tuple[Settings, Started]) -> None:
    """The first waits for the vault with a record that is withdrawn meanwhile; the second needs no vault for that."""
    settings, processes = started
    puts = _people(settings, 1)
    with Front.connected(settings) as first, Front.connected(settings) as second:
        send(first.feed, GalleryReset())
        first.mark(5)
        processes["vault"].kill()
        processes["vault"].wait(10)
        send(first.feed, GalleryBatch.of(puts))
        time.sleep(0.3)  # it may come at any time: whenever it does, the record stays away
        first.feed.close()
        assert second.status().sequence == 5
        send(second.feed, GalleryBatch.of([GalleryWithdraw(puts[0].record, 0)]))
        second.mark(6)
        processes["vault"] = _start("vault", settings)
        time.sleep(0.6)  # three attempts
        assert second.status().records == 0
        assert _answer(second, 77) is Answer.NO_HIT  # nor does its end make the newer feed incomplete


def test_while_the_vault_is_gone_the_feed_waits_and_nothing_is_missed(started: tuple[Settings, Started]) -> None:
    settings, processes = started
    puts = _people(settings, 1, 2, 3)
    with Front.connected(settings) as front:
        send(front.feed, GalleryReset())
        send(front.feed, GalleryBatch.of(puts[:2]))
        front.mark(3)
        processes["vault"].kill()
        processes["vault"].wait(10)
        send(front.feed, GalleryBatch.of(puts[2:4]))
        send(front.feed, GalleryBatch.of(puts[4:] * 10))
        send(front.feed, GalleryMark(4, 1))
        front.feed.settimeout(0.5)
        with pytest.raises(TimeoutError):
            front.feed.recv(1)
        assert _answer(front, 1) is Answer.HIT  # searches go on
        processes["vault"] = _start("vault", settings)
        assert receive(front.feed, GalleryMark, timeout=SECONDS).sequence == 4
        status = front.status()
        assert (status.faces, status.fingers, status.rejected) == (3, 3, 0)
        assert (_answer(front, 3), _answer(front, 77)) == (Answer.HIT, Answer.NO_HIT)


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        Chunk(b"not expected here").pack(),
        End(5).pack(),
        Done().pack(),
        struct.pack("<4sHHI", b"LMN1", GalleryBatch.KIND, 0, 2**32 - 1),
        GalleryBatch(0, b"").pack(),
        GalleryBatch(1, b"").pack(),
        GalleryBatch(2**32 - 1, bytes(500)).pack(),
        GalleryBatch(1, GalleryBatch.of([GalleryWithdraw(1, 1)]).tail + b"x").pack(),
        GalleryBatch(2, GalleryBatch.of([GalleryWithdraw(1, 1)] * 3).tail).pack(),
    ],
)
def test_who_breaks_the_protocol_is_told_why_and_cut_off_and_the_rest_goes_on(settings: Settings, said: bytes) -> None:
    with Front.connected(settings) as front:
        with connect(settings.socket("matcher-feed")) as peer:
            peer.sendall(said)
            with pytest.raises(BadMessage):
                receive(peer, Done, timeout=SECONDS)
            assert _cut_off(peer)
        _feed_whole(front, _people(settings, 1), 8)
        with connect(settings.socket("matcher-feed")) as peer:
            peer.sendall(Chunk(b"hello").pack())  # this feeds nothing: who feeds goes on
            with pytest.raises(BadMessage):
                receive(peer, Done, timeout=SECONDS)
        front.mark(9)
        assert (_answer(front, 1), _answer(front, 77)) == (Answer.HIT, Answer.NO_HIT)


@pytest.mark.parametrize("how", ["idle", "half a batch", "many batches", "no vault"])
def test_a_matcher_that_is_ended_during_a_feed_ends_well(started: tuple[Settings, Started], how: str) -> None:
    settings, processes = started
    puts = _people(settings, 1, 2)
    with Front.connected(settings) as front:
        send(front.feed, GalleryReset())
        front.mark(1)
        if how == "no vault":
            processes["vault"].kill()
            processes["vault"].wait(10)
            send(front.feed, GalleryBatch.of(puts))
        elif how == "half a batch":
            front.feed.sendall(GalleryBatch.of(puts).pack()[:3000])
        elif how == "many batches":
            sending = threading.Thread(target=_send_for_ever, args=(front.feed, GalleryBatch.of(puts * 300).pack()))
            sending.start()
        processes["matcher"].send_signal(signal.SIGTERM)
        assert processes["matcher"].wait(10) == 0
        if how == "many batches":
            sending.join(10)
            assert not sending.is_alive()


def test_of_withdrawn_records_and_stopped_countries_nothing_stays_in_memory(
    started: tuple[Settings, Started],
) -> None:
    """What is looked for: a minutia as the gallery keeps it, and the numbers of a face's template."""
    settings, processes = started
    pid = processes["matcher"].pid
    fingers = {person: stored(print_of(person, 2).pack())[24 + 8 * 7 :][:8] for person in (1, 2, 3)}
    faces = {person: face(person).pack()[20:][:48] for person in (1, 2, 3)}
    with Front.connected(settings) as front:
        _feed_whole(front, _people(settings, 1, 2, 3), 1)
        assert all(_find(pid, fingers[person]) == 1 for person in fingers)
        assert not any(_find(pid, needle) for needle in faces.values())  # kept as other numbers
        send(front.feed, GalleryBatch.of([GalleryWithdraw(10_001, 0)]))
        front.mark(2)
        assert [_find(pid, fingers[person]) for person in (1, 2, 3)] == [0, 1, 1]
        _feed_whole(front, _people(settings, 1, 2, 3) * 100, 3)  # a batch of many, put while the next would be opened
        assert all(_find(pid, fingers[person]) == 1 for person in fingers)

        async def stop() -> None:
            vault = AsyncVaultClient(settings)
            await vault.stop("FRA")
            await vault.close()

        asyncio.run(stop())
        deadline = time.monotonic() + SECONDS
        while front.status().records and time.monotonic() < deadline:
            time.sleep(0.1)
        assert front.status().records == 0
        assert not any(_find(pid, needle) for needle in (*fingers.values(), *faces.values()))


def test_a_peer_that_is_gone_before_its_answer_harms_nobody(settings: Settings) -> None:
    for _ in range(20):
        with connect(settings.socket("matcher-feed")) as peer:
            peer.sendall(StatusAsk().pack() * 50)
    with Front.connected(settings) as front:
        _feed_whole(front, _people(settings, 1), 1)
        assert _answer(front, 1) is Answer.HIT
