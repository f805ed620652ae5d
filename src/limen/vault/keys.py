"""The key ring: a key per country wraps that country's data keys, one an epoch; what seals is derived from those.

    custody (key file, passphrase, token)
    ├── identity            Ed25519; the hub's name to the world
    └── country key         AES-256, one a country
        └── data key        one an epoch; kept wrapped in DATA/vault/keys.json
            └── use key     HKDF-SHA256 of it, one a use: template, sample, fields, file

Only use keys ever leave this module, and only template keys the vault. The store is JSON with wrapped keys, replaced
atomically; a new key is on disk before anything is sealed with it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import threading
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from limen.errors import BadInput, Damaged, KeyUnavailable, Unavailable
from limen.vault.custody import KEY, AesCustody, Custody, FileCustody
from limen.vault.files import replace_private
from limen.vault.seal import Use

FORMAT = 1
_COUNTRY = re.compile(r"[A-Z]{3}")


def use_key(data_key: bytes, country: str, epoch: int, use: Use) -> bytes:
    """The 32-byte key that seals one use: HKDF-SHA256 (RFC 5869), so that no use key tells another."""
    info = b"limen-use-key-v1\0" + country.encode("ascii") + epoch.to_bytes(4, "little") + bytes([use])
    return HKDF(SHA256(), KEY, salt=None, info=info).derive(data_key)


class KeyRing:
    """The keys of one hub. Thread-safe; one process at a time may hold it."""

    def __init__(self, folder: Path, custody: Custody | None = None) -> None:
        """Open the ring in a folder, or create it.

        Args:
            folder: DATA/vault; created with mode 0700.
            custody: default the key file `root.key` in the folder.

        Raises:
            Unavailable: another process holds the ring.
            KeyUnavailable, Damaged: the root key or the store is missing, wrong or changed.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._lock = _hold(folder / "lock")
        self._store = folder / "keys.json"
        self._mutex = threading.RLock()
        fresh = not self._store.exists()
        self._custody = custody or FileCustody(folder / "root.key", create=fresh)
        self._content = self._new() if fresh else self._read()
        self._identity = Ed25519PrivateKey.from_private_bytes(
            self._custody.unwrap(_bytes(self._content["identity"]), b"limen-identity")
        )
        self._use_key = lru_cache(maxsize=4096)(self._derive)

    def close(self) -> None:
        """Let go of the ring, so that another process may hold it."""
        self._use_key.cache_clear()
        os.close(self._lock)

    @property
    def custody(self) -> str:
        """Which custody holds the root: "file", ..."""
        return self._custody.name

    @property
    def identity(self) -> bytes:
        """The hub's Ed25519 public key, 32 bytes."""
        return self._identity.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature by the hub's identity, 64 bytes. Callers keep the kinds of message apart by prefix."""
        return self._identity.sign(message)

    def countries(self) -> list[str]:
        """Countries that have a key here."""
        with self._mutex:
            return sorted(self._content["countries"])

    def epoch(self, country: str) -> int:
        """The epoch that seals now; the country's keys are made on first use."""
        with self._mutex:
            if country not in self._content["countries"]:
                self._admit(country)
            return int(self._content["countries"][country]["epoch"])

    def key(self, country: str, epoch: int, use: Use) -> bytes:
        """The use key of a country's epoch; `KeyUnavailable` if there is none."""
        return self._use_key(country, epoch, use)

    def rotate(self, country: str) -> int:
        """Begin a new epoch: a new data key seals from now on, the older ones still open. Returns the epoch."""
        with self._mutex:
            epoch = self.epoch(country) + 1
            entry = self._content["countries"][country]
            entry["data"][str(epoch)] = _text(self._wrapper(country).wrap(os.urandom(KEY), _label(country, epoch)))
            entry["epoch"] = epoch
            self._write()
            return epoch

    def _derive(self, country: str, epoch: int, use: Use) -> bytes:
        with self._mutex:
            wrapped = self._content["countries"].get(country, {}).get("data", {}).get(str(epoch))
            if wrapped is None:
                raise KeyUnavailable(
                    f"There is no key of {country} for epoch {epoch}.",
                    advice="It was withdrawn, or the key store is older than the records.",
                )
            return use_key(self._wrapper(country).unwrap(_bytes(wrapped), _label(country, epoch)), country, epoch, use)

    def _wrapper(self, country: str) -> AesCustody:
        wrapped = _bytes(self._content["countries"][country]["key"])
        return AesCustody(self._custody.unwrap(wrapped, b"limen-country:" + country.encode("ascii")))

    def _admit(self, country: str) -> None:
        if not _COUNTRY.fullmatch(country):
            raise BadInput("A country is three capital letters, as in ISO 3166-1 alpha-3.")
        key = os.urandom(KEY)
        self._content["countries"][country] = {
            "key": _text(self._custody.wrap(key, b"limen-country:" + country.encode("ascii"))),
            "epoch": 1,
            "data": {"1": _text(AesCustody(key).wrap(os.urandom(KEY), _label(country, 1)))},
        }
        self._write()

    def _new(self) -> dict:
        seed = Ed25519PrivateKey.generate().private_bytes_raw()
        self._content = {
            "format": FORMAT,
            "custody": self._custody.name,
            "identity": _text(self._custody.wrap(seed, b"limen-identity")),
            "countries": {},
        }
        self._write()
        return self._content

    def _read(self) -> dict:
        try:
            content = json.loads(self._store.read_bytes())
            if content["format"] != FORMAT:
                raise Damaged(f"{self._store} has format {content['format']}, which this release does not know.")
            return dict(content)
        except (ValueError, KeyError, TypeError):
            raise Damaged(f"{self._store} is not a key store.", advice="Restore it from its backup.") from None

    def _write(self) -> None:
        replace_private(self._store, json.dumps(self._content, indent=1).encode())


def _hold(path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Unavailable(
            "Another process holds this hub's keys.", advice="Stop the other hub on this data folder, then try again."
        ) from None
    return lock


def _label(country: str, epoch: int) -> bytes:
    return f"limen-data:{country}:{epoch}".encode("ascii")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
