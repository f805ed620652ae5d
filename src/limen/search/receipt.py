"""The receipt of a search: what was asked, what kind of answer it got, what was deleted; signed by the vault."""

from __future__ import annotations

import time
from typing import Any, Protocol

import structlog

from limen import __version__
from limen.errors import LimenError
from limen.ledger import receipt as receipts
from limen.search.answer import SearchAnswer
from limen.search.open import OpenSearch
from limen.terms import Answer

MINUTE = 60  # seconds; times are to the minute, so that a receipt does not say who stood at which desk when

log = structlog.get_logger()


class Signer(Protocol):
    """The vault, as far as receipts need it."""

    async def sign(self, message: bytes) -> bytes: ...
    async def identity(self) -> bytes: ...


class Receipts:
    """Writes receipts."""

    def __init__(self, vault: Signer) -> None:
        self._vault = vault

    async def write(self, search: OpenSearch, answer: SearchAnswer, worker_ended: bool) -> dict[str, Any] | None:
        """The signed receipt; None, and a line in the log, if the vault cannot sign now."""
        receipt = describe(search, answer, worker_ended, time.time())
        try:
            signature = await self._vault.sign(receipts.signed_bytes(receipt))
            return receipts.envelope(receipt, signature, await self._vault.identity())
        except LimenError as error:
            log.warning("receipt-unsigned", error=error.code)
            return None


def describe(search: OpenSearch, answer: SearchAnswer, worker_ended: bool, now: float) -> dict[str, Any]:
    """What a receipt says; `now` in Unix seconds."""
    held = answer.answer in (Answer.HIT, Answer.REFER)
    return {
        "v": 1,
        "search": search.id.hex(),
        "purpose": search.purpose.value,
        "answer": answer.answer,
        "sealed": answer.sealed,
        "images": len(answer.samples),
        "minute": int(now) // MINUTE * MINUTE,
        "deleted": ["capture", "one-time key", "pixels", "templates", "claimed identity"],
        "kept": ["that this record was found: time, purpose, who searched"] if held else [],
        "process": "ended" if worker_ended else "told to end",
        "software": f"limen {__version__}",
    }
