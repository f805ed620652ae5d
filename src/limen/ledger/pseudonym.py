"""Who an entry is about, in a form that only the vault can open, and only at the word of two people.

A pseudonym is the name, padded to one length, sealed to the hub's pseudonym key: HPKE (RFC 9180) base mode, X25519,
HKDF-SHA256, AES-256-GCM, `info` = "limen-ledger-who-v1", a NUL and the entry's id. Whoever writes entries needs the
public half alone. Every pseudonym is made with fresh randomness, so that nobody can even count one officer's entries,
and one that was moved to another entry does not open. The private half is derived in the vault (`vault.keys`).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from limen.errors import BadInput, Damaged

DOMAIN = b"limen-ledger-who-v1\0"
NAME = 72  # bytes, NUL-padded: `COUNTRY/NAME` has at most 68
LENGTH = 32 + NAME + 16  # bytes of a pseudonym: encapsulated key, name, tag

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def make(public_key: bytes, entry_id: bytes, who: str) -> bytes:
    """A pseudonym for one entry alone, `LENGTH` bytes; empty for nobody.

    Args:
        public_key: the hub's pseudonym key, X25519, 32 bytes.
        entry_id: 16 bytes.
        who: such as `BIH/officer1` or `BIH`; ASCII.

    Raises:
        BadInput: the name is too long or not ASCII.
    """
    if not who:
        return b""
    if not who.isascii() or len(who) > NAME or "\0" in who:
        raise BadInput("A ledger entry names nobody who can be an officer.")
    key = X25519PublicKey.from_public_bytes(public_key)
    return _SUITE.encrypt(who.encode("ascii").ljust(NAME, b"\0"), key, DOMAIN + entry_id)


def reveal(private_key: X25519PrivateKey, entry_id: bytes, pseudonym: bytes) -> str:
    """The name; `Damaged` if the pseudonym is another hub's or another entry's, or was changed."""
    try:
        return _SUITE.decrypt(pseudonym, private_key, DOMAIN + entry_id).rstrip(b"\0").decode("ascii")
    except (InvalidTag, ValueError):
        raise Damaged(
            "This pseudonym does not open: it is another hub's or another entry's, or was changed.",
            advice="Check the log: limen ledger verify.",
        ) from None
