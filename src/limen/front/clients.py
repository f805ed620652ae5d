"""Which TLS client certificates the front takes: those that are registered (`access.certificates`), and no others.

Each is its own trust anchor, so that no authority, not even one that signed a registered certificate, can make another
that is taken. What a connection showed reaches the application as its thumbprint, in the request's state.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import structlog
from starlette.requests import Request

from limen.access import certificates
from limen.errors import LimenError
from limen.records.database import Database

REFRESH_SECONDS = 5.0  # until a newly registered certificate is taken
STATE = "client_certificate"  # thumbprint, in the state of a request's scope

log = structlog.get_logger("front")


def shown(connection: ssl.SSLObject | None) -> bytes | None:
    """Thumbprint of the certificate that the other end of a connection proved to hold; None if it showed none."""
    der = connection.getpeercert(binary_form=True) if connection is not None else None
    return certificates.thumbprint(der) if der else None


def of(request: Request) -> bytes | None:
    """The same, of the connection that a request came over; None for a browser's.

    Browsers show an installed certificate to whatever page asks, also one elsewhere that sends a form to the hub.
    """
    browser = "origin" in request.headers or "sec-fetch-site" in request.headers
    found: bytes | None = request.scope.get("state", {}).get(STATE)
    return None if browser else found


@contextlib.asynccontextmanager
async def trusting(context: ssl.SSLContext | None, database: Database) -> AsyncIterator[None]:
    """Let the front's TLS take what is registered, and what will be; nothing where it asks for no certificates."""
    if context is None or context.verify_mode is ssl.CERT_NONE:
        yield
        return
    known: set[bytes] = set()
    await _refresh(context, database, known)
    task = asyncio.create_task(_keep(context, database, known))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _keep(context: ssl.SSLContext, database: Database, known: set[bytes]) -> None:
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        await _refresh(context, database, known)


async def _refresh(context: ssl.SSLContext, database: Database, known: set[bytes]) -> None:
    def read() -> dict[bytes, bytes]:
        with database.reading() as session:
            return {row.thumbprint: row.certificate for row, _ in certificates.registered(session)}

    try:
        found = await asyncio.to_thread(read)
    except LimenError as error:
        log.warning("certificates-not-read", error=error.code)
        return
    for name in found.keys() - known:  # what was removed stays here until a restart, and is refused at each request
        context.load_verify_locations(cadata=found[name])
        known.add(name)
