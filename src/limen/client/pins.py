"""Which key a hub had when this client first met it: one line a hub, beside the client's own keys.

Hubs on this machine (loopback addresses) are not remembered: nobody stands between, and hubs for trial come and go on
the same port. Give `hub_key` where that is not enough.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from limen.access import keys
from limen.errors import BadInput, Refused

FILE = "hubs.json"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def pinned(url: str, key: bytes, folder: Path | None = None) -> None:
    """Check a hub's key against the one that is known, or remember it if the hub is met for the first time.

    Args:
        url: the hub's address.
        key: Ed25519 public key that the hub says is its own, 32 bytes.
        folder: where the client's keys are; default `access.keys.folder()`.

    Raises:
        Refused: the hub was known by another key (`hub-key-changed`).
        BadInput: the file of known hubs cannot be read.
    """
    if urlsplit(url).hostname in LOOPBACK:
        return
    file = (folder or keys.folder()) / FILE
    known = _read(file)
    if known.get(url) == key.hex():
        return
    if url in known:
        raise Refused(
            "The hub's identity is not the one that this client knows; nothing was sent.",
            advice=f"Ask its operator. If the key was changed on purpose, remove the hub's line from {file}.",
            code="hub-key-changed",
        )
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(known | {url: key.hex()}, indent=1, sort_keys=True) + "\n")
    fresh.replace(file)


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(f"The file of known hubs {file} cannot be read.", advice="Restore or remove it.")
    return found
