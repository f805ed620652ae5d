"""The receipt of a search: what was asked, what kind of answer it got, what was deleted; signed by the vault."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import structlog

from limen import __version__
from limen.errors import LimenError, NotFound, Unavailable
from limen.ledger import logged
from limen.ledger import receipt as receipts
from limen.search.answer import SearchAnswer
from limen.search.open import LoggedEntry, OpenSearch, Searcher
from limen.settings import Settings
from limen.terms import Answer

MINUTE = 60  # seconds; times are to the minute, so that a receipt does not say who stood at which desk when
KEPT_SECONDS = 600.0  # for the officer to hand a receipt over, as long as a hit may be looked at
MAX_KEPT = 20_000  # receipts of ten minutes at 33 searches a second; about 2 KB each
LOG_SECONDS = 5.0  # the log takes a batch in a tenth of a second

log = structlog.get_logger()


class Signer(Protocol):
    """The vault, as far as receipts need it."""

    async def sign(self, message: bytes) -> bytes: ...
    async def identity(self) -> bytes: ...


class Prover(Protocol):
    """The log, as far as receipts need it (`ledger.writer.Writer`)."""

    async def prove(self, indexes: Sequence[int]) -> tuple[bytes, list[list[bytes]]]: ...


@dataclass(frozen=True)
class _Kept:
    """A receipt that its searcher may still ask for: nothing of the capture or the person is in it."""

    searcher: Searcher
    envelope: dict[str, Any]
    entries: list[LoggedEntry]
    until: float


class Receipts:
    """Writes receipts, and completes them once the log has taken their search's entries."""

    def __init__(self, vault: Signer, log: Prover | None = None, *, policy: str = "", hardening: Sequence[str] = ()):
        """policy: digest of the rules in force. hardening: what workers gave up (`confine.in_force`)."""
        self._vault, self._log = vault, log
        self._in_force = {"policy": policy, "hardening": list(hardening)}
        self._kept: dict[bytes, _Kept] = {}

    async def write(self, search: OpenSearch, answer: SearchAnswer, worker_ended: bool) -> dict[str, Any] | None:
        """The signed receipt; None, and a line in the log, if the vault cannot sign now."""
        receipt = describe(search, answer, worker_ended, time.time()) | self._in_force
        try:
            signature = await self._vault.sign(receipts.signed_bytes(receipt))
            envelope = receipts.envelope(receipt, signature, await self._vault.identity())
        except LimenError as error:
            log.warning("receipt-unsigned", error=error.code)
            return None
        self._keep(search.id, _Kept(search.searcher, envelope, search.entries, time.monotonic() + KEPT_SECONDS))
        return envelope

    async def complete(self, search_id: bytes, searcher: Searcher) -> dict[str, Any]:
        """The receipt with the proof that the log holds what it says, for the searcher alone.

        Raises:
            NotFound: there is no such receipt of theirs, or its ten minutes are over.
            Unavailable: the log has not taken the entries yet.
        """
        kept = self._kept.get(search_id)
        if kept is None or kept.searcher != searcher or kept.until < time.monotonic():
            raise NotFound("There is no such receipt; it may have expired.", code="no-such-receipt")
        entries = list(kept.entries)
        if self._log is None or not entries:
            return kept.envelope
        try:
            async with asyncio.timeout(LOG_SECONDS):
                indexes = await asyncio.gather(*(asyncio.shield(entry.index) for entry in entries))
        except TimeoutError:
            raise _not_yet() from None
        checkpoint, proofs = await self._log.prove(indexes)
        shown = logged.described(checkpoint, [entry.line for entry in entries], indexes, proofs)
        return kept.envelope | {"log": shown}

    def _keep(self, search_id: bytes, kept: _Kept) -> None:
        now = time.monotonic()
        while self._kept:  # in the order in which they came, and so in that in which they go
            oldest = next(iter(self._kept))
            if len(self._kept) < MAX_KEPT and self._kept[oldest].until >= now:
                break
            del self._kept[oldest]
        self._kept[search_id] = kept


def describe(search: OpenSearch, answer: SearchAnswer, worker_ended: bool, now: float) -> dict[str, Any]:
    """What a receipt says; `now` in Unix seconds."""
    found = answer.answer in (Answer.HIT, Answer.REFER)
    return {
        "v": 1,
        "search": search.id.hex(),
        "purpose": search.purpose.value,
        "answer": answer.answer,
        "sealed": answer.sealed,
        "images": len(answer.samples),
        "minute": int(now) // MINUTE * MINUTE,  # when it was answered and the following deleted
        "deleted": [
            *(["capture"] if not search.held else []),
            "one-time key",
            "pixels",
            "templates",
            "claimed identity",
        ],
        "kept": (
            (["that this record was found: time, purpose, who searched"] if found else [])
            + (["pictures of the capture, sealed for the examiners who verify, until their deadline"] * search.held)
        ),
        "process": "ended" if worker_ended else "told to end",
        "software": f"limen {__version__}",
    }


def policy_digest(settings: Settings) -> str:
    """Which rules are in force: SHA-256, shortened to 16 hexadecimal digits, of the policies and the error rates."""
    digest = hashlib.sha256(f"{settings.fpir_refer!r} {settings.fpir_hit!r}\n".encode())
    folder = resources.files("limen.access") / "policies"
    if folder.is_dir():
        for item in sorted(folder.iterdir(), key=lambda item: item.name):
            digest.update(item.name.encode() + b"\n" + item.read_bytes())
    return digest.hexdigest()[:16]


def _not_yet() -> Unavailable:
    return Unavailable("The log has not taken the search yet.", advice="Ask again in a few seconds.", code="no-ledger")
