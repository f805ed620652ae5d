"""Forget: however a search ends, its worker dies, the matcher wipes what it holds, and nothing of it stays here."""

from __future__ import annotations

from limen.search.identify import Matcher
from limen.search.open import OpenSearch, OpenSearches


def forget(search: OpenSearch, open_searches: OpenSearches, matcher: Matcher) -> None:
    """End a search now. May be called more than once."""
    search.worker.close()  # its end of the connection closes, and it dies with the capture and the one-time key
    matcher.forget(search.id)
    search.claim = None
    search.views = []
    open_searches.drop(search)


def release(search: OpenSearch, matcher: Matcher) -> None:
    """After a hit: the capture is gone as after any search; only what its searcher may look at stays a while."""
    search.worker.close()
    matcher.forget(search.id)
    search.claim = None
