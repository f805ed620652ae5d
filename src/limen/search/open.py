"""Open searches: in this process's memory alone, each with a deadline, forgotten when it passes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from limen.errors import NotFound, Refused, Unavailable
from limen.hits.claim import ClaimedIdentity
from limen.hits.view import RecordView
from limen.search.offer import Worker
from limen.terms import Purpose
from limen.wire.messages import FileHead, Offer

MAX_OPEN_EACH = 16  # open searches of one officer: a post has one or two, a gateway more; half of all workers
MAX_OPEN = 256  # of all officers, a bound on memory


@dataclass(frozen=True)
class Searcher:
    """Who asks: country (alpha-3), the officer's name within it and id, and the device's id if it is registered."""

    country: str
    officer: str
    officer_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None

    def __str__(self) -> str:
        return f"{self.country}/{self.officer}"


class State(Enum):
    """Where a search stands."""

    OFFERED = "offered"  # waits for its capture
    CAPTURING = "capturing"  # its one capture is under way
    SHOWN = "shown"  # a hit, whose portraits its searcher may look at until the deadline


@dataclass(frozen=True)
class LoggedEntry:
    """An entry of the ledger about a search: its line, and its index in time."""

    line: bytes
    index: asyncio.Future[int]


@dataclass
class OpenSearch:
    """One search while it is open."""

    id: bytes
    searcher: Searcher
    purpose: Purpose
    claim: ClaimedIdentity | None
    offer: Offer
    worker: Worker
    state: State = State.OFFERED
    held: bool = False  # pictures of the capture are kept, sealed, for those who must verify the hit
    views: list[RecordView] = field(default_factory=list)
    head: FileHead | None = None  # of a search by file: what its answer must repeat
    entries: list[LoggedEntry] = field(default_factory=list)  # that its receipt shows
    deadline: asyncio.TimerHandle | None = None


class OpenSearches:
    """All open searches of this front."""

    def __init__(self) -> None:
        self._open: dict[bytes, OpenSearch] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[OpenSearch]:
        return iter(list(self._open.values()))

    def room_for(self, searcher: Searcher) -> None:
        """Check that one more search may be opened; `Refused` or `Unavailable` says why not."""
        waiting = [s for s in self._open.values() if s.state is not State.SHOWN]
        if sum(str(s.searcher) == str(searcher) for s in waiting) >= MAX_OPEN_EACH:
            raise Refused(
                "This officer has too many open searches.",
                advice="Finish one, or wait a minute until they expire.",
                code="too-many-searches",
            )
        if len(waiting) >= MAX_OPEN:
            raise Unavailable("The hub is busy.", advice="Try again in a few seconds.", code="busy")

    def add(self, search: OpenSearch, seconds: float, expired: Callable[[OpenSearch], None]) -> None:
        """Keep a search for some seconds; then `expired` is called."""
        self._open[search.id] = search
        self.extend(search, seconds, expired)

    def extend(self, search: OpenSearch, seconds: float, expired: Callable[[OpenSearch], None]) -> None:
        """Set a new deadline."""
        if search.deadline:
            search.deadline.cancel()
        search.deadline = asyncio.get_running_loop().call_later(seconds, expired, search)

    def take(self, search_id: bytes, searcher: Searcher) -> OpenSearch:
        """The searcher's own search, for its one capture.

        Raises:
            NotFound: none, expired, or somebody else's: the three look the same.
            Refused: its capture has already come (`capture-already-sent`).
        """
        search = self.own(search_id, searcher)
        if search.state is not State.OFFERED:
            raise Refused(
                "This search has had its capture; a search takes one.",
                advice="Open a new search.",
                code="capture-already-sent",
            )
        search.state = State.CAPTURING
        if search.deadline:
            search.deadline.cancel()
        return search

    def shown(self, search_id: bytes, searcher: Searcher) -> OpenSearch:
        """The searcher's own search after a hit, while it may still be looked at; else `NotFound`."""
        search = self.own(search_id, searcher)
        if search.state is not State.SHOWN:
            raise _no_such_search()
        return search

    def drop(self, search: OpenSearch) -> bool:
        """Remove a search and its deadline; False if it was gone already."""
        if search.deadline:
            search.deadline.cancel()
        return self._open.pop(search.id, None) is not None

    def own(self, search_id: bytes, searcher: Searcher) -> OpenSearch:
        """The searcher's own search in any state; else `NotFound`."""
        search = self._open.get(search_id)
        if search is None or search.searcher != searcher:
            raise _no_such_search()
        return search


def _no_such_search() -> NotFound:
    return NotFound(
        "There is no such open search; it may have expired.", advice="Open a new search.", code="no-such-search"
    )
