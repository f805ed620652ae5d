"""Many sealed blobs of records at once, in columns: a gallery of millions of templates passes here at every start.

What `vault.seal` does for one blob, without making objects for each: nonces and associated data of all are laid out
first, and every template is opened into its place in one piece of memory.
"""

from __future__ import annotations

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limen.vault.seal import DOMAIN, HEAD, NONCE, OF_RECORD, OVERHEAD
from limen.wire.rows import Blobs

_BODY = HEAD.size + NONCE


class Room:
    """Memory for plaintexts, used again and again: fresh memory costs as much as opening what goes into it."""

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self._used = 0

    def take(self, size: int) -> np.ndarray:
        """So many bytes, uint8 (size,); what was taken before is overwritten with what comes now, or by `wipe`."""
        self.wipe()
        if size > len(self._memory):
            self._memory = np.empty(size + size // 4, np.uint8)
        self._used = size
        return self._memory[:size]

    def wipe(self) -> None:
        """Leave nothing of what was in it."""
        self._memory[: self._used] = 0
        self._used = 0


class SealedMany:
    """Blobs of version 2, one after another.

    Attributes:
        lengths: int64 (n,), bytes of each plaintext; -1 for what is no such blob.
        begins: int64 (n,), where each plaintext begins in `content`.
        content: uint8, the plaintexts of those that were opened, each in its place.
    """

    def __init__(
        self, data: bytes | memoryview, first: np.ndarray, last: np.ndarray, bound: np.ndarray, room: Room | None = None
    ) -> None:
        """Lay out what opens them.

        Args:
            data: in which they stand.
            first, last: int64 (n,), where each begins and ends in them.
            bound: uint8 (n, b), the contexts' fields of each, as `wire.messages.SEAL_CONTEXT` packs them.
            room: for the plaintexts, which are good until it is used again; None: memory of their own.
        """
        raw = np.frombuffer(data, np.uint8)
        sound = last - first >= OVERHEAD
        sound[sound] = raw[first[sound]] == OF_RECORD
        self.lengths = np.where(sound, last - first - OVERHEAD, -1)
        taken = np.maximum(self.lengths, 0)
        self.begins = np.cumsum(taken) - taken
        self.content = (room or Room()).take(int(taken.sum()))
        starts = raw[np.where(sound, first, 0)[:, None] + np.arange(_BODY)]  # heads and nonces
        domain = np.broadcast_to(np.frombuffer(DOMAIN, np.uint8), (len(first), len(DOMAIN)))
        said = np.concatenate([starts[:, : HEAD.size], domain, bound], axis=1)
        self._nonces, self._said = _each(starts[:, HEAD.size :]), _each(said)
        self._data, self._into = memoryview(data), memoryview(self.content.data)
        self._bodies = np.where(sound, first + _BODY, last).tolist()  # nothing, which no key opens
        self._ends = last.tolist()
        self._places, self._places_end = self.begins.tolist(), (self.begins + taken).tolist()

    @property
    def blobs(self) -> Blobs:
        """All plaintexts; of what was not opened there is nothing to be read."""
        return Blobs(self.content, self.begins, self.begins + np.maximum(self.lengths, 0))

    def open(self, key: bytes, first: int, last: int) -> list[int]:
        """Open those from first to last, not included, with the key of the record that they belong to.

        Returns:
            Which of them do not open: changed, cut, or sealed with another key or as something else.
        """
        opening, data, into, failed = AESGCM(key).decrypt_into, self._data, self._into, []
        these = slice(first, last)
        columns = (self._nonces, self._said, self._bodies, self._ends, self._places, self._places_end)
        for row, (nonce, said, body, end, place, place_end) in enumerate(
            zip(*(c[these] for c in columns), strict=True)
        ):
            try:
                opening(nonce, data[body:end], said, into[place:place_end])
            except InvalidTag:
                failed.append(first + row)
        return failed


def _each(rows: np.ndarray) -> list[bytes]:
    """Each row of bytes, uint8 (n, m), as one object."""
    return np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").ravel().tolist()
