"""A folder of sealed chunks and snapshots.

    repository.json       what it is, and its key, locked with a passphrase (Argon2id)
    chunks/ab/abcd...     AES-256-GCM(content); the name is HMAC-SHA256 of the content
    snapshots/NAME        AES-256-GCM(CBOR manifest); names are UTC times
    keys/                 `mirror`: kept as the hub's vault has it now

What was stored once is not stored again: a backup writes what changed. Nothing in the names or sizes tells more than
how much there is.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import time
from pathlib import Path
from typing import Any, Self

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.errors import BadInput, Damaged, NotFound
from limen.vault.custody import lock_with_passphrase, unlock_with_passphrase
from limen.vault.files import create_private, replace_private, write_private

FORMAT = "limen-backup-1"
KEY, NONCE = 32, 12  # bytes
_LABEL = b"limen-backup"
_SNAPSHOT = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


class Repository:
    """An opened repository.

    Attributes:
        folder: where it is.
        written: bytes of chunks that this object added; what was there already does not count.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder, self.written = folder, 0
        self._cipher = AESGCM(_derived(key, b"chunks"))
        self._naming = _derived(key, b"names")

    @classmethod
    def create(cls, folder: Path, passphrase: bytes) -> Self:
        """A new repository in a folder that is empty or not there yet.

        Raises:
            BadInput: the folder holds something else, or the passphrase is too short.
        """
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty, and no repository.", advice="Give a new folder.")
        key = os.urandom(KEY)
        locked = json.loads(lock_with_passphrase(key, passphrase, _LABEL))
        for part in (folder, folder / "chunks", folder / "snapshots", folder / "keys"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_private(folder / "repository.json", json.dumps({"format": FORMAT, "key": locked}, indent=1).encode())
        return cls(folder, key)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes) -> Self:
        """An existing repository.

        Raises:
            NotFound: there is none.
            KeyUnavailable: the passphrase is wrong.
            Damaged: its description is.
        """
        if not (folder / "repository.json").is_file():
            raise NotFound(f"There is no backup repository in {folder}.", advice="Check the path.")
        try:
            content = json.loads((folder / "repository.json").read_bytes())
            if content["format"] != FORMAT:
                raise ValueError
            locked = json.dumps(content["key"]).encode()
        except (ValueError, KeyError, TypeError):
            raise Damaged(f"{folder}/repository.json is damaged.", advice="Use another copy of it.") from None
        return cls(folder, unlock_with_passphrase(locked, passphrase, _LABEL))

    def put(self, content: bytes) -> bytes:
        """Store a chunk, unless it is there; its name, 32 bytes."""
        name = hmac.digest(self._naming, content, hashlib.sha256)
        path = self._path(name)
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            new = path.with_suffix(".new")
            write_private(new, self.seal(name, content))
            self.written += new.stat().st_size
            new.replace(path)
        return name

    def get(self, name: bytes) -> bytes:
        """A chunk's content. `Damaged`: it is missing, or not what was stored."""
        try:
            sealed = self._path(name).read_bytes()
        except OSError:
            raise Damaged("The repository lacks a chunk.", advice=_OTHER) from None
        return self.unseal(name, sealed)

    def names(self) -> set[bytes]:
        """Names of all chunks."""
        return {bytes.fromhex(path.name) for path in (self.folder / "chunks").glob("*/*") if not path.suffix}

    def drop(self, name: bytes) -> None:
        """Remove a chunk that no snapshot needs."""
        self._path(name).unlink(missing_ok=True)

    def put_snapshot(self, manifest: dict[str, Any]) -> str:
        """Store a snapshot's manifest; its name."""
        base = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        name, tries = base, 1
        while (self.folder / "snapshots" / name).exists():
            name, tries = f"{base}-{tries}", tries + 1
        replace_private(self.folder / "snapshots" / name, self.seal(name.encode(), cbor2.dumps(manifest)))
        return name

    def snapshot(self, name: str) -> dict[str, Any]:
        """A snapshot's manifest. `NotFound`, `Damaged`."""
        path = self.folder / "snapshots" / name
        if not _SNAPSHOT.fullmatch(name) or not path.is_file():
            raise NotFound("There is no such snapshot.", advice="See: limen backup list.")
        manifest: dict[str, Any] = cbor2.loads(self.unseal(name.encode(), path.read_bytes()))
        return manifest

    def snapshots(self) -> list[str]:
        """Names of all snapshots, the oldest first."""
        return sorted(path.name for path in (self.folder / "snapshots").iterdir() if _SNAPSHOT.fullmatch(path.name))

    def forget_snapshot(self, name: str) -> None:
        """Remove a snapshot; its chunks stay until `drop`."""
        (self.folder / "snapshots" / name).unlink()

    def seal(self, label: bytes, content: bytes) -> bytes:
        """Nonce, ciphertext and tag, bound to what the label says that it is."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, content, label)

    def unseal(self, label: bytes, sealed: bytes) -> bytes:
        """What was sealed under this label; `Damaged` if it was not."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], label)
        except (InvalidTag, ValueError):
            raise Damaged("A part of the repository was changed or cut.", advice=_OTHER) from None

    def _path(self, name: bytes) -> Path:
        return self.folder / "chunks" / name.hex()[:2] / name.hex()


_OTHER = "Use another snapshot, or another copy of the repository."


def _derived(key: bytes, what: bytes) -> bytes:
    return HKDF(SHA256(), KEY, salt=None, info=b"limen-backup-v1\0" + what).derive(key)
