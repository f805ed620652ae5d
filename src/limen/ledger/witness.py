"""Witnessing (C2SP tlog-cosignature): cosign another hub's checkpoint that continues the last one that was seen.

A witness keeps, of each log, its key and the last checkpoint, on disk before its cosignature leaves. So a log that
shows two different pasts to two parties cannot have both of them witnessed here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from limen.errors import BadInput, Refused
from limen.ledger import note
from limen.ledger.checking import consistent
from limen.ledger.note import COSIGNATURE, Checkpoint, Key
from limen.ledger.tiles import Folder, make
from limen.ledger.tree import Tree


@dataclass(frozen=True)
class Witness:
    """A witness: its folder, its name and key (type `COSIGNATURE`), and how it signs (Ed25519, 64 bytes)."""

    folder: Path
    key: Key
    sign: Callable[[bytes], bytes]

    def cosign(self, log: Path, trusted: Key | None = None, *, now: int | None = None) -> bytes:
        """Check a log's newest checkpoint against the last one seen, and cosign it.

        Args:
            log: the log's folder, or a copy of it: `checkpoint` and `tile/`.
            trusted: the log's key; needed the first time, afterwards the one known is used.
            now: Unix seconds.

        Returns:
            The note with this witness's signature line added.

        Raises:
            BadInput: no checkpoint there, or the log's key is not known yet.
            Refused: not signed by the log's key (`checkpoint-forged`); cut off (`ledger-shrunk`); no continuation of
                what was seen before (`ledger-forked`).
        """
        try:
            data = (log / "checkpoint").read_bytes()
        except OSError:
            raise BadInput(f"There is no checkpoint in {log}.") from None
        origin = note.parse(note.split(data)[0]).origin
        place = self.folder / hashlib.sha256(origin.encode()).hexdigest()[:32]
        make(place.absolute())
        with _held(place / "lock"):
            known = _known(place, trusted, origin)
            head = note.opened(data, known)
            _check_continues(_seen(place, known), head, log)
            stamp = int(time.time()) if now is None else now
            signed = (
                data
                + self.key.line(stamp.to_bytes(8, "big") + self.sign(note.cosigned_bytes(head.text, stamp))).encode()
            )
            note.opened(signed, self.key)
            folder = Folder(place)
            folder.write("key", f"{known}\n".encode())
            folder.write("checkpoint", signed)
        return signed


def witness_key(name: str, public: bytes) -> Key:
    """A witness's key, as others need it."""
    return Key(name, public, COSIGNATURE)


def _known(place: Path, trusted: Key | None, origin: str) -> Key:
    known = Key.parse((place / "key").read_text()) if (place / "key").exists() else None
    if known and trusted and known != trusted:
        raise Refused(
            "This log is known under another key.",
            advice="If the hub changed its key, ask its operator for proof before you forget the old one.",
            code="log-key-changed",
        )
    key = known or trusted
    if key is None:
        raise BadInput(f"The key of {origin} is not known here yet.", advice="Give it with --key, once.")
    if key.name != origin:
        raise BadInput(f"The key given is of {key.name}, the log is {origin}.")
    return key


def _seen(place: Path, key: Key) -> Checkpoint | None:
    path = place / "checkpoint"
    return note.opened(path.read_bytes(), key) if path.exists() else None


def _check_continues(seen: Checkpoint | None, head: Checkpoint, log: Path) -> None:
    tree = Tree(head.size, Folder(log).tile)
    if seen is None:
        if tree.root() != head.root:
            raise _forked("The log's tiles do not hash to its checkpoint.")
        return
    if head.size < seen.size:
        raise Refused(
            f"The log had {seen.size} entries and shows {head.size} now.",
            advice="Ask its operator; do not trust it meanwhile.",
            code="ledger-shrunk",
        )
    if not consistent(seen.size, seen.root, head.size, head.root, tree.consistency(seen.size)):
        raise _forked(f"The log does not continue the checkpoint of {seen.size} entries that was seen here.")


def _forked(message: str) -> Refused:
    return Refused(message, advice="Ask its operator; do not trust it meanwhile.", code="ledger-forked")


@contextmanager
def _held(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
