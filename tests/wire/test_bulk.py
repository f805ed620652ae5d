"""The feed's way through a socket: whole messages in any pieces, each in the memory of the one before it."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.errors import BadMessage, Unavailable
from limen.wire.bulk import Inlet, send_pieces
from limen.wire.messages import End, GalleryBatch, GalleryMark, GalleryReset, StatusAsk

Pair = tuple[socket.socket, socket.socket]
MOST = os.sysconf("SC_IOV_MAX")


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def _read_all(sock: socket.socket) -> bytes:
    with sock.makefile("rb") as stream:
        return stream.read()


def _sent(pieces: list[bytes | memoryview], *, room: int = 0, timeout: float | None = None) -> bytes:
    """What arrives of pieces that are sent while the other side reads."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if room:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        ours.settimeout(timeout)  # a socket with a time limit takes in one call no more than there is room for
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.append(_read_all(theirs)))
        reader.start()
        send_pieces(ours, pieces)
        ours.shutdown(socket.SHUT_WR)
        reader.join()
        return got[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=60), st.booleans())
def test_pieces_arrive_one_after_another(pieces: list[bytes], views: bool) -> None:
    given_ = [memoryview(piece) if views else piece for piece in pieces]
    assert _sent(given_) == b"".join(pieces)


@pytest.mark.parametrize("count", [MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 3])
def test_more_pieces_than_the_kernel_takes_at_a_time_arrive(count: int) -> None:
    pieces = [struct.pack("<I", number) if number % 7 else b"" for number in range(count)]
    assert _sent(pieces) == b"".join(pieces)
    assert _sent([b""] * count) == b""


def test_what_the_kernel_takes_in_parts_arrives_whole() -> None:
    pieces = [os.urandom(size) for size in (1, 0, 300_000, 7, 500_000, 0, 3)]
    assert _sent(pieces, room=4096, timeout=30) == b"".join(pieces)


def test_a_partial_send_is_what_the_test_before_saw(pair: Pair) -> None:
    """That a socket with a time limit takes a part, so that the rest is sent by other means."""
    pair[0].settimeout(5)
    assert pair[0].sendmsg([bytes(5 << 20)]) < 5 << 20


def test_a_peer_that_closed_is_unavailable(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(Unavailable):
        send_pieces(ours, [b"nobody", b"reads this"])


def test_a_peer_that_closes_in_the_middle_is_unavailable(pair: Pair) -> None:
    ours, theirs = pair

    def take_some() -> None:
        theirs.recv(1000)
        theirs.close()

    reader = threading.Thread(target=take_some)
    reader.start()
    with pytest.raises(Unavailable):
        send_pieces(ours, [bytes(8 << 20)] * 3)
    reader.join()


def test_a_peer_that_does_not_read_is_unavailable_after_the_time_that_the_socket_has(pair: Pair) -> None:
    pair[0].settimeout(0.05)
    with pytest.raises(Unavailable):
        send_pieces(pair[0], [bytes(8 << 20)])


def test_messages_come_back_as_they_went_and_the_tail_stands_where_the_one_before_stood(pair: Pair) -> None:
    ours, theirs = pair
    inlet = Inlet(theirs)
    kinds = (GalleryBatch, GalleryReset, GalleryMark)
    for size in (0, 5, 100, 70_000, 3 << 20, 9):  # beyond the first room, which grows
        tail = os.urandom(size)
        sender = threading.Thread(target=ours.sendall, args=(GalleryBatch(size, tail).pack(),))
        sender.start()
        got = inlet.receive(*kinds)
        sender.join()
        assert isinstance(got, GalleryBatch) and got.count == size and bytes(got.tail) == tail
    ours.sendall(GalleryBatch(1, b"first").pack() + GalleryBatch(1, b"other").pack() + GalleryMark(7, 1).pack())
    first = inlet.receive(*kinds)
    assert isinstance(first, GalleryBatch) and bytes(first.tail) == b"first"
    second = inlet.receive(*kinds)
    assert isinstance(second, GalleryBatch) and bytes(second.tail) == b"other" == bytes(first.tail)
    assert inlet.receive(*kinds) == GalleryMark(7, 1)  # a message without a tail keeps nothing of that memory
    ours.sendall(GalleryReset().pack())
    assert inlet.receive(*kinds) == GalleryReset()


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.data())
def test_a_message_that_is_cut_is_unavailable(tail: bytes, data: st.DataObject) -> None:
    packed = GalleryBatch(1, tail).pack()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(packed[: data.draw(st.integers(0, len(packed) - 1))])
        ours.close()
        with pytest.raises(Unavailable):
            Inlet(theirs).receive(GalleryBatch)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=12), st.binary(max_size=300))
def test_messages_may_come_in_any_pieces(sizes: list[int], tail: bytes) -> None:
    stream = GalleryMark(3, 0).pack() + GalleryBatch(2, tail).pack() + StatusAsk().pack()
    ours, theirs = socket.socketpair()

    def dribble() -> None:
        at = 0
        for size in [*sizes, len(stream)]:
            ours.sendall(stream[at : at + size])
            at += size

    with ours, theirs:
        sender = threading.Thread(target=dribble)
        sender.start()
        inlet = Inlet(theirs)
        kinds = (GalleryMark, GalleryBatch, StatusAsk)
        assert inlet.receive(*kinds) == GalleryMark(3, 0)
        batch = inlet.receive(*kinds)
        assert isinstance(batch, GalleryBatch) and bytes(batch.tail) == tail
        assert inlet.receive(*kinds) == StatusAsk()
        sender.join()


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<4sHHI", b"HTTP", 58, 0, 4),
        struct.pack("<4sHHI", b"LMN1", 9999, 0, 4),
        struct.pack("<4sHHI", b"LMN1", 58, 1, 4),
        struct.pack("<4sHHI", b"LMN1", 58, 0, 3),  # shorter than the layout
        struct.pack("<4sHHI", b"LMN1", 58, 0, 4 + GalleryBatch.TAIL + 1),
        struct.pack("<4sHHI", b"LMN1", 58, 0, 2**32 - 1),
        struct.pack("<4sHHI", b"LMN1", 53, 0, 10),  # a mark with a tail
        End(5).pack()[:12],  # sound, and not expected here
    ],
)
def test_a_header_that_is_none_is_refused_before_anything_else_is_read(pair: Pair, header: bytes) -> None:
    ours, theirs = pair
    ours.sendall(header)  # and nothing behind it: whoever waited for that would wait for ever
    theirs.settimeout(30)
    with pytest.raises(BadMessage):
        Inlet(theirs).receive(GalleryBatch, GalleryMark)
