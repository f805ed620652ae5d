"""Logs that tests make up."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limen.ledger.entry import Entry, Kind
from limen.ledger.log import Log
from limen.ledger.note import Key

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
IDENTITY = KEY.public_key().public_bytes_raw()
ORIGIN = "hub.example.org/ledger"
LOG_KEY = Key(ORIGIN, IDENTITY)


def line(number: int) -> bytes:
    """An entry that differs from all others."""
    return Entry(Kind.SEARCH_ADMITTED, number.to_bytes(16, "big"), 29_000_000 + number // 60).pack()


def grow(folder: Path, *sizes: int, first: int = 0) -> None:
    """Append until the log has each of these sizes, a commit each. Entries are `line(index + first)`."""
    log = Log(folder, ORIGIN, IDENTITY)
    try:
        for size in sizes:
            log.append([line(index + first) for index in range(log.checkpoint.size, size)], KEY.sign)
    finally:
        log.close()
