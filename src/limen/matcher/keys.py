"""Template keys of records, as the vault hands them to the matcher alone; and which countries' keys are there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from limen.errors import KeyUnavailable
from limen.vault.client import VaultClient
from limen.vault.seal import forget_keys
from limen.wire.messages import MAX_KEYS

MOST_KEPT = 8 * MAX_KEYS  # keys; a load asks for a page of them at a time and passes through it once

T = TypeVar("T")


class Recheck(NamedTuple):
    """Countries whose key was taken back since it served; whose missing key has come; of these, whose the hub itself
    had lost, not the country."""

    lost: set[str]
    came: set[str]
    owed: set[str]


KeyName = tuple[str, int]  # country, epoch


class Keys:
    """Keys of records that are being loaded; the vault may take a country's back at any time (`recheck`).

    Attributes:
        missing: countries whose key was wanted and is not there.
        failing: whether a country's key is missing though the country did not want it: the hub's own custody is gone.
        ahead: whether the records stored after the one asked for are likely to be asked for next: in a large batch.
    """

    def __init__(self, connect: Callable[[], VaultClient]) -> None:
        self._connect = connect
        self._lock = threading.RLock()  # a load asks from its own thread
        self._vault: VaultClient | None = None
        self._pages: dict[KeyName, dict[bytes, bytes]] = {}
        self._served: set[str] = set()
        self._failed: set[str] = set()  # whose key the hub itself lost, and has not again
        self.missing: set[str] = set()
        self.failing = False
        self.ahead = True

    def key(self, country: str, epoch: int, record: bytes) -> bytes:
        """The key of a record's templates.

        Raises:
            KeyUnavailable: the country's key is missing or revoked (noted in `missing`), or the record's was shredded.
            Unavailable: the vault does not answer now.
        """
        with self._lock:
            return self._key(country, epoch, record)

    def _key(self, country: str, epoch: int, record: bytes) -> bytes:
        if country in self.missing:  # until `recheck` says otherwise: a country may have 100,000 records
            raise KeyUnavailable(f"The key of {country} is not there.")
        page = self._pages.get((country, epoch), {})
        if record not in page:
            page = self._ask(country, epoch, record)
        return page[record]

    def done(self) -> None:
        """The gallery is loaded: keys are dropped, and from now on asked for one by one."""
        with self._lock:
            self._pages.clear()
            forget_keys()

    def recheck(self) -> Recheck:
        """Ask which countries' keys are there."""
        with self._lock:
            return self._recheck()

    def _recheck(self) -> Recheck:
        how = self._call(lambda vault: vault.reachable())
        there = {country for country, there in how.items() if there == 1}
        self._failed |= {country for country, there in how.items() if there == 2}
        self.failing = any(there == 2 for there in how.values())
        lost, came = self._served - there, self.missing & there
        owed = came & self._failed
        self._failed -= there
        for country in lost:
            self._drop(country)
        self._served -= lost
        self.missing = (self.missing - there) | lost
        return Recheck(lost, came, owed)

    def _ask(self, country: str, epoch: int, record: bytes) -> dict[bytes, bytes]:
        count = MAX_KEYS if self.ahead else 1
        try:
            page = self._call(lambda vault: vault.template_keys(country, epoch, record, count))
        except KeyUnavailable:
            if not self._call(lambda vault: vault.countries()).get(country, False):
                self.missing.add(country)
            raise
        if sum(map(len, self._pages.values())) > MOST_KEPT:
            self._pages.clear()
        self._pages[country, epoch] = page
        self._served.add(country)
        return page

    def _drop(self, country: str) -> None:
        self._pages = {name: page for name, page in self._pages.items() if name[0] != country}
        forget_keys()

    def _call(self, ask: Callable[[VaultClient], T]) -> T:
        try:
            if self._vault is None:
                self._vault = self._connect()
            return ask(self._vault)
        except KeyUnavailable:  # the vault's own answer
            raise
        except Exception:
            if self._vault is not None:
                self._vault.close()
                self._vault = None
            raise
