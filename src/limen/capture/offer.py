"""Offers: a one-time key that the hub vouches for.

A client that checks an offer against the hub's published identity knows that whoever relays it (front, proxy) cannot
have put its own key in. The signed bytes, 103 in number, integers little-endian:

    offset  bytes
    0       15     "limen-offer-v1" and a NUL: the domain; the vault signs nothing else that begins so
    15      16     search id
    31      32     nonce
    63      32     X25519 public key
    95      8      expiry, Unix seconds (uint64)

The signature is Ed25519 over exactly these bytes. They are also the HPKE `info` (`capture.sealing`), so that a sealed
capture opens in that search alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from limen.errors import Refused

DOMAIN = b"limen-offer-v1\0"
_FIELDS = struct.Struct("<16s32s32sQ")


@dataclass(frozen=True)
class Offer:
    """A search's one-time key.

    Attributes:
        search: id, 16 random bytes.
        nonce: 32 random bytes, never used before.
        public_key: X25519, 32 bytes; its private half lives in one worker alone and dies with it.
        expires: Unix seconds; no capture is taken afterwards.
    """

    search: bytes
    nonce: bytes
    public_key: bytes
    expires: int

    def signed_bytes(self) -> bytes:
        """What the hub signs, and the HPKE `info`: 103 bytes."""
        return DOMAIN + _FIELDS.pack(self.search, self.nonce, self.public_key, self.expires)


def verify_offer(offer: Offer, signature: bytes, identity: bytes, *, now: float) -> None:
    """Check an offer before anything is sealed to it.

    Args:
        offer: as received.
        signature: Ed25519, 64 bytes, as received.
        identity: the hub's Ed25519 public key, 32 bytes, known from before (never from the same answer).
        now: Unix seconds.

    Raises:
        Refused: not signed by this hub, or expired.
    """
    try:
        Ed25519PublicKey.from_public_bytes(identity).verify(signature, offer.signed_bytes())
    except (InvalidSignature, ValueError):
        raise Refused(
            "The search's key is not vouched for by this hub; nothing was sent.",
            advice="Check the hub's address and its published identity.",
            code="offer-forged",
        ) from None
    if offer.expires <= now:
        raise Refused(
            "The search's key has expired; nothing was sent.",
            advice="Begin a new search; check this device's clock if it happens again.",
            code="offer-expired",
        )
