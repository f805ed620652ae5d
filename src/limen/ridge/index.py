"""A gallery of prints in memory: put, remove and search, all at once and by many threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from limen.errors import BadTemplate
from limen.ridge import _native
from limen.ridge.comparator import prepare
from limen.ridge.template import RidgeTemplate


class RidgeIndex:
    """Prints by key (any uint64), searched with the exact comparator.

    Changes are in force when the call returns. Searches by several threads run at once, without the interpreter's lock.
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
        try:
            self._prints.put(key, template.pack())
        except ValueError as error:
            raise BadTemplate(str(error)) from None

    def remove(self, key: int) -> bool:
        """Take a print out; whether there was one."""
        return bool(self._prints.remove(key))

    def search(self, probe: RidgeTemplate, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """The most alike prints: keys uint64 (k,) and scores float32 (k,), k <= limit, highest first."""
        return self._prints.search(prepare(probe), limit)

    def search_among(self, probe: RidgeTemplate, keys: ArrayLike, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """As `search`, but only these keys; unknown ones are skipped."""
        return self._prints.search_among(prepare(probe), np.ascontiguousarray(keys, np.uint64), limit)
