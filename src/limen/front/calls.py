"""Calls National Central Bureaus when records of theirs end soon: a signed POST to the address that was named for them.

    {"country":"FRA","first_end":"2027-05-22","list":"https://hub/v1/reminders","matter":"records-end","records":12}

It says how many and when the first ends, never which: whoever may know asks the hub. The hub signs it: header
`Limen-Signature`, base64 of Ed25519 by the hub's identity over `PREFIX`, SHA-256 of the address and SHA-256 of the
body. Redirects are not followed, and nothing of an answer but its status is read; until one of 200 to 299 comes, the
hub calls again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json

import httpx
import structlog

from limen.access import bureaus
from limen.errors import LimenError
from limen.records import reminders
from limen.records.database import Database
from limen.records.moments import day
from limen.records.reminders import Unsent
from limen.vault.client import AsyncVaultClient

PREFIX = b"limen-call-v1\0"
POLL_SECONDS = 60.0
MOST_SECONDS = 3600.0  # between two calls of an address that does not answer
TIMEOUT = httpx.Timeout(5.0)  # seconds for each step

log = structlog.get_logger("front")


def signed_bytes(address: str, body: bytes) -> bytes:
    """What the hub's signature under a call covers."""
    return PREFIX + hashlib.sha256(address.encode()).digest() + hashlib.sha256(body).digest()


class Calls:
    """The calls of one front."""

    def __init__(
        self, database: Database, vault: AsyncVaultClient, hub: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Nothing is called yet. hub: its public URL; transport: httpx's own unless given."""
        self._database, self._vault, self._hub, self._transport = database, vault, hub, transport

    async def run(self) -> None:
        """Call for ever, more seldom while nobody answers; ends only by cancellation."""
        wait = POLL_SECONDS
        while True:
            try:
                failed = await self.once()
            except LimenError as error:
                log.warning("bureaus-not-called", error=error.code)
                failed = 0
            wait = min(wait * 2, MOST_SECONDS) if failed else POLL_SECONDS
            await asyncio.sleep(wait)

    async def once(self) -> int:
        """Call every bureau that was not told of something; how many did not answer."""
        due = await asyncio.to_thread(self._due)
        if not due:
            return 0
        async with httpx.AsyncClient(
            timeout=TIMEOUT, follow_redirects=False, trust_env=False, transport=self._transport
        ) as client:
            taken = await asyncio.gather(*(self._call(client, address, told) for address, told in due))
        for (_, told), good in zip(due, taken, strict=True):
            if good:
                await asyncio.to_thread(self._sent, told)
        failed = taken.count(False)
        if failed:
            log.warning("bureaus-do-not-answer", count=failed)
        return failed

    async def _call(self, client: httpx.AsyncClient, address: str, told: Unsent) -> bool:
        said = {
            "matter": "records-end",
            "country": told.country,
            "records": told.records,
            "first_end": day(told.first_end - 1),
            "list": f"{self._hub}/v1/reminders",
        }
        body = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        try:
            signature = await self._vault.sign(signed_bytes(address, body))
            headers = {
                "Content-Type": "application/json",
                "Limen-Signature": base64.b64encode(signature).decode("ascii"),
            }
            async with client.stream("POST", address, content=body, headers=headers) as response:
                return response.is_success
        except (httpx.HTTPError, httpx.InvalidURL, LimenError, OSError):
            return False

    def _due(self) -> list[tuple[str, Unsent]]:
        with self._database.reading() as session:
            known = bureaus.addresses(session)
            found = reminders.unsent(session) if known else []
        return [(known[told.country], told) for told in found if told.country in known]

    def _sent(self, told: Unsent) -> None:
        with self._database.writing() as session:
            reminders.mark_sent(session, told)
