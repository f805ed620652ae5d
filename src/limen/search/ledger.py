"""What the transparency log says of a search: that it was admitted, how it was answered, that it was forgotten.

Random id, minute, purpose, kind of answer, software and models; never who, of which country, or about whom.
"""

from __future__ import annotations

import hashlib
import time
from functools import cache
from importlib import resources

from limen.ledger.entry import MINUTE, Entry, Kind
from limen.ledger.writer import Writer
from limen.search.open import LoggedEntry, OpenSearch
from limen.terms import Answer


class SearchLedger:
    """Puts searches on record."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def admitted(self, search: OpenSearch) -> None:
        """On disk before this returns; `Unavailable` if that cannot be."""
        await self._writer.append(_entry(Kind.SEARCH_ADMITTED, search))

    def answered(self, search: OpenSearch, answer: Answer) -> None:
        """How a search was answered; written with the next commit."""
        self._note(_entry(Kind.SEARCH_ANSWERED, search, answer), search)

    def forgotten(self, search: OpenSearch) -> None:
        """Nothing of a search is left in the front; written with the next commit."""
        self._note(_entry(Kind.SEARCH_FORGOTTEN, search), search)

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


def _entry(kind: Kind, search: OpenSearch, answer: Answer | None = None) -> Entry:
    return Entry(kind, search.id, int(time.time()) // MINUTE, search.purpose, answer, models=models_digest())
