"""Sealing a capture to a search's one-time key: HPKE (RFC 9180), base mode, single shot.

    KEM   0x0020  DHKEM(X25519, HKDF-SHA256)
    KDF   0x0001  HKDF-SHA256
    AEAD  0x0002  AES-256-GCM
    info  the offer's signed bytes (`capture.offer.Offer.signed_bytes`, 103 bytes)
    aad   empty
    sent  enc (32 bytes) || ciphertext with its 16-byte tag

The plaintext is a capture container (`capture.container`). For another implementation (a browser with WebCrypto), the
steps with their constants; `suite` = "HPKE" 0020 0001 0002 and `kem` = "KEM" 0020 (hexadecimal, big-endian); `|` joins:

1. Make an ephemeral X25519 pair; enc = its public key; dh = X25519(ephemeral private, offer's public key).
2. eae_prk = Extract("", "HPKE-v1" | kem | "eae_prk" | dh);
   shared  = Expand(eae_prk, 0020 | "HPKE-v1" | kem | "shared_secret" | enc | offer's public key, 32).
3. psk_id_hash = Extract("", "HPKE-v1" | suite | "psk_id_hash");
   info_hash   = Extract("", "HPKE-v1" | suite | "info_hash" | info);
   context     = 00 | psk_id_hash | info_hash.
4. secret = Extract(shared, "HPKE-v1" | suite | "secret");
   key    = Expand(secret, 0020 | "HPKE-v1" | suite | "key" | context, 32);
   nonce  = Expand(secret, 000c | "HPKE-v1" | suite | "base_nonce" | context, 12).
5. Send enc | AES-256-GCM(key, nonce, container, no associated data).

Extract(salt, ikm) and Expand(prk, info, length) are HKDF's two halves with SHA-256 (RFC 5869); an empty salt is 32 zero
bytes. A full test vector is in tests/capture/sealing_vector.json.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from limen.capture.offer import Offer
from limen.errors import BadFile

OVERHEAD = 32 + 16  # bytes: encapsulated key and tag

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal_capture(offer: Offer, container: bytes) -> bytes:
    """Seal a container to an offer that was verified before (`capture.offer.verify_offer`)."""
    return _SUITE.encrypt(container, X25519PublicKey.from_public_bytes(offer.public_key), offer.signed_bytes())


def open_capture(offer: Offer, private_key: X25519PrivateKey, sealed: bytes | bytearray) -> bytes:
    """Open a sealed capture with the private half of the offer's key.

    Raises:
        BadFile: sealed to another key or search, or changed on its way.
    """
    try:
        return _SUITE.decrypt(sealed, private_key, offer.signed_bytes())
    except (InvalidTag, ValueError):
        raise BadFile(
            "The sealed capture does not open: it was changed, or sealed for another search.",
            advice="Begin a new search.",
            code="capture-does-not-open",
        ) from None
