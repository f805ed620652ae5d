"""The Merkle tree of RFC 6962, section 2.1, read from tiles: roots, inclusion and consistency proofs.

This is the writer's side; `checking` and `audit` re-derive the same with code of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

HASH = 32  # bytes, SHA-256
HEIGHT = 8  # levels of the tree that a tile spans (C2SP tlog-tiles)
WIDTH = 1 << HEIGHT  # hashes in a full tile


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def perfect(row: bytes) -> bytes:
    """Root over 2**k concatenated hashes."""
    while len(row) > HASH:
        row = b"".join(
            hashlib.sha256(b"\x01" + row[at : at + 2 * HASH]).digest() for at in range(0, len(row), 2 * HASH)
        )
    return row


@dataclass(frozen=True)
class Tree:
    """A tree of `size` leaves. `tile(level, index, width)` gives a tile's first `width` hashes, concatenated."""

    size: int
    tile: Callable[[int, int, int], bytes]

    def root(self, start: int = 0, end: int | None = None) -> bytes:
        """MTH(D[start:end]); of the whole tree by default. `start` must be aligned as the recursion leaves it."""
        end = self.size if end is None else end
        count = end - start
        if count == 0:
            return hashlib.sha256(b"").digest()
        if count & (count - 1) == 0:
            return self._node(count.bit_length() - 1, start // count)
        middle = start + _split(count)
        return perfect(self.root(start, middle) + self.root(middle, end))

    def inclusion(self, index: int) -> list[bytes]:
        """PATH(index, D[0:size]), lowest first."""
        if not 0 <= index < self.size:
            raise ValueError(f"there is no entry {index} in a tree of {self.size}")
        return self._path(index, 0, self.size)

    def consistency(self, old: int) -> list[bytes]:
        """PROOF(old, D[0:size]); empty for old = 0 and old = size."""
        if not 0 <= old <= self.size:
            raise ValueError(f"{old} is no earlier size of a tree of {self.size}")
        return [] if old in (0, self.size) else self._proof(old, 0, self.size, True)

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self.root(middle, end)]
        return [*self._path(index, middle, end), self.root(start, middle)]

    def _proof(self, old: int, start: int, end: int, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self.root(start, end)]
        middle = start + _split(end - start)
        if old <= middle:
            return [*self._proof(old, start, middle, whole), self.root(middle, end)]
        return [*self._proof(old, middle, end, False), self.root(start, middle)]

    def _node(self, height: int, index: int) -> bytes:
        level, above = divmod(height, HEIGHT)
        tile, offset = divmod(index << above, WIDTH)
        width = min(WIDTH, (self.size >> HEIGHT * level) - tile * WIDTH)
        return perfect(self.tile(level, tile, width)[HASH * offset : HASH * (offset + (1 << above))])


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1
