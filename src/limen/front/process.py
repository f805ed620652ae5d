"""The front process: uvicorn around the application, without an access log, on one host and port."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from limen.errors import BadInput, Unavailable
from limen.front import clients, failures
from limen.front.app import create
from limen.front.headers import ALWAYS
from limen.settings import Settings

BACKLOG = 256
NO_HTTP = BadInput("This is no HTTP request.", advice="See RFC 9112.", code="bad-request")
KEEP_ALIVE = 15  # seconds that an idle connection stays: a post sends its capture within that


def main(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM.

    Args:
        settings: of this hub.
        ready: called once, when requests are taken.

    Raises:
        Unavailable: the address is taken, or may not be used.
    """
    asyncio.run(_Server(config(settings), ready).serve([listen(settings.host, settings.port)]))


def config(settings: Settings, app: FastAPI | None = None) -> uvicorn.Config:
    """How uvicorn serves: bodies are streamed with back-pressure, and no line of a request reaches a log."""
    app = app or create(settings)
    encrypted: ssl.SSLContext | None = app.state.tls
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=5,
        lifespan="on",
        ssl_context_factory=(lambda _config, _default: encrypted) if encrypted else None,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; `Unavailable` says why there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends at once (TCP_NODELAY); without, an answer's body waits 40 ms for the other
    # side to acknowledge its head.
    server = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((host, port))
    except OSError as error:
        server.close()
        raise Unavailable(
            f"The front cannot listen on {host}:{port}: {error.strerror}.",
            advice="Stop what listens there, or set LIMEN_PORT to another port.",
        ) from None
    server.listen(BACKLOG)
    return server


class Protocol(HttpToolsProtocol):
    """HTTP whose own errors are answered as all others are: in JSON, with the headers that every answer has.

    And each request tells which client certificate its connection showed.
    """

    _shown: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection is there; its handshake is done."""
        super().connection_made(transport)
        self._shown = clients.shown(transport.get_extra_info("ssl_object"))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["state"][clients.STATE] = self._shown

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, and close the connection; msg, uvicorn's word, says less."""
        answer = failures.answer(NO_HTTP)
        told = [*answer.raw_headers, *((name.encode(), value.encode()) for name, value in ALWAYS.items())]
        lines = [b"HTTP/1.1 400 Bad Request", *(b": ".join(pair) for pair in told), b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(lines) + bytes(answer.body))
        self.transport.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Also say when requests are taken."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # modules, routes and mappings stay: looking through them for garbage took a third of a search
        if self.started:
            self._ready()
