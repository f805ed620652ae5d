"""Face references as rows of one matrix, scanned whole for each probe.

The scan (native/matcher) compares 8-bit codes, which order references as the vectors do to within 0.002 of a cosine;
evidence is then computed from the 16-bit vectors of the few that the scan brings back.
"""

from __future__ import annotations

import os

import numpy as np

from limen.matcher import _native

FIRST = 1024  # rows at first; the matrix doubles when it is full
WIDTH = 64  # codes are padded with zeros to a multiple of this many values: a cache line
THREADS = min(2, os.cpu_count() or 1)  # memory delivers no more to further ones


class FaceMatrix:
    """Unit vectors of one model by key (any uint64), with the record slot that each belongs to.

    Rows are kept without gaps: a removed row is overwritten by the last one. Changes are in force at once.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._vectors = np.zeros((FIRST, dimension), np.float16)
        self._codes = np.zeros((FIRST, -(-dimension // WIDTH) * WIDTH), np.int8)
        self._scales = np.zeros(FIRST, np.float32)
        self._slots = np.zeros(FIRST, np.int32)
        self._keys = np.zeros(FIRST, np.uint64)
        self._qualities = np.zeros(FIRST, np.uint8)
        self._rows: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def memory(self) -> int:
        """Bytes that the references take."""
        return sum(getattr(self, name).nbytes for name in _ARRAYS)

    @property
    def slots(self) -> np.ndarray:
        """int32 (n,): the record slot of each row."""
        return self._slots[: len(self)]

    @property
    def keys(self) -> np.ndarray:
        """uint64 (n,): the key of each row."""
        return self._keys[: len(self)]

    def put(self, key: int, slot: int, vector: np.ndarray, quality: int) -> None:
        """Add a reference, or replace the one with this key. vector: float32 (dimension,), unit length."""
        self.put_many(np.array([key], np.uint64), np.array([slot]), vector[None], np.array([quality]))

    def put_many(self, keys: np.ndarray, slots: np.ndarray, vectors: np.ndarray, qualities: np.ndarray) -> None:
        """As `put` for each: keys uint64 (n,), each once; slots and qualities (n,); vectors float32 (n, dimension)."""
        rows = np.array([self._rows.setdefault(key, len(self._rows)) for key in keys.tolist()], np.int64)
        while len(self._rows) > len(self._keys):
            self._grow()
        self._vectors[rows], self._slots[rows], self._keys[rows] = vectors, slots, keys
        self._qualities[rows] = qualities
        self._codes[rows], self._scales[rows] = encode(vectors)

    def remove(self, key: int) -> bool:
        """Take a reference out and wipe it; whether there was one."""
        row = self._rows.pop(key, None)
        if row is None:
            return False
        last = len(self._rows)
        if row != last:
            for name in _ARRAYS:
                array = getattr(self, name)
                array[row] = array[last]
            self._rows[int(self._keys[row])] = row
        self._vectors[last], self._codes[last] = 0, 0
        return True

    def remove_many(self, keys: np.ndarray) -> None:
        """Take references out and wipe them: keys uint64 (n,), all of them there."""
        holes = np.array([self._rows.pop(key) for key in keys.tolist()], np.int64)
        left, before = len(self._rows), len(self._rows) + len(holes)
        movers = np.setdiff1d(np.arange(left, before), holes)  # rows beyond the new end that stay
        holes = holes[holes < left]
        for name in _ARRAYS:
            array = getattr(self, name)
            array[holes] = array[movers]
        for key, row in zip(self._keys[holes].tolist(), holes.tolist(), strict=True):
            self._rows[key] = row
        self._vectors[left:before], self._codes[left:before] = 0, 0

    def nearest(self, vectors: np.ndarray, allowed: np.ndarray, limit: int) -> list[np.ndarray]:
        """Of each probe, the rows that are most alike among those whose slot is allowed.

        Args:
            vectors: float32 (q, dimension), unit length. Several probes share one pass and cost far less than one each.
            allowed: bool (slots,), for every slot that a row has.
            limit: how many rows at most.

        Returns:
            For each probe: row numbers, int64 (k,), k <= limit, most alike first.
        """
        codes, scales = encode(vectors)
        rows, scores = _native.scan(
            self._codes[: len(self)],
            self._scales[: len(self)],
            self.slots,
            np.ascontiguousarray(allowed).view(np.uint8),
            codes,
            scales,
            limit,
            THREADS,
        )
        found = [row[row >= 0] for row in rows]
        codes.fill(0)
        scores.fill(0)
        return found

    def of(self, keys: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Vectors and qualities of references, which must be there: float32 (n, dimension) and uint8 (n,)."""
        rows = [self._rows[key] for key in keys]
        return self._vectors[rows].astype(np.float32), self._qualities[rows]

    def quality_shares(self) -> tuple[tuple[float, float], ...]:
        """(quality, share) of the references, in classes of ten points around the stated quality."""
        counts = np.bincount(self._qualities[: len(self)] // 10, minlength=11)
        return tuple((min(10.0 * c + 5, 100.0), float(n) / max(len(self), 1)) for c, n in enumerate(counts) if n)

    def _grow(self) -> None:
        for name in _ARRAYS:
            old = getattr(self, name)
            new = np.zeros((2 * len(old), *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
            old.fill(0)


_ARRAYS = ("_vectors", "_codes", "_scales", "_slots", "_keys", "_qualities")


def encode(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """8-bit codes of vectors: the largest value of each becomes 127.

    Args:
        vectors: float32 (n, dimension).

    Returns:
        Codes int8 (n, dimension padded to a multiple of `WIDTH`), and float32 (n,) by which they are to be multiplied.
    """
    vectors = np.asarray(vectors, np.float32)
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    codes = np.zeros((len(vectors), -(-vectors.shape[1] // WIDTH) * WIDTH), np.int8)
    codes[:, : vectors.shape[1]] = np.rint(vectors / scales[:, None])
    return codes, scales.astype(np.float32)
