"""Nobody is served by a clock that has jumped back: what is over would be good again.

Sessions, one-time links, tokens and certificates end by the time of day, and a signed request is fresh by it: its nonce
is forgotten once it cannot be fresh any more. Set back by a day, the hub would take yesterday's requests a second time.
So the front remembers the latest time that it saw, and learns at its start what the vault has seen (`vault.clock`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from starlette.requests import Request

from limen.errors import LimenError, Unavailable
from limen.vault.client import AsyncVaultClient
from limen.vault.clock import TOLERANCE, jumped_back

POLL_SECONDS = 10.0  # between two questions to the vault
#: What says how the hub is, and what is on record: the same at any time, and for everyone.
SERVED = ("/health", "/metrics", "/v1/hub", "/docs", "/openapi.json", "/receipt")
SERVED_BELOW = "/ledger/"

log = structlog.get_logger("front")


class HubClock:
    """The time of day, as long as it goes forward."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        """source: Unix seconds."""
        self._source = source
        self._latest = source()

    def heard(self, latest: float) -> None:
        """Somebody has seen this time, Unix seconds."""
        self._latest = max(self._latest, latest)

    def check(self) -> None:
        """Look at the clock.

        Raises:
            Unavailable: it has jumped back.
        """
        now = self._source()
        if now < self._latest - TOLERANCE:
            raise jumped_back(now, self._latest, Path("clock"))
        self._latest = max(self._latest, now)

    @property
    def problem(self) -> Unavailable | None:
        """What is wrong with the clock; None: nothing."""
        try:
            self.check()
        except Unavailable as error:
            return error
        return None

    async def ask(self, vault: AsyncVaultClient) -> None:
        """Learn what the vault has seen, if it is there."""
        try:
            self.heard(await vault.latest())
        except LimenError as error:
            log.warning("clock-not-compared", error=error.code)

    async def run(self, vault: AsyncVaultClient) -> None:
        """Do so again and again; ends only by cancellation."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.ask(vault)


async def on_time(request: Request) -> None:
    """Before any request is looked at.

    Raises:
        Unavailable: the hub's clock has jumped back.
    """
    path = request.url.path
    if path not in SERVED and not path.startswith(SERVED_BELOW):
        request.app.state.parts.clock.check()
