"""The front's own listening socket."""

from __future__ import annotations

import asyncio
import socket

from limen.front.process import listen


def test_an_answer_is_sent_at_once() -> None:
    """Its body does not wait for its head to be acknowledged, which takes the other side 40 ms."""
    assert asyncio.run(_accepted_option())


async def _accepted_option() -> int:
    """TCP_NODELAY of a connection that asyncio takes from the front's socket."""
    option: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        option.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listening = listen("127.0.0.1", 0)
    async with await asyncio.start_server(serve, sock=listening):
        _, writer = await asyncio.open_connection(*listening.getsockname())
        found = await option
        writer.close()
        return found
