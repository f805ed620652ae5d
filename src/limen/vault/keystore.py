"""The key store as a file: `DATA/vault/keys.json`, wrapped keys only, held by one process and replaced atomically."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limen.errors import Damaged, Unavailable
from limen.vault.custody import Custody
from limen.vault.files import replace_private

FORMATS = (1, 2)  # 1: before countries could take their keys back
IDENTITY = b"limen-identity"  # what the hub's identity is wrapped as

Content = dict[str, Any]  # format, custody, identity, and countries: of each its state, custody, key, epoch, data keys


def hold(path: Path) -> int:
    """Lock the store for this process; the descriptor whose closing lets go. `Unavailable`: another one holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Unavailable(
            "Another process holds this hub's keys.", advice="Stop the other hub on this data folder, then try again."
        ) from None
    return lock


def fresh(custody: Custody) -> Content:
    """A new hub's store: an identity, and no country yet."""
    seed = Ed25519PrivateKey.generate().private_bytes_raw()
    identity = as_text(custody.wrap(seed, IDENTITY))
    return {"format": FORMATS[-1], "custody": custody.name, "identity": identity, "countries": {}}


def read(path: Path) -> Content:
    """The store; `Damaged` if it is none, or of another release."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] not in FORMATS:
            raise Damaged(f"{path} has format {content['format']}, which this release does not know.")
        if not isinstance(content["countries"], dict) or not isinstance(content["identity"], str):
            raise ValueError
        return dict(content) | {"format": FORMATS[-1]}
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{path} is not a key store.", advice="Restore it from its backup.") from None


def write(path: Path, content: Content, *, erase: bool = False) -> None:
    """Replace the store, on disk before this returns; erase: overwrite what the old one held."""
    replace_private(path, json.dumps(content, indent=1).encode(), erase=erase)


def country_label(country: str) -> bytes:
    """What a country's key is wrapped as."""
    return b"limen-country:" + country.encode("ascii")


def data_label(country: str, epoch: int) -> bytes:
    """What a data key is wrapped as."""
    return f"limen-data:{country}:{epoch}".encode("ascii")


def as_text(data: bytes) -> str:
    """A wrapped key as it stands in the store."""
    return base64.b64encode(data).decode("ascii")


def as_bytes(text: str) -> bytes:
    """It again."""
    return base64.b64decode(text)
