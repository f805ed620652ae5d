"""Who holds the key that wraps all others: the seam between the vault and a key file, a passphrase or a token.

Embedded, that is `FileCustody`: 32 random bytes in a file of mode 0600. A passphrase or a PKCS#11 token (one for the
hub, or one a country) take its place by wrapping and unwrapping in the same two calls.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limen.errors import Damaged, KeyUnavailable
from limen.vault.files import create_private

KEY = 32  # bytes: AES-256
NONCE = 12  # bytes


class Custody(Protocol):
    """Wraps keys with one that never leaves it."""

    name: str

    def wrap(self, key: bytes, label: bytes) -> bytes:
        """The key, wrapped and bound to what the label says that it is."""

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The key again. `KeyUnavailable`: the custody cannot be reached; `Damaged`: not wrapped here as that."""


class AesCustody:
    """Wraps with an AES-256-GCM key in this process's memory."""

    name = "memory"

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, label: bytes) -> bytes:
        """Nonce, ciphertext and tag; the label is bound as associated data."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, key, label)

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The key that was wrapped under this label; `Damaged` if it was not."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], label)
        except (InvalidTag, ValueError):
            raise Damaged(
                "A wrapped key does not open: the key store was changed, or belongs to another root key.",
                advice="Restore DATA/vault from one and the same backup.",
            ) from None


class FileCustody(AesCustody):
    """Wraps with a key that lies in a file of mode 0600, created on first use."""

    name = "file"

    def __init__(self, path: Path, *, create: bool) -> None:
        """Read the key file, or create it.

        Raises:
            KeyUnavailable: there is none and `create` is false.
            Damaged: it is not a key file, or others may read it.
        """
        if not path.exists():
            if not create:
                raise KeyUnavailable(
                    f"The root key {path} is missing, and the key store needs it.",
                    advice="Put the key file back; without it nothing that was sealed can be opened.",
                )
            create_private(path, os.urandom(KEY))
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Damaged(f"The root key {path} can be read by others.", advice=f"Run: chmod 600 {path}")
        key = path.read_bytes()
        if len(key) != KEY:
            raise Damaged(f"The root key {path} does not have {KEY} bytes.", advice="Restore it from its backup.")
        super().__init__(key)
