"""Offer: take a single-use worker for a search, and get its one-time key, vouched for by the hub's identity."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass

from limen.errors import BadMessage, Unavailable
from limen.wire.frame import read
from limen.wire.messages import Offer, ProbeJob
from limen.wire.sockets import open_stream

OFFER_TIMEOUT = 10.0  # seconds: a worker is idle already, or one is forked within a second unless all are busy
ENDING_SECONDS = 1.0  # a worker ends within milliseconds of its report


@dataclass
class Worker:
    """The connection to one worker. Closing it ends the worker, whatever it is doing."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def close(self) -> None:
        """Hang up; the worker dies."""
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.close()

    async def ended(self) -> bool:
        """Whether the worker has ended by itself: the kernel closes its connection after it freed its memory."""
        try:
            async with asyncio.timeout(ENDING_SECONDS):
                return await self.reader.read(1) == b""
        except (TimeoutError, OSError):
            return False


def search_id() -> bytes:
    """A new search's id: 16 random bytes."""
    return secrets.token_bytes(16)


async def take(socket: str, search: bytes, seconds: int) -> tuple[Worker, Offer]:
    """A worker that waits for one capture, and its offer.

    Args:
        socket: path of `opener-probe.sock`.
        search: its id.
        seconds: how long the offer stands.

    Raises:
        Unavailable: the opener is down, all workers are busy, or the vault did not sign.
    """
    job = ProbeJob(search, int(time.time()) + seconds)
    try:
        worker = Worker(*await open_stream(socket))
    except OSError as error:
        raise _no_worker() from error
    try:
        async with asyncio.timeout(OFFER_TIMEOUT):
            worker.writer.write(job.pack())
            await worker.writer.drain()
            offer = await read(worker.reader, Offer)
        if (offer.search, offer.expires) != (job.search, job.expires):
            raise BadMessage("The worker's offer is for another search.")
    except (TimeoutError, OSError, Unavailable) as error:
        worker.close()
        raise _no_worker() from error
    except BaseException:
        worker.close()
        raise
    return worker, offer


def _no_worker() -> Unavailable:
    return Unavailable("No capture can be taken just now.", advice="Try again in a few seconds.", code="no-worker")
