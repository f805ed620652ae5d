"""The matcher process: holds the gallery, takes probes from the opener's workers, answers the front.

It reads no image and has no network. What it knew of a probe is overwritten when the search ends; the copies that are
made on the way are overwritten as they are freed (`limen.matcher.ENVIRONMENT`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable

import structlog

from limen import models
from limen.confine import lock_memory
from limen.errors import BadMessage, BadTemplate, NotAllowed, Unavailable
from limen.matcher import ENVIRONMENT
from limen.matcher.decision import Policy
from limen.matcher.feeding import Feeding
from limen.matcher.heap import keep_no_blocks
from limen.matcher.holding import Holding
from limen.matcher.keys import Keys
from limen.matcher.probing import Probing
from limen.settings import Settings
from limen.vault.client import VaultClient
from limen.wire.frame import Message, read
from limen.wire.messages import (
    EvidenceAsk,
    Expect,
    Failed,
    Forget,
    GalleryPut,
    StatusAsk,
    UnsolvedAsk,
)
from limen.wire.sockets import check_peer, listen

SPEAKERS = {"matcher-probe": "opener", "matcher-front": "front"}  # which part may speak on each socket
FROM_FRONT: tuple[type[Message], ...] = (Expect, Forget, StatusAsk, EvidenceAsk, UnsolvedAsk)

log = structlog.get_logger("matcher")
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def main(settings: Settings, ready: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM.

    Args:
        settings: of this hub.
        ready: called once, when both sockets take requests.
    """
    if not all(os.environ.get(name) == value for name, value in ENVIRONMENT.items()):
        log.warning("freed memory is not overwritten", advice="start the matcher through the hub")
    if not lock_memory():
        log.warning("memory is not locked", advice="raise RLIMIT_MEMLOCK, or templates may reach the swap")
    keep_no_blocks()
    models.look_in(models.folder_of(settings.data))
    asyncio.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[], None] | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    holding = Holding(Keys(lambda: VaultClient.connect(settings, "vault-matcher")))
    probing = Probing(holding, Policy(settings.fpir_refer, settings.fpir_hit, face_hits=settings.face_hits))
    for name, talk in (("matcher-probe", probing.take_probe), ("matcher-front", _with_front(holding, probing))):
        await asyncio.start_unix_server(_handler(name, talk), sock=listen(settings.socket(name)))
    Feeding(holding, asyncio.get_running_loop()).serve(listen(settings.socket("matcher-feed")))
    watch = asyncio.create_task(holding.watch_keys())
    if ready is not None:
        ready()
    await stop.wait()
    holding.end()
    watch.cancel()


def _with_front(holding: Holding, probing: Probing) -> Conversation:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the front: searches, status; until it closes."""
        while True:
            message: Message = await read(reader, *FROM_FRONT)
            if (answer := await _answer(message, writer, holding, probing)) is not None:
                writer.write(answer.pack())
                await writer.drain()

    return talk


async def _answer(message: Message, writer: asyncio.StreamWriter, holding: Holding, probing: Probing) -> Message | None:
    """Do what the front says; what to answer at once, if anything."""
    match message:
        case Expect():
            probing.expect(message, writer)
        case Forget():
            probing.forget(message.search)
        case StatusAsk():
            return await holding.status()
        case EvidenceAsk():
            return probing.evidence()
        case UnsolvedAsk():
            return await holding.unsolved(GalleryPut.unpack(message.tail))
    return None


def _handler(name: str, talk: Conversation) -> Conversation:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(Unavailable, ConnectionError, TimeoutError):
            try:
                check_peer(writer.get_extra_info("socket"), SPEAKERS[name])
                await talk(reader, writer)
            except (BadMessage, BadTemplate, NotAllowed) as error:  # a peer that breaks the protocol is cut off
                log.warning("a peer was cut off", socket=name, why=error.code)
                writer.write(Failed.of(error).pack())
                await writer.drain()
        writer.close()

    return serve
