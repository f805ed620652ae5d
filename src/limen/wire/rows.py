"""The heads of a `GalleryBatch` as columns, and many blobs in one piece: for those who pack and read millions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from limen.wire.messages.gallery import BATCH_HEAD, GalleryBatch
from limen.wire.messages.limits import VISIBILITY

#: `BATCH_HEAD` for numpy, its signed handles as uint64; the fields from `use` on are those that the seal binds.
BATCH_ROW = np.dtype(
    [
        ("record", "<u8"), ("sample", "<u8"), ("visible", "u1", VISIBILITY), ("valid_from", "<u8"),
        ("valid_until", "<u8"), ("epoch", "<u4"), ("length", "<u4"), ("use", "u1"), ("owner", "S3"),
        ("record_id", "V16"), ("sample_id", "V16"), ("modality", "u1"), ("position", "u1"), ("model", "S16"),
        ("expires", "<u8"),
    ]
)  # fmt: skip
assert BATCH_ROW.itemsize == BATCH_HEAD.size
BOUND: int = BATCH_ROW.fields["use"][1]  # type: ignore[index]  # where the bound fields begin


@dataclass(frozen=True)
class Loose:
    """A `GalleryBatch` that is not in one piece yet.

    Attributes:
        heads: `BATCH_ROW` (n,).
        templates: n times sealed bytes; none where the head withdraws.
    """

    heads: np.ndarray
    templates: Sequence[bytes]

    @property
    def count(self) -> int:
        """How many changes."""
        return len(self.heads)

    def pieces(self) -> list[bytes | memoryview]:
        """The message as it is sent: nothing of it is copied."""
        heads = self.heads.view(np.uint8).data
        size = heads.nbytes + int(self.heads["length"].sum(dtype=np.int64))
        return [GalleryBatch.beginning(size, self.count), heads, *self.templates]

    def message(self) -> GalleryBatch:
        """The same in one piece."""
        return GalleryBatch(self.count, b"".join((self.heads.tobytes(), *self.templates)))


@dataclass(frozen=True)
class Blobs:
    """Bytes of many things in one piece of memory.

    Attributes:
        content: uint8.
        begins, ends: int64 (n,), where each begins and ends in it.
    """

    content: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, single: Sequence[bytes]) -> Self:
        """Of single ones, one after another."""
        ends = np.cumsum([len(one) for one in single], dtype=np.int64)
        begins = np.concatenate([np.zeros(1, np.int64), ends])[:-1]
        return cls(np.frombuffer(b"".join(single), np.uint8), begins, ends)

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, row: int) -> bytes:
        return self.content[self.begins[row] : self.ends[row]].tobytes()

    def only(self, which: np.ndarray) -> Blobs:
        """Those of these rows (int64 row numbers), in the same memory."""
        return Blobs(self.content, self.begins[which], self.ends[which])
