"""Frames: a 12-byte header, then exactly the bytes that the message's layout says.

Header, little-endian: magic "LMN1", kind (uint16), reserved (uint16, 0), length of the body (uint32).
A body is the message's fixed layout, and for messages with a `tail` at most `TAIL` further bytes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import socket
import struct
import time
from typing import Any, ClassVar, Self, TypeVar

from limen.errors import BadMessage, LimenError, Unavailable

HEADER = struct.Struct("<4sHHI")
MAGIC = b"LMN1"
FAILED = 1  # kind of the one message that may come instead of any answer

_kinds: dict[int, type[Message]] = {}
M = TypeVar("M", bound="Message")


@dataclasses.dataclass(frozen=True)
class Message:
    """Base of all messages. Subclasses are frozen dataclasses whose fields stand in the order of `LAYOUT`.

    A subclass with `TAIL > 0` has one further field `tail: bytes`, last.
    """

    KIND: ClassVar[int] = 0
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<")
    TAIL: ClassVar[int] = 0  # bytes

    def __init_subclass__(cls, *, kind: int, layout: str = "", tail: int = 0) -> None:
        cls.KIND, cls.LAYOUT, cls.TAIL = kind, struct.Struct("<" + layout), tail
        if kind in _kinds:
            raise TypeError(f"message kind {kind} is taken by {_kinds[kind].__name__}")
        _kinds[kind] = cls

    def error(self) -> LimenError:
        """What to raise where this comes instead of an answer; only the message of kind FAILED has a better one."""
        return BadMessage(f"{type(self).__name__} says nothing of a failure.")

    def pack(self) -> bytes:
        """Header and body; `BadMessage` if a field does not fit its layout."""
        values = [getattr(self, name) for name in _names_of(self.KIND)]
        tail = values.pop() if self.TAIL else b""
        if len(tail) > self.TAIL:
            raise BadMessage(f"{type(self).__name__}: the tail has {len(tail)} bytes, more than {self.TAIL}.")
        try:
            fixed = self.LAYOUT.pack(*values)
        except struct.error as error:
            raise BadMessage(f"{type(self).__name__}: {error}.") from None
        return HEADER.pack(MAGIC, self.KIND, 0, len(fixed) + len(tail)) + fixed + tail

    @classmethod
    def beginning(cls, tail: int, *fixed: object) -> bytes:
        """What stands before a tail of so many bytes, which somebody else sends in pieces."""
        packed = cls.LAYOUT.pack(*fixed)
        return HEADER.pack(MAGIC, cls.KIND, 0, len(packed) + tail) + packed

    @classmethod
    def unpack(cls, body: bytes | memoryview) -> Self:
        """Message from its body; `BadMessage` if the size is not exactly right."""
        size = cls.LAYOUT.size
        if not size <= len(body) <= size + cls.TAIL:
            raise BadMessage(f"{cls.__name__}: {len(body)} bytes do not fit its layout.")
        return cls.from_pieces(body, bytes(body[size:]))

    @classmethod
    def from_pieces(cls, fixed: bytes | memoryview, tail: bytes | memoryview) -> Self:
        """Message from its fixed part, at least, and its tail, whose sizes `kind_of` has checked."""
        values: list[Any] = list(cls.LAYOUT.unpack_from(fixed))
        if cls.TAIL:
            values.append(tail)
        return cls(*values)


@functools.cache
def _names_of(kind: int) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(_kinds[kind]))


def kind_of(header: bytes) -> tuple[type[Message], int]:
    """Message type and body length from a header; `BadMessage` if either is not allowed."""
    magic, kind, reserved, length = HEADER.unpack(header)
    message = _kinds.get(kind)
    if magic != MAGIC or reserved or message is None:
        raise BadMessage("A message with an unknown header.")
    if not message.LAYOUT.size <= length <= message.LAYOUT.size + message.TAIL:
        raise BadMessage(f"{message.__name__}: a length of {length} does not fit its layout.")
    return message, length


def send(sock: socket.socket, message: Message) -> None:
    """Send one message; `Unavailable` if the other side is gone."""
    try:
        sock.sendall(message.pack())
    except (BrokenPipeError, ConnectionError, TimeoutError) as error:
        raise Unavailable("The other process closed the connection.") from error


def receive(sock: socket.socket, *expected: type[M], timeout: float | None = None) -> M:
    """Receive one message of an expected type.

    Args:
        sock: a connected stream socket in blocking mode.
        expected: the types that may come now; all others are a breach of protocol.
        timeout: seconds for the whole message; None waits for ever.

    Raises:
        Unavailable: the other side closed or did not answer in time, or said that it cannot serve.
        BadMessage: anything that breaks the layout, or a message that is not expected now.
    """
    end = None if timeout is None else time.monotonic() + timeout
    message, length = kind_of(_exactly(sock, HEADER.size, end))
    if message not in expected and message.KIND != FAILED:
        raise BadMessage(f"{message.__name__} is not expected now.")
    return _checked(message.unpack(_exactly(sock, length, end)), expected)


async def read(reader: asyncio.StreamReader, *expected: type[M]) -> M:
    """Like `receive`, from an asyncio stream (wrap in `asyncio.timeout` for a deadline)."""
    try:
        message, length = kind_of(await reader.readexactly(HEADER.size))
        if message not in expected and message.KIND != FAILED:
            raise BadMessage(f"{message.__name__} is not expected now.")
        fixed = await reader.readexactly(message.LAYOUT.size)
        tail = await reader.readexactly(length - len(fixed))
        return _checked(message.from_pieces(fixed, tail), expected)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Unavailable("The other process closed the connection.") from error


def _checked(message: Message, expected: tuple[type[M], ...]) -> M:
    if message.KIND == FAILED and type(message) not in expected:
        raise message.error()
    return message  # type: ignore[return-value]


def _exactly(sock: socket.socket, size: int, end: float | None) -> bytes:
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        if end is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise Unavailable("The other process did not answer in time.")
            sock.settimeout(left)
        try:
            count = sock.recv_into(view[got:])
        except TimeoutError:
            raise Unavailable("The other process did not answer in time.") from None
        except ConnectionError as error:
            raise Unavailable("The other process closed the connection.") from error
        if not count:
            raise Unavailable("The other process closed the connection.")
        got += count
    if end is not None:
        sock.settimeout(None)
    return bytes(data)
