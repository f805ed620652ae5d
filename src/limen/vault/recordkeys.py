"""A secret for every record, kept outside the database: what is shredded here no backup of the database brings back.

One file a country, `DATA/vault/records/FRA.keys`: a head of one slot, then slots of 80 bytes, little-endian:

    record id 16 | epoch uint32 | nonce 12 | AES-256-GCM(secret 32) and tag 16

A slot of zeros is free. Secrets are wrapped by the country's data key (`keys.KeyRing`), so that the file alone tells
only which random record ids there are. Shredding overwrites the slot in place: nothing else holds the secret, and the
keys of all that was sealed for the record follow from it (`record_key`). Rotation writes a new file and overwrites the
old one (decision 0311).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from limen.errors import Damaged, KeyUnavailable
from limen.vault.custody import AesCustody
from limen.vault.files import create_private, replace_private

SECRET = 32  # bytes
SLOT = 80  # bytes
_PLAIN = struct.Struct("<16sI")  # record, epoch
_MAGIC = b"limen-record-keys-1\0"
_FREE = bytes(SLOT)

Wrapper = Callable[[str, int], AesCustody]  # of a country and epoch


def record_key(use_key: bytes, secret: bytes) -> bytes:
    """The 32-byte key that seals one use of one record: HMAC-SHA256 of its secret under the country's use key."""
    return hmac.digest(use_key, b"limen-record-key-v2\0" + secret, hashlib.sha256)


class RecordKeys:
    """Secrets of one country's records. Not thread-safe."""

    def __init__(self, folder: Path, country: str, wrapper: Wrapper) -> None:
        """Open a country's file, if there is one; it is created with the first secret.

        Raises:
            Damaged: it is no such file.
        """
        folder.mkdir(mode=0o700, exist_ok=True)
        self.path = folder / f"{country}.keys"
        self._country, self._wrapper = country, wrapper
        self._slots: dict[bytes, int] = {}  # in the file's order
        self._free: list[int] = []
        self._end = 0
        if self.path.exists():
            self._index()

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, record: bytes) -> bool:
        return record in self._slots

    def secret(self, record: bytes) -> bytes:
        """A record's secret, 32 bytes.

        Raises:
            KeyUnavailable: it was shredded, never made here, or its country's key is not there.
            Damaged: its slot was changed.
        """
        at = self._slots.get(record)
        if at is None:
            raise KeyUnavailable(
                "The record's key was shredded, or never made here.",
                advice="A withdrawn or expired record does not come back; its owner may import it again.",
            )
        with self.path.open("rb") as file:
            return self._opened(os.pread(file.fileno(), SLOT, at * SLOT), record)

    def make(self, record: bytes, epoch: int) -> bytes:
        """A record's secret, made and on disk before this returns if there was none."""
        if record in self._slots:
            return self.secret(record)
        secret = os.urandom(SECRET)
        slot = self._sealed(record, epoch, secret)
        if not self.path.exists():
            create_private(self.path, _MAGIC.ljust(SLOT, b"\0"))
            self._end = 1
        at = self._free.pop() if self._free else self._end
        self._write(at, slot)
        self._end = max(self._end, at + 1)
        self._slots[record] = at
        return secret

    def page(self, record: bytes, count: int) -> Iterator[tuple[bytes, bytes]]:
        """(record, secret) of a record and of those stored after it: who loads a gallery meets them next."""
        first = self._slots.get(record)
        if first is None or count <= 1:
            yield record, self.secret(record)
            return
        with self.path.open("rb") as file:
            data = os.pread(file.fileno(), SLOT * count, first * SLOT)
        for start in range(0, len(data) - SLOT + 1, SLOT):
            slot = data[start : start + SLOT]
            if slot != _FREE:
                try:
                    yield slot[:16], self._opened(slot, slot[:16])
                except Damaged:  # said when that record itself is asked for
                    if start == 0:
                        raise

    def records(self) -> list[bytes]:
        """Ids of the records that have a secret."""
        return list(self._slots)

    def shred(self, records: Iterable[bytes]) -> int:
        """Overwrite records' secrets, on disk before this returns; how many there were. Needs no key."""
        gone = [record for record in set(records) if record in self._slots]
        shred_slots(self.path, {record: self._slots[record] for record in gone})
        for record in gone:
            self._free.append(self._slots.pop(record))
        return len(gone)

    def epochs(self) -> set[int]:
        """Epochs whose data keys still wrap a secret."""
        if not self._slots:
            return set()
        return {
            int(epoch)
            for epoch in np.unique(_slots_of(self.path)[list(self._slots.values()), 16:20].copy().view("<u4"))
        }

    def rewrap(self, epoch: int) -> int:
        """Wrap all secrets by another epoch's data key, in a new file that takes the old one's place; how many."""
        if not self._slots:
            return 0
        fresh = [self._sealed(record, epoch, self.secret(record)) for record in self._slots]
        replace_private(self.path, _MAGIC.ljust(SLOT, b"\0") + b"".join(fresh), erase=True)
        self._index()
        return len(fresh)

    def _index(self) -> None:
        slots = _slots_of(self.path)
        self._end = len(slots)
        self._slots = _ids(slots)
        self._free = sorted(set(range(1, self._end)) - set(self._slots.values()))

    def _sealed(self, record: bytes, epoch: int, secret: bytes) -> bytes:
        head = _PLAIN.pack(record, epoch)
        return head + self._wrapper(self._country, epoch).wrap(secret, self._label(head))

    def _opened(self, slot: bytes, record: bytes) -> bytes:
        if len(slot) != SLOT or slot[:16] != record:
            raise Damaged(f"The record keys of {self._country} were changed under the vault.", advice=_RESTORE)
        epoch = _PLAIN.unpack_from(slot)[1]
        return self._wrapper(self._country, epoch).unwrap(slot[_PLAIN.size :], self._label(slot[: _PLAIN.size]))

    def _label(self, head: bytes) -> bytes:
        return b"limen-record-key:" + self._country.encode("ascii") + head

    def _write(self, at: int, slot: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, slot, at * SLOT)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def ids_in(path: Path) -> dict[bytes, int]:
    """Records that have a secret in a file of record keys, with their slots; nothing is opened."""
    return _ids(_slots_of(path))


def shred_slots(path: Path, slots: dict[bytes, int]) -> None:
    """Overwrite slots with zeros, on disk before this returns."""
    if not slots:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for at in slots.values():
            os.pwrite(descriptor, _FREE, at * SLOT)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ids(slots: np.ndarray) -> dict[bytes, int]:
    used = np.flatnonzero(slots[:, :16].max(axis=1) > 0)
    return {slots[at, :16].tobytes(): int(at) for at in used if at > 0}


_RESTORE = "Restore DATA/vault from its backup."


def _slots_of(path: Path) -> np.ndarray:
    """uint8 (slots, 80). A last slot that a crash cut short was never confirmed, and is left out."""
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise Damaged(f"{path} holds no record keys.", advice=_RESTORE)
    return np.frombuffer(data, np.uint8, len(data) // SLOT * SLOT).reshape(-1, SLOT)
