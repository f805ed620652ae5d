"""A house whose front listens on a port, with a worker that makes real offers: for clients and browsers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from tests.front.house import House, house

from limen.capture.offer import Offer as Terms
from limen.front.process import config, listen
from limen.settings import Settings
from limen.vault.client import VaultClient
from limen.wire.messages import Offer, ProbeJob


class Listening:
    """A house whose front listens on a port, in a thread of its own."""

    house: House
    url: str
    worker_key: X25519PrivateKey
    terms: Terms


@contextlib.contextmanager
def listening(tmp_path: Path, **settings: object) -> Iterator[Listening]:
    """A listening front until the block ends."""
    running, ready, stop = Listening(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with house(tmp_path, **settings) as made:
            running.house = made
            _offer_for_real(running, made.settings)
            server = uvicorn.Server(config(made.settings, made.app))
            server.config.lifespan = "off"
            sock = listen("127.0.0.1", 0)
            running.url = f"{made.settings.url.partition(':')[0]}://127.0.0.1:{sock.getsockname()[1]}"
            task = asyncio.create_task(server.serve([sock]))
            while not server.started:
                await asyncio.sleep(0.01)
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)
            server.should_exit = True
            await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(240)
    yield running
    stop.set()
    thread.join(20)


def _offer_for_real(running: Listening, settings: Settings) -> None:
    """The double of the worker offers a real key, vouched for by the real vault."""

    def offer(job: ProbeJob) -> Offer:
        running.worker_key = X25519PrivateKey.generate()
        public = running.worker_key.public_key().public_bytes_raw()
        running.terms = Terms(job.search, b"n" * 32, public, job.expires)
        with VaultClient.connect(settings, "vault-opener") as vault:
            signature = vault.sign_offer(job.search, b"n" * 32, public, job.expires)
        return Offer(job.search, b"n" * 32, public, job.expires, signature)

    running.house.opener.offer = offer
