"""Private keys of officers and devices, as files on the client's machine: PEM (PKCS #8), readable by their user alone.

The folder is `LIMEN_KEYS`, else `keys` in the user's configuration folder. The hub itself keeps public keys only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path

import platformdirs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from limen.access.signing import KEY_ID
from limen.errors import BadInput, NotFound


def folder() -> Path:
    """Where the client's keys are."""
    return Path(os.environ.get("LIMEN_KEYS") or platformdirs.user_config_path("limen") / "keys")


def path(key_id: str, keys: Path | None = None) -> Path:
    """File of one key, `FOLDER/BIH/officer1.pem`; `BadInput` if the name is malformed."""
    return (keys or folder()) / f"{check_id(key_id)}.pem"


def check_id(key_id: str) -> str:
    """The name itself, `COUNTRY/NAME`; `BadInput` if it is malformed."""
    if not KEY_ID.fullmatch(key_id):
        raise BadInput(
            f"'{key_id[:80]}' is no name of an officer or device.",
            advice="Use COUNTRY/NAME, such as BIH/officer1: letters, digits, dot, hyphen and underscore.",
        )
    return key_id


def generate(key_id: str, keys: Path | None = None) -> bytes:
    """Make a key pair, write the private key, and return the raw public key (32 bytes).

    Raises:
        BadInput: there is such a key already; it is never overwritten.
    """
    file = path(key_id, keys)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadInput(
            f"There is a key of {key_id} already, in {file}.", advice="Register it, or move it away first."
        ) from None
    with os.fdopen(descriptor, "wb") as out:
        out.write(pem)
    return key.public_key().public_bytes_raw()


def load(key_id: str, keys: Path | None = None) -> Ed25519PrivateKey:
    """The private key of an officer or device on this machine.

    Raises:
        NotFound: there is none here.
        BadInput: the file is no unencrypted Ed25519 key.
    """
    file = path(key_id, keys)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise NotFound(
            f"There is no key of {key_id} in {file.parent.parent}.",
            advice=f"Register one: limen access officer add {key_id}; or set LIMEN_KEYS to the keys' folder.",
        ) from None
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{file} holds no Ed25519 private key.", advice="Restore it, or register a new one.")
    return key


def read_public(file: Path) -> bytes:
    """Raw public key (32 bytes) from a file: PEM, OpenSSH (`ssh-ed25519 ...`), or 32 bytes in base64.

    Raises:
        BadInput: the file cannot be read or holds no Ed25519 public key.
    """
    try:
        data = file.read_bytes()[:8192]
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    key: object = None
    try:
        if data.startswith(b"ssh-"):
            key = serialization.load_ssh_public_key(data)
        elif data.lstrip().startswith(b"-----BEGIN"):
            key = serialization.load_pem_public_key(data)
        else:
            raw = base64.b64decode(data.strip(), validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw) if len(raw) == 32 else None
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(
            f"{file} holds no Ed25519 public key.",
            advice="Give a PEM or OpenSSH public key: openssl pkey -in KEY -pubout, or ssh-keygen -t ed25519.",
        )
    return key.public_bytes_raw()


def fingerprint(public_key: bytes) -> str:
    """Short name of a public key, to compare by eye: first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]
