"""COSE_Sign1 (RFC 9052, 4.2) with EdDSA over Ed25519 (RFC 9053, 2.2): a payload, signed once.

The two functions that Limen needs of the standard; CBOR and signatures are the libraries'.
"""

from __future__ import annotations

from collections.abc import Mapping

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from limen.errors import BadFile

TAG = 18  # COSE_Sign1, RFC 9052, table 1
_ALGORITHM, _KEY_ID, _EDDSA = 1, 4, -8  # header labels and algorithm: RFC 9052, 3.1; RFC 9053, table 2
_PROTECTED = cbor2.dumps({_ALGORITHM: _EDDSA})
_DEPTH = 3  # array, header map, value


def sign(payload: bytes, key: Ed25519PrivateKey, key_id: bytes, external: bytes) -> bytes:
    """A tagged COSE_Sign1 with the payload inside; `external` is signed with it and not sent."""
    signature = key.sign(to_be_signed(_PROTECTED, external, payload))
    return cbor2.dumps(cbor2.CBORTag(TAG, [_PROTECTED, {_KEY_ID: key_id}, payload, signature]))


def open_signed(message: bytes, public_key: bytes, external: bytes) -> bytes:
    """The payload of a COSE_Sign1, whose signature was checked.

    Args:
        message: tagged COSE_Sign1, its algorithm EdDSA.
        public_key: Ed25519, 32 bytes, of whom it must be from.
        external: what was signed with it.

    Raises:
        BadFile: anything else.
    """
    protected, payload, signature = _parts(message)
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signature, to_be_signed(protected, external, payload))
    except (InvalidSignature, ValueError):
        raise _wrong("does not hold") from None
    return payload


def to_be_signed(protected: bytes, external: bytes, payload: bytes) -> bytes:
    """Sig_structure, RFC 9052, 4.4."""
    return cbor2.dumps(["Signature1", protected, external, payload])


def _parts(message: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        content = cbor2.loads(message, max_depth=_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)
        protected, unprotected, payload, signature = content.value
    except (cbor2.CBORDecodeError, ValueError, TypeError, AttributeError, OverflowError):
        raise _wrong("is no COSE_Sign1") from None
    strings = all(type(part) is bytes for part in (protected, payload, signature))
    if content.tag != TAG or not strings or not isinstance(unprotected, Mapping) or protected != _PROTECTED:
        raise _wrong("is no COSE_Sign1 by EdDSA")
    return protected, payload, signature


def _wrong(what: str) -> BadFile:
    return BadFile(
        f"The device's signature {what}.", advice="Check the device and its key.", code="bad-device-signature"
    )
