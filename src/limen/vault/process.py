"""The vault process: four sockets, one key ring, and an eye on the tokens."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from limen.confine import lock_memory
from limen.errors import BadMessage, LimenError, NotAllowed, Unavailable
from limen.settings import Settings
from limen.vault.clock import Clock
from limen.vault.keys import KeyRing
from limen.vault.meter import Kept, Meter
from limen.vault.opening import open_ring
from limen.vault.reach import HELD
from limen.vault.service import REQUESTS, SILENT, SPEAKERS, Vault
from limen.wire.frame import read
from limen.wire.messages import Failed
from limen.wire.peers import is_part
from limen.wire.sockets import check_peer, listen, peer

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

WATCH_SECONDS = 2.0  # between questions to the tokens; a country's templates are to be gone in 10 s

log = structlog.get_logger("vault")


def main(settings: Settings, ready: Callable[[], None], passphrase: bytes = b"") -> None:
    """Serve until SIGTERM.

    Args:
        settings: of this hub; keys are in `settings.data / "vault"`, sockets in `settings.run`.
        ready: called once, when all sockets take requests.
        passphrase: where the keys' custody needs one and no file holds it.

    Raises:
        Unavailable, KeyUnavailable, Damaged: the key ring cannot be opened.
    """
    if not lock_memory():
        log.warning("memory is not locked", advice="raise RLIMIT_MEMLOCK, or keys may reach the swap")
    keys = open_ring(settings, passphrase)
    log.info("keys opened", custody=keys.custody, countries=len(keys.countries()))
    clock = Clock(settings.data / "vault" / "clock")
    threading.Thread(target=_watch, args=(keys, clock), name="watch", daemon=True).start()
    try:
        kept = Kept(settings.data / "vault" / "opened", keys.own_key(b"limen-opened-v1"))
        meter = Meter(settings.unsealed_per_hour, refuse=settings.watch != "alert", keep=kept)
        asyncio.run(_serve(settings, Vault(keys, clock=clock, latest=lambda: clock.latest, meter=meter), ready))
        meter.close()
    finally:
        keys.close()


def _watch(keys: KeyRing, clock: Clock) -> None:
    """Ask the tokens, and look at the clock, again and again; in a thread of its own, because a token may hang."""
    gone: set[str] = set()
    while True:
        clock.tick()
        keys.watch()
        now = {one.country for one in keys.states() if one.state != HELD}
        if now != gone:
            log.warning("keys came or went", gone=sorted(now - gone), back=sorted(gone - now))
        gone = now
        time.sleep(WATCH_SECONDS)


async def _serve(settings: Settings, vault: Vault, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    for name in REQUESTS:
        await asyncio.start_unix_server(_handler(name, vault), sock=listen(settings.socket(name)))
    ready()
    await stop.wait()


def _handler(name: str, vault: Vault) -> Handler:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(Unavailable, ConnectionError):
            try:
                check_peer(writer.get_extra_info("socket"), *SPEAKERS[name], never=SILENT.get(name, ()))
                await _converse(name, vault, reader, writer)
            except (BadMessage, NotAllowed) as error:  # a peer that breaks the protocol is cut off
                log.warning("a peer was cut off", socket=name, why=error.code)
                writer.write(Failed.of(error).pack())
                await writer.drain()
        writer.close()

    return serve


async def _converse(name: str, vault: Vault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    pid, _ = peer(writer.get_extra_info("socket"))
    while True:
        request = await read(reader, *REQUESTS[name])
        try:
            answer = vault.answer(name, request, front=is_part(pid, ("front",)))
        except (BadMessage, NotAllowed):
            raise
        except LimenError as error:
            answer = Failed.of(error)
        writer.write(answer.pack())
        await writer.drain()
