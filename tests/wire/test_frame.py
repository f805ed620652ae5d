"""Frames carry exactly what their layouts say, and refuse everything else."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen import errors
from limen.wire import Message, receive, send
from limen.wire.frame import HEADER, kind_of, read
from limen.wire.messages import Chunk, Done, End, Enrolled, Failed, ProbeJob, Seal, Signature
from limen.wire.parts import (
    FaceBox,
    Match,
    SampleReport,
    pack_faces,
    pack_matches,
    pack_samples,
    unpack_faces,
    unpack_matches,
    unpack_samples,
)

_BITS = {"B": 8, "H": 16, "I": 32, "Q": 64}


def layouts() -> list[type[Message]]:
    return sorted(Message.__subclasses__(), key=lambda m: m.KIND)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message with any values that its layout can carry."""
    kind = draw(st.sampled_from(layouts()))
    values: list[object] = []
    layout, count = kind.LAYOUT.format.lstrip("<"), ""
    for letter in layout:
        if letter.isdigit():
            count += letter
            continue
        if letter == "s":
            size = int(count)
            values.append(draw(st.binary(min_size=size, max_size=size)))
        else:
            values += [draw(st.integers(0, 2 ** _BITS[letter] - 1)) for _ in range(int(count or 1))]
        count = ""
    if kind.TAIL:
        values.append(draw(st.binary(max_size=min(kind.TAIL, 300))))
    return kind(*values)


@given(messages())
def test_messages_come_back_as_they_went(message: Message) -> None:
    data = message.pack()
    kind, length = kind_of(data[: HEADER.size])
    assert kind is type(message)
    assert length == len(data) - HEADER.size
    assert kind.unpack(data[HEADER.size :]) == message


@given(messages(), st.integers(1, 50))
def test_other_sizes_are_refused(message: Message, more: int) -> None:
    body = message.pack()[HEADER.size :]
    if type(message).LAYOUT.size:
        with pytest.raises(errors.BadMessage):
            type(message).unpack(body[: type(message).LAYOUT.size - 1])
    if not message.TAIL:
        with pytest.raises(errors.BadMessage):
            type(message).unpack(body + bytes(more))


@given(st.binary(min_size=HEADER.size, max_size=HEADER.size))
def test_strange_headers_are_refused_or_known(header: bytes) -> None:
    try:
        kind, length = kind_of(header)
    except errors.BadMessage:
        return
    assert kind.LAYOUT.size <= length <= kind.LAYOUT.size + kind.TAIL


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<4sHHI", b"HTTP", 2, 0, 0),
        struct.pack("<4sHHI", b"LMN1", 9999, 0, 0),
        struct.pack("<4sHHI", b"LMN1", 2, 1, 0),
        struct.pack("<4sHHI", b"LMN1", 2, 0, 1),
        struct.pack("<4sHHI", b"LMN1", 10, 0, Chunk.TAIL + 1),
    ],
)
def test_wrong_headers_are_refused(header: bytes) -> None:
    with pytest.raises(errors.BadMessage):
        kind_of(header)


def test_too_long_tails_and_numbers_are_not_sent() -> None:
    with pytest.raises(errors.BadMessage):
        Chunk(bytes(Chunk.TAIL + 1)).pack()
    with pytest.raises(errors.BadMessage):
        End(-1).pack()


def test_only_expected_messages_are_received() -> None:
    ours, theirs = socket.socketpair()
    send(theirs, End(5))
    assert receive(ours, Chunk, End) == End(5)
    send(theirs, Done())
    with pytest.raises(errors.BadMessage, match="Done is not expected"):
        receive(ours, Chunk, End)


def test_failures_arrive_as_the_errors_that_they_are() -> None:
    ours, theirs = socket.socketpair()
    for error in (errors.BadImage("x"), errors.KeyUnavailable("y", advice="z"), errors.Damaged("w")):
        send(theirs, Failed.of(error))
        with pytest.raises(type(error), match=str(error)):
            receive(ours, Signature)


def test_silence_and_hang_ups_are_unavailable() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(Done().pack()[:5])
    with pytest.raises(errors.Unavailable, match="in time"):
        receive(ours, Done, timeout=0.05)
    theirs.close()
    with pytest.raises(errors.Unavailable, match="closed"):
        receive(ours, Done, timeout=1)
    with pytest.raises(errors.Unavailable):
        send(ours, Done())


def test_large_messages_pass_in_pieces_both_ways() -> None:
    ours, theirs = socket.socketpair()
    message = Seal(4, b"FRA", bytes(16), bytes(16), 1, 0, bytes(16), 0, b"x" * (5 << 20))
    sender = threading.Thread(target=send, args=(theirs, message))
    sender.start()
    assert receive(ours, Seal, timeout=5) == message
    sender.join()

    async def through_streams() -> Message:
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        thread = threading.Thread(target=send, args=(theirs, message))
        thread.start()
        got = await read(reader, Seal)
        thread.join()
        writer.close()
        return got

    assert asyncio.run(through_streams()) == message


@given(st.lists(st.builds(SampleReport, *[st.integers(0, 255)] * 4, st.integers(0, 2**64 - 1)), max_size=32))
def test_sample_reports_come_back(samples: list[SampleReport]) -> None:
    assert unpack_samples(pack_samples(samples), len(samples)) == samples
    with pytest.raises(errors.BadMessage):
        unpack_samples(pack_samples(samples), len(samples) + 1)


@given(
    st.lists(
        st.builds(
            Match,
            st.integers(0, 2**64 - 1),
            st.integers(0, 2**64 - 1),
            st.integers(0, 255),
            st.integers(0, 255),
            st.integers(0, 2**16 - 1),
        ),
        max_size=5,
    )
)
def test_matches_come_back(matches: list[Match]) -> None:
    assert unpack_matches(pack_matches(matches), len(matches)) == matches
    with pytest.raises(errors.BadMessage):
        unpack_matches(pack_matches(matches) + b"x", len(matches))


def test_an_enrolled_sample_splits_into_its_blobs() -> None:
    job = ProbeJob(bytes(16), 0)
    assert dataclasses.replace(job, expires=5).expires == 5
    enrolled = Enrolled(bytes(16), 1, 0, 1, b"", 50, 0, 0, 0, 9, 9, 0, 1, 2, 3, 1, b"TTPPPO")
    assert enrolled.blobs() == (b"TT", b"PPP", b"O")
    with pytest.raises(errors.BadMessage):
        dataclasses.replace(enrolled, tail=b"TTPPPOO").blobs()


def test_faces_come_back_cut_off_at_the_photos_edge() -> None:
    faces = [FaceBox(0.25, 0.5, 0.125, 0.25), FaceBox(-0.5, 0.75, 1.0, 1.0)]
    found = unpack_faces(pack_faces(faces), 2)
    assert [tuple(vars(face).values()) for face in found] == [
        pytest.approx((0.25, 0.5, 0.125, 0.25), abs=1e-4),
        pytest.approx((0.0, 0.75, 0.5, 0.25), abs=1e-4),
    ]
    for tail, count in ((b"\0" * 8, 2), (b"\xff" * 8, 1)):
        with pytest.raises(errors.BadMessage):
            unpack_faces(tail, count)
