"""What the transparency log says of a search: that it was admitted, how it was answered, that it was forgotten.

Random id, minute, purpose, kind of answer, software and models; never about whom. Who asked is a pseudonym on the
admission, which two people together can have opened.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from functools import cache
from importlib import resources
from typing import Protocol

from limen.ledger import pseudonym
from limen.ledger.entry import MINUTE, Entry, Kind
from limen.ledger.writer import Writer
from limen.search.open import LoggedEntry, OpenSearch, Searcher
from limen.terms import Answer, Purpose


class Vault(Protocol):
    """What this needs of the vault (`vault.client.AsyncVaultClient`)."""

    async def pseudonym_key(self) -> bytes: ...


class Pseudonyms:
    """Makes pseudonyms with the vault's public key, which is asked for once."""

    def __init__(self, vault: Vault) -> None:
        self._vault, self._key = vault, b""

    async def pseudonym(self, entry_id: bytes, who: str) -> bytes:
        """See `ledger.pseudonym.make`; `Unavailable` if the key is not known yet and the vault is gone."""
        self._key = self._key or await self._vault.pseudonym_key()
        return pseudonym.make(self._key, entry_id, who)


class SearchLedger:
    """Puts searches on record."""

    def __init__(self, writer: Writer, names: Pseudonyms) -> None:
        self._writer, self._names = writer, names

    async def admitted(self, search: bytes, searcher: Searcher, purpose: Purpose) -> None:
        """On disk before this returns, with who asks as a pseudonym; `Unavailable` if that cannot be."""
        who = await self._names.pseudonym(search, str(searcher))
        await self._writer.append(dataclasses.replace(_entry(Kind.SEARCH_ADMITTED, search, purpose), who=who))

    def not_begun(self, search: bytes, purpose: Purpose) -> None:
        """An admitted search that got no worker ends before its capture; written with the next commit."""
        self._writer.note(_entry(Kind.SEARCH_FORGOTTEN, search, purpose))

    def answered(self, search: OpenSearch, answer: Answer) -> None:
        """How a search was answered; written with the next commit."""
        self._note(_entry(Kind.SEARCH_ANSWERED, search.id, search.purpose, answer), search)

    def forgotten(self, search: OpenSearch) -> None:
        """Nothing of a search is left in the front; written with the next commit."""
        self._note(_entry(Kind.SEARCH_FORGOTTEN, search.id, search.purpose), search)

    def _note(self, entry: Entry, search: OpenSearch) -> None:
        search.entries.append(LoggedEntry(entry.pack(), self._writer.note(entry)))


@cache
def models_digest() -> bytes:
    """SHA-256 over the manifests of all models, which name each file's own SHA-256."""
    manifests = sorted(
        (item for item in resources.files("limen.models").iterdir() if item.name.endswith(".toml")),
        key=lambda item: item.name,
    )
    return hashlib.sha256(b"".join(item.read_bytes() for item in manifests)).digest()


def _entry(kind: Kind, search: bytes, purpose: Purpose, answer: Answer | None = None) -> Entry:
    return Entry(kind, search, int(time.time()) // MINUTE, purpose, answer, models=models_digest())
