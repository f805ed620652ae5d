"""Sealed captures against RFC 9180: an independent HPKE, the RFC's own vector, and a vector for other clients."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limen.capture.container import Sample, decode, encode
from limen.capture.offer import Offer, verify_offer
from limen.capture.sealing import OVERHEAD, open_capture, seal_capture
from limen.errors import BadFile, Refused
from limen.terms import Modality, Position

VECTOR = Path(__file__).with_name("sealing_vector.json")

AES_128, AES_256 = (1, 16), (2, 32)  # AEAD identifier and key length, RFC 9180, 7.3


def hpke(ephemeral: bytes, recipient: bytes, info: bytes, aad: bytes, plaintext: bytes, aead: tuple[int, int]) -> bytes:
    """HPKE base mode with X25519 and HKDF-SHA256, straight from RFC 9180, 4.1, 5.1 and 5.2: enc || ciphertext."""

    def extract(salt: bytes, ikm: bytes) -> bytes:
        return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()

    def expand(prk: bytes, label: bytes, length: int) -> bytes:
        out, block, counter = b"", b"", 1
        while len(out) < length:
            block = hmac.new(prk, block + label + bytes([counter]), hashlib.sha256).digest()
            out, counter = out + block, counter + 1
        return out[:length]

    kem = b"KEM" + (0x20).to_bytes(2, "big")
    suite = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (0x20, 1, aead[0]))
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = private.public_key().public_bytes_raw()
    dh = private.exchange(X25519PublicKey.from_public_bytes(recipient))
    prk = extract(b"", b"HPKE-v1" + kem + b"eae_prk" + dh)
    shared = expand(prk, b"\0\x20HPKE-v1" + kem + b"shared_secret" + enc + recipient, 32)
    context = b"\0" + extract(b"", b"HPKE-v1" + suite + b"psk_id_hash")
    context += extract(b"", b"HPKE-v1" + suite + b"info_hash" + info)
    secret = extract(shared, b"HPKE-v1" + suite + b"secret")
    key = expand(secret, bytes([0, aead[1]]) + b"HPKE-v1" + suite + b"key" + context, aead[1])
    nonce = expand(secret, b"\0\x0cHPKE-v1" + suite + b"base_nonce" + context, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, aad)


def test_the_independent_hpke_agrees_with_the_rfc() -> None:
    """RFC 9180, appendix A.1.1 (the RFC prints AES-128-GCM; the AEAD is all that differs)."""
    enc = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    ciphertext = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    sealed = hpke(
        bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"),
        bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"),
        b"Ode on a Grecian Urn",
        b"Count-0",
        b"Beauty is truth, truth beauty",
        AES_128,
    )
    assert sealed.hex() == enc + ciphertext


def new_offer() -> tuple[Offer, X25519PrivateKey]:
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return Offer(os.urandom(16), os.urandom(32), public, int(time.time()) + 60), private


def test_captures_open_with_their_key_and_search_alone() -> None:
    offer, private = new_offer()
    container = encode([Sample(Modality.FACE, Position.UNKNOWN, b"an image")])
    sealed = seal_capture(offer, container)
    assert len(sealed) == len(container) + OVERHEAD
    assert decode(open_capture(offer, private, sealed)).samples[0].image == b"an image"
    others = [
        (new_offer()[0], private, sealed),
        (offer, X25519PrivateKey.generate(), sealed),
        (dataclasses.replace(offer, expires=offer.expires + 1), private, sealed),
        (offer, private, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (offer, private, bytes([sealed[0] ^ 1]) + sealed[1:]),
        (offer, private, sealed[:40]),
        (offer, private, b""),
        (offer, private, bytes(100)),  # an all-zero encapsulated key: RFC 7748's low-order point
    ]
    for wrong in others:
        with pytest.raises(BadFile, match="does not open"):
            open_capture(*wrong)


def test_another_implementation_can_seal_for_us() -> None:
    offer, private = new_offer()
    sealed = hpke(os.urandom(32), offer.public_key, offer.signed_bytes(), b"", b"container", AES_256)
    assert open_capture(offer, private, sealed) == b"container"


def test_the_published_vector() -> None:
    """What a client in another language is checked against; every field in hexadecimal."""
    vector = {name: bytes.fromhex(text) for name, text in json.loads(VECTOR.read_text()).items()}
    offer = Offer(
        vector["search"], vector["nonce"], vector["public_key"], int.from_bytes(vector["expires_le"], "little")
    )
    assert offer.signed_bytes() == vector["info"]
    assert len(vector["info"]) == 103
    verify_offer(offer, vector["signature"], vector["identity"], now=offer.expires - 1)
    container = encode([Sample(Modality.FINGER, Position.RIGHT_INDEX, b"not really an image")])
    assert container == vector["container"]
    assert (
        hpke(vector["ephemeral_private"], vector["public_key"], vector["info"], b"", container, AES_256)
        == vector["sealed"]
    )
    private = X25519PrivateKey.from_private_bytes(vector["private_key"])
    assert open_capture(offer, private, vector["sealed"]) == container


def test_only_the_hubs_own_fresh_offers_are_accepted() -> None:
    hub = Ed25519PrivateKey.generate()
    identity, (offer, _) = hub.public_key().public_bytes_raw(), new_offer()
    signature = hub.sign(offer.signed_bytes())
    verify_offer(offer, signature, identity, now=time.time())
    with pytest.raises(Refused, match="expired"):
        verify_offer(offer, signature, identity, now=offer.expires)
    forged = [
        (dataclasses.replace(offer, public_key=os.urandom(32)), signature, identity),
        (dataclasses.replace(offer, expires=offer.expires + 1), signature, identity),
        (offer, signature, Ed25519PrivateKey.generate().public_key().public_bytes_raw()),
        (offer, bytes(64), identity),
        (offer, b"short", identity),
        (offer, signature, b"short"),
    ]
    for wrong in forged:
        with pytest.raises(Refused, match="not vouched for"):
            verify_offer(*wrong, now=0)
