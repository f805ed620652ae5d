"""A gallery of prints in memory: put, remove and search, all at once and by many threads.

A search goes in two stages (native/ridge/scan.inc, index.cpp): every print gets a cheap likeness, from votes of alike
minutiae for one way to lay the prints; the exact comparator then scores the likeliest. Small galleries are compared
exactly throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from limen.errors import BadTemplate
from limen.ridge import _native
from limen.ridge.comparator import prepare
from limen.ridge.stored import template_of
from limen.ridge.template import RidgeTemplate
from limen.ridge.views import RULE, count_clear, probe_views, views
from limen.wire.rows import Blobs

Found = tuple[np.ndarray, np.ndarray]
EXHAUSTIVE = 2**63
IN_VIEWS = -1  # native/ridge/index.hpp


class RidgeIndex:
    """Prints by key (any uint64).

    Changes are in force when the call returns and wait at most a millisecond for running searches. Searches by several
    threads run at once, without the interpreter's lock.
    """

    def __init__(self) -> None:
        self._prints = _native.Index()

    def __len__(self) -> int:
        return len(self._prints)

    @property
    def memory(self) -> int:
        """Bytes that the prints take."""
        return int(self._prints.memory)

    def put(self, key: int, template: RidgeTemplate) -> None:
        """Add a print, or replace the one with this key; `BadTemplate` if a field is out of range."""
        self._put(key, [view.pack() for view in views(template)])

    def put_stored(self, key: int, data: bytes) -> int:
        """As `put`, from stored bytes (`limen.ridge.stored`) or those of `RidgeTemplate.pack`; many times faster.

        Returns:
            How many clear minutiae it has.

        Raises:
            BadTemplate: it is no stored print; what was there under its key stays.
        """
        clear = int(self.put_many(np.array([key], np.uint64), [data])[0])
        if clear < 0:
            raise BadTemplate("A stored print is damaged, or a field of it is out of range.")
        return clear

    def put_many(self, keys: np.ndarray, stored: Blobs | Sequence[bytes], *, threads: int = 1) -> np.ndarray:
        """Put many stored prints in at once, on several threads; each is in force as soon as it is in.

        Args:
            keys: uint64 (n,), each of them once.
            stored: n times the bytes as `put_stored` takes them.
            threads: processor threads to use.

        Returns:
            int32 (n,): how many clear minutiae each has; -1 for what is no print, and was left alone.
        """
        blobs = stored if isinstance(stored, Blobs) else Blobs.of(stored)
        clear = self._prints.put_many(
            np.ascontiguousarray(keys, np.uint64), blobs.content, blobs.begins, blobs.ends, RULE, threads
        )
        for at in np.flatnonzero(clear == IN_VIEWS).tolist():  # stored without codes: a palm, or by an older release
            try:
                template = RidgeTemplate.unpack(template_of(blobs[at]))
                self.put(int(keys[at]), template)
                clear[at] = count_clear(template.minutia_quality)
            except BadTemplate:  # it alone is none: all others go in
                clear[at] = -1
        return np.maximum(clear, -1)

    def _put(self, key: int, packed: list[bytes]) -> None:
        try:
            self._prints.put(key, packed)
        except ValueError as error:
            raise BadTemplate(str(error)) from None

    def remove(self, key: int) -> bool:
        """Take a print out; whether there was one."""
        return bool(self._prints.remove(key))

    def remove_many(self, keys: np.ndarray) -> int:
        """Take prints out, keys uint64 (n,); how many there were."""
        return int(self._prints.remove_many(np.ascontiguousarray(keys, np.uint64)))

    def search(self, probe: RidgeTemplate, limit: int, *, exhaustive: bool = False, threads: int = 1) -> Found:
        """The most alike prints: keys uint64 (k,) and scores float32 (k,), k <= limit, highest first.

        Args:
            exhaustive: compare every print exactly, however many there are.
            threads: processor threads to use.
        """
        return self.search_many([probe], limit, exhaustive=exhaustive, threads=threads)[0]

    def search_many(
        self, probes: Sequence[RidgeTemplate], limit: int, *, exhaustive: bool = False, threads: int = 1
    ) -> list[Found]:
        """As `search` for each probe; all share one pass over the prints."""
        ready = [[prepare(view) for view in probe_views(probe)] for probe in probes]
        return self._prints.search(ready, limit, EXHAUSTIVE if exhaustive else 0, threads)

    def search_among(self, probe: RidgeTemplate, keys: ArrayLike, limit: int) -> Found:
        """As `search`, but only these keys, each compared exactly; unknown ones are skipped."""
        ready = [prepare(view) for view in probe_views(probe)]
        return self._prints.search_among(ready, np.ascontiguousarray(keys, np.uint64), limit)
