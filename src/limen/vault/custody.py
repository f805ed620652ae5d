"""Who holds the key that wraps all others: the seam between the vault and a key file, a passphrase or a token.

`FileCustody`: 32 random bytes in a file of mode 0600, for trying the hub out. `PassphraseCustody`: the same bytes,
wrapped by a key that Argon2id derives from a passphrase. `vault.token.TokenCustody`: a key that never leaves a PKCS#11
token, of the hub or of a country. All wrap and unwrap in the same two calls, and say whether they are there.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from limen.errors import BadInput, Damaged, KeyUnavailable
from limen.vault.files import create_private, wipe

KEY = 32  # bytes: AES-256
NONCE = 12  # bytes
SALT = 16  # bytes
ITERATIONS, LANES, MEMORY_KIB = 3, 4, 64 << 10  # RFC 9106, section 4: the second recommended option of Argon2id
LEAST_PASSPHRASE = 12  # characters: at 0.1 s a guess, twelve random letters outlast any attacker


class Custody(Protocol):
    """Wraps keys with one that never leaves it."""

    name: str

    def wrap(self, key: bytes, label: bytes) -> bytes:
        """The key, wrapped and bound to what the label says that it is."""

    def unwrap(self, wrapped: bytes, label: bytes) -> bytes:
        """The key again. `KeyUnavailable`: the custody cannot be reached; `Damaged`: not wrapped here as that."""

    def check(self) -> None:
        """`KeyUnavailable`, with the reason, if it could not unwrap anything now."""

    def close(self) -> None:
        """Let go of what it holds open."""


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

    def check(self) -> None:
        """It is in memory, hence there."""

    def close(self) -> None:
        """Nothing is open."""


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
            _must_create(path, create)
            create_private(path, os.urandom(KEY))
        key = _read_private(path)
        if len(key) != KEY:
            raise Damaged(f"The root key {path} does not have {KEY} bytes.", advice="Restore it from its backup.")
        super().__init__(key)


class PassphraseCustody(AesCustody):
    """Wraps with a key that lies in a file too, itself wrapped by what Argon2id makes of a passphrase."""

    name = "passphrase"

    def __init__(self, path: Path, passphrase: bytes, *, create: bool) -> None:
        """Open the wrapped key file, or create it.

        Raises:
            BadInput: a new passphrase is too short.
            KeyUnavailable: the file is missing and `create` is false, no passphrase was given, or it is the wrong one.
            Damaged: it is no wrapped key file, or others may read it.
        """
        if not passphrase:
            raise KeyUnavailable(
                "The hub's keys need their passphrase, and none was given.",
                advice="Start `limen serve` on a terminal, or set passphrase_file.",
            )
        if not path.exists():
            _must_create(path, create)
            create_private(path, lock_with_passphrase(os.urandom(KEY), passphrase, b"limen-root"))
        super().__init__(unlock_with_passphrase(_read_private(path), passphrase, b"limen-root"))


def lock_with_passphrase(secret: bytes, passphrase: bytes, label: bytes) -> bytes:
    """A small JSON file from which only the passphrase brings the secret back.

    Args:
        secret: any bytes.
        passphrase: at least `LEAST_PASSPHRASE` bytes; `BadInput` if shorter.
        label: what the secret is; must be given again to open.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        raise BadInput(f"The passphrase has fewer than {LEAST_PASSPHRASE} characters.", advice="Take four words.")
    salt = os.urandom(SALT)
    wrapped = AesCustody(_stretch(passphrase, salt, ITERATIONS, LANES, MEMORY_KIB)).wrap(secret, label)
    content = {
        "format": "limen-passphrase-1",
        "argon2id": {"salt": _text(salt), "iterations": ITERATIONS, "lanes": LANES, "memory_kib": MEMORY_KIB},
        "wrapped": _text(wrapped),
    }
    return json.dumps(content, indent=1).encode()


def unlock_with_passphrase(content: bytes, passphrase: bytes, label: bytes) -> bytes:
    """The secret of `lock_with_passphrase`.

    Raises:
        KeyUnavailable: the passphrase is wrong (or the file was changed: the two cannot be told apart).
        Damaged: it is no such file.
    """
    try:
        found = json.loads(content)
        stretch, wrapped = found["argon2id"], base64.b64decode(found["wrapped"], validate=True)
        numbers = [int(stretch[name]) for name in ("iterations", "lanes", "memory_kib")]
        salt = base64.b64decode(stretch["salt"], validate=True)
        if found["format"] != "limen-passphrase-1" or not (
            numbers[0] <= 64 and numbers[1] <= 64 and numbers[2] <= 4 << 20
        ):
            raise ValueError
        key = _stretch(passphrase, salt, *numbers)
    except (ValueError, KeyError, TypeError):
        raise Damaged("This is no file that a passphrase opens.", advice="Restore it from its backup.") from None
    try:
        return AesCustody(key).unwrap(wrapped, label)
    except Damaged:
        raise KeyUnavailable(
            "The passphrase is wrong, or its file was changed.", advice="Try again; without it nothing can be opened."
        ) from None


def _stretch(passphrase: bytes, salt: bytes, iterations: int, lanes: int, memory: int) -> bytes:
    return Argon2id(salt=salt, length=KEY, iterations=iterations, lanes=lanes, memory_cost=memory).derive(passphrase)


def read_secret(path: Path, what: str) -> bytes:
    """A passphrase or PIN from a file: its first line. `KeyUnavailable` if there is none."""
    try:
        return path.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as error:
        raise KeyUnavailable(
            f"The {what} cannot be read from {path}: {error.strerror}.", advice="Check the setting and the file's mode."
        ) from None


def erase_root(path: Path) -> None:
    """Overwrite and remove a root key that no longer wraps anything."""
    wipe(path)


def _must_create(path: Path, create: bool) -> None:
    if not create:
        raise KeyUnavailable(
            f"The root key {path} is missing, and the key store needs it.",
            advice="Put the key file back; without it nothing that was sealed can be opened.",
        )


def _read_private(path: Path) -> bytes:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Damaged(f"The root key {path} can be read by others.", advice=f"Run: chmod 600 {path}")
    return path.read_bytes()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
