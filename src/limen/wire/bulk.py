"""The feed's way through a socket: megabytes at a time, without a copy besides the kernel's on either end."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from limen.errors import BadMessage, Unavailable
from limen.wire.frame import HEADER, Message, kind_of

_GONE = "The other process closed the connection."
_MOST_PIECES = os.sysconf("SC_IOV_MAX")  # that the kernel takes at a time

Piece = bytes | memoryview


def send_pieces(sock: socket.socket, pieces: Sequence[Piece]) -> None:
    """Send pieces of bytes one after another, as if they were one; `Unavailable` if the other side is gone."""
    try:
        for first in range(0, len(pieces), _MOST_PIECES):
            some = pieces[first : first + _MOST_PIECES]
            sent = sock.sendmsg(some)
            ends = list(accumulate(map(len, some)))
            if sent < ends[-1]:  # a signal came in between, or the kernel had no more memory
                sock.sendall(b"".join(some)[sent:])
    except (ConnectionError, TimeoutError) as error:
        raise Unavailable(_GONE) from error


class Inlet:
    """Messages from a connected socket in blocking mode, each in the memory of the one before it.

    The tail of a message is a memoryview, and good until the next one is received.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._room = memoryview(np.empty(1 << 16, np.uint8).data)

    def receive(self, *expected: type[Message]) -> Message:
        """The next message.

        Raises:
            Unavailable: the other side closed the connection.
            BadMessage: anything that breaks the layout, or a message that is not expected.
        """
        kind, length = kind_of(bytes(self._exactly(HEADER.size)))
        if kind not in expected:
            raise BadMessage(f"{kind.__name__} is not expected now.")
        body, size = self._exactly(length), kind.LAYOUT.size
        return kind.from_pieces(body[:size], body[size:])

    def _exactly(self, size: int) -> memoryview:
        if size > len(self._room):
            self._room = memoryview(np.empty(size + size // 4, np.uint8).data)
        wanted, got = self._room[:size], 0
        while got < size:
            try:
                count = self._sock.recv_into(wanted[got:])
            except OSError as error:
                raise Unavailable(_GONE) from error
            if not count:
                raise Unavailable(_GONE)
            got += count
        return wanted
