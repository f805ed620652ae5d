"""Keyed hashes, so that a stolen database does not tell which record ids or images are in it.

Each country has a random key of its own. It is kept in `countries.index_key`, sealed by the vault like a personal
field; where the country's key is gone, so are its lookups.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Protocol

from limen.errors import NotFound
from limen.records.database import Database
from limen.records.tables import Country
from limen.vault.seal import Context, Use

_NOBODY = bytes(16)


class Vault(Protocol):
    """What records need of the vault (`vault.client.VaultClient` has it)."""

    def seal(self, context: Context, plaintext: bytes) -> tuple[int, bytes]: ...
    def unseal(self, context: Context, blob: bytes) -> bytes: ...
    def reseal(self, context: Context, blob: bytes, *, renew: bool = False) -> tuple[int, bytes]: ...


class Resealer(Protocol):
    """What sealing anew needs of the vault (`vault.client.VaultClient` has it)."""

    def reseal(self, context: Context, blob: bytes, *, renew: bool = False) -> tuple[int, bytes]: ...


class KeyedHash:
    """One country's keyed hashes (HMAC-SHA256, 32 bytes), a domain for each kind of thing."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def record_id(self, external_id: str) -> bytes:
        """Of a record id; surrounding blanks do not count."""
        return self._hash(b"record", external_id.strip().encode())

    def fields(self, packed: bytes) -> bytes:
        """Of packed personal fields."""
        return self._hash(b"fields", packed)

    def image(self, modality: int, position: int, ppi: int, sha256: bytes) -> bytes:
        """Of an image: what it is said to be, and the SHA-256 of its bytes."""
        return self._hash(b"image", bytes([modality, position]) + ppi.to_bytes(2, "little") + sha256)

    def _hash(self, domain: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, b"limen-index-v1\0" + domain + b"\0" + data, hashlib.sha256)


def index_context(country: str) -> Context:
    """What a country's index key is bound to."""
    return Context(Use.FIELDS, country.encode("ascii"), _NOBODY, _NOBODY, 0, 0, b"", 0)


def keyed_hash(database: Database, vault: Vault, country: str) -> KeyedHash:
    """A country's keyed hashes; its key is made at first use.

    Raises:
        NotFound: the country is not registered.
        KeyUnavailable, Unavailable, Damaged: as the vault says.
    """
    context = index_context(country)
    with database.reading() as session:
        sealed = _country(session.get(Country, country), country).index_key
    if sealed is None:
        fresh = vault.seal(context, os.urandom(32))[1]
        with database.writing() as session:
            row = _country(session.get(Country, country, with_for_update=True), country)
            row.index_key = row.index_key or fresh  # another process may have been first
            sealed = row.index_key
    return KeyedHash(vault.unseal(context, sealed))


def _country(row: Country | None, code: str) -> Country:
    if row is None:
        raise NotFound(
            f"{code} does not take part in this hub.", advice=f"Register it: limen access country add {code}."
        )
    return row
