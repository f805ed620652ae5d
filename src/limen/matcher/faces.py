"""Face references as rows of one matrix, scanned whole for each probe."""

from __future__ import annotations

import numpy as np

FIRST = 1024  # rows at first; the matrix doubles when it is full


class FaceMatrix:
    """Unit vectors of one model by key (any uint64), with the record slot that each belongs to.

    Rows are kept without gaps: a removed row is overwritten by the last one. Changes are in force at once.
    """

    def __init__(self, dimension: int) -> None:
        self._vectors = np.zeros((FIRST, dimension), np.float32)
        self._slots = np.zeros(FIRST, np.int64)
        self._keys = np.zeros(FIRST, np.uint64)
        self._rows: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def memory(self) -> int:
        """Bytes that the references take."""
        return self._vectors.nbytes + self._slots.nbytes + self._keys.nbytes

    @property
    def slots(self) -> np.ndarray:
        """int64 (n,): the record slot of each row."""
        return self._slots[: len(self)]

    @property
    def keys(self) -> np.ndarray:
        """uint64 (n,): the key of each row."""
        return self._keys[: len(self)]

    def put(self, key: int, slot: int, vector: np.ndarray) -> None:
        """Add a reference, or replace the one with this key. vector: float32 (dimension,), unit length."""
        row = self._rows.setdefault(key, len(self._rows))
        if row == len(self._vectors):
            self._grow()
        self._vectors[row], self._slots[row], self._keys[row] = vector, slot, key

    def remove(self, key: int) -> bool:
        """Take a reference out and wipe it; whether there was one."""
        row = self._rows.pop(key, None)
        if row is None:
            return False
        last = len(self._rows)
        if row != last:
            for array in (self._vectors, self._slots, self._keys):
                array[row] = array[last]
            self._rows[int(self._keys[row])] = row
        self._vectors[last] = 0
        return True

    def scores(self, vector: np.ndarray) -> np.ndarray:
        """Cosines of a probe with every row: float32 (n,)."""
        return self._vectors[: len(self)] @ vector

    def score(self, vector: np.ndarray, keys: list[int]) -> np.ndarray:
        """Cosines of a probe with these references, which must be there: float32 (len(keys),)."""
        return self._vectors[[self._rows[key] for key in keys]] @ vector

    def _grow(self) -> None:
        for name in ("_vectors", "_slots", "_keys"):
            old = getattr(self, name)
            new = np.zeros((2 * len(old), *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
            old.fill(0)
