"""Bytes of a capture or file as they come in, chunk by chunk, into one buffer that can be wiped."""

from __future__ import annotations

import socket
import time

from limen.errors import BadMessage
from limen.wire import Message, receive
from limen.wire.messages import MAX_CAPTURE, Chunk, End

UPLOAD_SECONDS = 60.0  # for a whole capture: 3 MB over a slow 400 kbit/s link (`search.relay` has the same)


def take_in(requester: socket.socket) -> bytearray:
    """Everything up to `End`.

    Raises:
        Unavailable: the requester hung up or stopped; nothing is to be processed.
        BadMessage: too much, nothing, or less than `End` says.
    """
    deadline = time.monotonic() + UPLOAD_SECONDS
    data = bytearray()
    while True:
        message: Message = receive(requester, Chunk, End, timeout=deadline - time.monotonic())
        if isinstance(message, End):
            if not data or len(data) != message.total:
                raise BadMessage("The bytes that came are not as many as were sent.")
            return data
        if isinstance(message, Chunk):
            if len(data) + len(message.tail) > MAX_CAPTURE:
                raise BadMessage(f"More than {MAX_CAPTURE} bytes came.")
            data += message.tail


def wipe(buffer: bytearray) -> None:
    """Overwrite a buffer with zeros."""
    buffer[:] = bytes(len(buffer))
