"""What is no HTTP at all is answered like any other error."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from limen.front.headers import ALWAYS
from limen.front.process import Protocol

HEAD = b"POST /osia/v1/verify HTTP/1.1\r\nHost: hub\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Transfer-Encoding: yY4y\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_in_json(sent: bytes) -> None:
    head, _, body = asyncio.run(_answer(sent)).partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert status == "HTTP/1.1 400 Bad Request"
    assert (headers["content-type"], headers["connection"]) == ("application/json", "close")
    assert int(headers["content-length"]) == len(body)
    assert ALWAYS.items() <= {name: headers.get(name.lower()) for name in ALWAYS}.items()
    assert json.loads(body)["error"]["code"] == "bad-request"


async def _answer(sent: bytes) -> bytes:
    """All that a connection to such a server gives back until it is closed."""

    async def nobody(scope: object, receive: object, send: object) -> None:
        raise AssertionError("this is no request")

    config = Config(nobody, lifespan="off", log_config=None)
    config.load()
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    await loop.connect_accepted_socket(lambda: Protocol(config, ServerState(), {}), theirs)
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer
