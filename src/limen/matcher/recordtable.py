"""The gallery's records as arrays: who owns each, who may see it, until when it is valid.

A record has a slot, an index into the arrays; slots are used again.
"""

from __future__ import annotations

import numpy as np

from limen import countries

FIRST = 1024  # record slots at first
EVER = np.iinfo(np.int64).max  # Unix seconds
NOBODY = -1  # owner of a free slot


class RecordTable:
    """Records by handle (uint64, not 0).

    Attributes:
        masks: int64 (slots,), what each record holds (`limen.matcher.makeup`); the gallery keeps them.
    """

    def __init__(self) -> None:
        self._slot_of: dict[int, int] = {}
        self._free: list[int] = []
        self._top = 0
        self._handles = np.zeros(FIRST, np.uint64)
        self._owners = np.full(FIRST, NOBODY, np.int16)
        self._visible = np.zeros((FIRST, countries.SIZE), np.uint8)
        self._from = np.zeros(FIRST, np.int64)
        self._until = np.zeros(FIRST, np.int64)
        self._masks = np.zeros(FIRST, np.int64)

    def __len__(self) -> int:
        return len(self._slot_of)

    @property
    def memory(self) -> int:
        """Bytes of the arrays."""
        return sum(getattr(self, name).nbytes for name in _ARRAYS)

    @property
    def masks(self) -> np.ndarray:
        """int64 (slots,), to be read and changed in place."""
        return self._masks[: self._top]

    def slot(self, record: int) -> int | None:
        """Where a record is, None if it is not there."""
        return self._slot_of.get(record)

    def handle(self, slot: int) -> int:
        """Handle of the record in a slot, 0 if it is free."""
        return int(self._handles[slot])

    def take(self, records: np.ndarray) -> np.ndarray:
        """int32: the slots of records, uint64; those that are not there get one."""
        different, which = np.unique(records, return_inverse=True)
        return np.array([self._take(record) for record in different.tolist()], np.int32)[which]

    def describe(
        self, slots: np.ndarray, owners: np.ndarray, visible: np.ndarray, since: np.ndarray, until: np.ndarray
    ) -> None:
        """Set what is known of the records in slots; of a slot that is named twice the last counts.

        Args:
            slots: int32 (n,).
            owners: int16 (n,), indices into `limen.countries.ORDER`.
            visible: uint8 (n, `limen.countries.SIZE`).
            since, until: int64 (n,), Unix seconds; `EVER` for no end.
        """
        last = len(slots) - 1 - np.unique(slots[::-1], return_index=True)[1]
        there = slots[last]
        self._owners[there], self._visible[there] = owners[last], visible[last]
        self._from[there], self._until[there] = since[last], until[last]

    def release(self, record: int) -> None:
        """Forget a record that holds nothing any more."""
        slot = self._slot_of.pop(record)
        self._handles[slot], self._visible[slot], self._until[slot], self._owners[slot] = 0, 0, 0, NOBODY
        self._masks[slot] = 0
        self._free.append(slot)

    def of(self, country: str) -> list[int]:
        """Handles of a country's records."""
        owner = countries.ORDER.index(country)
        return [int(handle) for handle in self._handles[: self._top][self._owners[: self._top] == owner]]

    def hide(self, country: str) -> None:
        """Let nobody see a country's records any more, itself included."""
        self._until[self._owners == countries.ORDER.index(country)] = 0

    def allowed(self, country: str, now: int) -> np.ndarray:
        """bool (slots,): records that a country may see (its own, and those shown to it) and that are valid now."""
        bit = countries.ORDER.index(country)
        seen = (self._visible[: self._top, bit // 8] >> (bit % 8) & 1).astype(bool)
        own = self._owners[: self._top] == bit
        return (seen | own) & self._valid(now)

    def owned_by(self, bitmap: bytes, now: int) -> np.ndarray:
        """bool (slots,): records of the countries in a bitmap (`limen.countries`) that are valid now."""
        listed = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little").astype(bool)
        owners = self._owners[: self._top]
        return (owners >= 0) & listed[owners] & self._valid(now)

    def _valid(self, now: int) -> np.ndarray:
        return (self._from[: self._top] <= now) & (now < self._until[: self._top])

    def _take(self, record: int) -> int:
        slot = self._slot_of.get(record)
        if slot is not None:
            return slot
        slot = self._free.pop() if self._free else self._top
        if slot == self._top:
            self._top += 1
            if slot == len(self._handles):
                self._grow()
        self._slot_of[record], self._handles[slot] = slot, record
        return slot

    def _grow(self) -> None:
        for name in _ARRAYS:
            old = getattr(self, name)
            new = np.zeros((2 * len(old), *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


_ARRAYS = ("_handles", "_owners", "_visible", "_from", "_until", "_masks")
