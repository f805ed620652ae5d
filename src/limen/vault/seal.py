"""Sealed blobs: what a country entrusts to the hub, readable only with its key and only as what it was sealed as.

A blob is, little-endian: version (uint8), epoch of the data key (uint32), nonce (12 random bytes), then AES-256-GCM
ciphertext and 16-byte tag. The associated data are the first five bytes of the blob and the `Context`: a blob that was
swapped with another record's, given another expiry or moved to another epoch does not open. Version 2 is sealed with a
key of its record alone (`keys.KeyRing.key`), version 1 with one of the country: what belongs to no record.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import lru_cache
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limen.errors import Damaged
from limen.wire.messages import SEAL_CONTEXT, SealedAs

OF_COUNTRY, OF_RECORD = 1, 2  # versions
NOBODY = bytes(16)  # in place of a record: what belongs to the country as a whole
HEAD = struct.Struct("<BI")  # version, epoch
NONCE = 12  # bytes; NIST SP 800-38D, 8.2.2: random nonces, at most 2**32 messages a key
TAG = 16  # bytes
OVERHEAD = HEAD.size + NONCE + TAG  # 33 bytes more than the plaintext

_BODY = HEAD.size + NONCE
_RESTORE = "Restore the record from its owner or a backup."
_CONTEXT = struct.Struct("<" + SEAL_CONTEXT)
DOMAIN = b"limen-seal-v1\0"
_BOUND = tuple(field.name for field in fields(SealedAs))


class Use(IntEnum):
    """What a blob is; each use has its own key, so that who may read templates cannot read names."""

    TEMPLATE = 1
    SAMPLE = 2  # a portrait or other picture that is shown
    FIELDS = 3  # personal fields
    FILE = 4  # the original bytes of an image or file


@dataclass(frozen=True, slots=True)
class Context:
    """What a blob is bound to: the fields of `wire.messages.Seal`, in the form that they have there.

    Attributes:
        use: see `Use`.
        country: owner, three ASCII letters.
        record, sample: UUIDs, 16 bytes; sample is 16 zero bytes for what belongs to the whole record.
        modality, position: `terms.Modality`, `terms.Position`; 0 where there is none.
        model: at most 16 ASCII bytes, NUL-padded or not; empty for all but templates.
        expires: Unix seconds until when the owner lets it be used; 0 for no end.
    """

    use: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    model: bytes
    expires: int

    @classmethod
    def of(cls, message: SealedAs) -> Self:
        """The context that a message carries."""
        return cls(*(getattr(message, name) for name in _BOUND))

    def aad(self) -> bytes:
        """The bound bytes, 76 of them: domain, then the fields in fixed layout. `ValueError` if one is too long."""
        if len(self.country) != 3 or len(self.record) != 16 or len(self.sample) != 16 or len(self.model) > 16:
            raise ValueError("a seal's context has a field of the wrong length")
        return DOMAIN + _CONTEXT.pack(*self.fields())

    def fields(self) -> tuple[int, bytes, bytes, bytes, int, int, bytes, int]:
        """The eight bound fields, in the order of `wire.messages.SealedAs`."""
        return (
            self.use,
            self.country,
            self.record,
            self.sample,
            self.modality,
            self.position,
            self.model,
            self.expires,
        )


def successor(record: bytes) -> bytes:
    """The name, 16 bytes, of the secret that comes after the one of this name: where a sample of the record goes.

    It follows from the name alone, so that what is sealed anew under it can come from that record and from no other.
    """
    return hashlib.sha256(b"limen-next-secret-v1\0" + record).digest()[:16]


def seal_blob(key: bytes, context: Context, epoch: int, plaintext: bytes) -> bytes:
    """Seal bytes with the 32-byte key (`vault.keys.KeyRing.key`) of the epoch, use and record.

    Returns:
        The blob, `OVERHEAD` bytes longer than the plaintext.
    """
    head = HEAD.pack(_version(context), epoch)
    nonce = os.urandom(NONCE)
    return head + nonce + _cipher(key).encrypt(nonce, plaintext, head + context.aad())


def open_blob(key: bytes, context: Context, blob: bytes | memoryview) -> bytes:
    """Open a blob with the key of its epoch (`epoch_of`), use and record.

    Raises:
        Damaged: the blob was changed or cut, or was sealed with another key or as something else.
    """
    return open_bound(key, context.aad(), _version(context), blob)


def open_bound(key: bytes, aad: bytes, version: int, blob: bytes | memoryview) -> bytes:
    """As `open_blob`, with the context's bound bytes ready made: a gallery of millions passes here."""
    epoch_of(blob)
    if blob[0] != version:
        raise Damaged("A sealed blob is not of the kind that is asked for.", advice=_RESTORE)
    head, nonce = bytes(blob[: HEAD.size]), bytes(blob[HEAD.size : _BODY])
    try:
        return _cipher(key).decrypt(nonce, blob[_BODY:], head + aad)
    except InvalidTag:
        raise Damaged(
            "A sealed blob does not open: it was changed, or belongs elsewhere.",
            advice=_RESTORE,
        ) from None


def epoch_of(blob: bytes | memoryview) -> int:
    """Epoch of the data key that a blob was sealed with; `Damaged` if it is no blob of a known version."""
    if len(blob) < OVERHEAD:
        raise Damaged("A sealed blob is cut short.", advice=_RESTORE)
    version, epoch = HEAD.unpack_from(blob)
    if version not in (OF_COUNTRY, OF_RECORD):
        raise Damaged(f"A sealed blob has version {version}, which this release does not know.")
    return int(epoch)


def bound_bytes(*fields: object) -> bytes:
    """`Context.aad` of these fields, in the context's order and lengths."""
    return DOMAIN + _CONTEXT.pack(*fields)


def _version(context: Context) -> int:
    return OF_COUNTRY if context.record == NOBODY else OF_RECORD


def forget_keys() -> None:
    """Drop the ciphers that this process keeps for keys it has used (after a revocation)."""
    _cipher.cache_clear()


@lru_cache(maxsize=64)  # of a record's dozen samples, one after the other
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
