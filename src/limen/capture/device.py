"""A registered device's signature under a capture: this device took these images, for this search, now, in this order.

A COSE_Sign1 (`capture.cose`) whose payload is a CBOR map, keys in this order:

    {"key": SHA-256 of the offer's one-time public key, "time": when it was taken (Unix seconds), "nonce": the offer's,
     "device": "COUNTRY/NAME", "counter": goes up with every capture of the device, "samples": digest}

The digest is SHA-256 over, for each sample in order: modality (1 byte), position (1 byte), SHA-256 of the image; where
a face was chosen, the modality has 128 added and the face's number (1 byte) stands before the image's hash. The
external data are "limen-capture-v1" and a NUL. It travels inside the container, under the seal (`container`, `device`).
A capture that is replayed, moved to another search, changed or put into another device's mouth does not check.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limen.capture import cose
from limen.capture.container import Sample
from limen.capture.offer import Offer
from limen.errors import BadFile

EXTERNAL = b"limen-capture-v1\0"
MOST_SKEW = 300  # seconds that a device's clock may be off: an offer lives for a minute, so this tells replays nothing
CHOSEN = 128  # added to a sample's modality in the digest: the number of a chosen face follows
MAX_NAME = 68  # characters: "COUNTRY/" and a name of 64
_KEYS = {"key", "time", "nonce", "device", "counter", "samples"}


@dataclass(frozen=True)
class Statement:
    """What a device says of a capture.

    Attributes:
        device: its name, `COUNTRY/NAME`.
        counter: higher than with any earlier capture of this device.
        time: Unix seconds when it was taken.
    """

    device: str
    counter: int
    time: int


def sign_capture(samples: list[Sample], offer: Offer, statement: Statement, key: Ed25519PrivateKey) -> bytes:
    """The device's signature under these samples, for `container.encode`."""
    return cose.sign(_payload(samples, offer, statement), key, statement.device.encode("ascii"), EXTERNAL)


def check_capture(
    signature: bytes, samples: list[Sample], offer: Offer, device: str, public_key: bytes, *, now: float
) -> Statement:
    """Check a device's signature; whether its counter went up is for whoever remembers the last one.

    Args:
        signature: as it came in the container.
        samples: that came with it.
        offer: of the search that it came for.
        device, public_key: who it must be from, as registered.
        now: Unix seconds.

    Raises:
        BadFile: not this device's, or not under these samples for this search (`bad-device-signature`); or its clock is
            off by more than five minutes (`device-clock`).
    """
    payload = cose.open_signed(signature, public_key, EXTERNAL)
    said = _statement(payload)
    if said.device != device or payload != _payload(samples, offer, said):
        raise BadFile(
            "The device's signature is under another capture, or for another search.",
            advice="Begin a new search and capture again.",
            code="bad-device-signature",
        )
    if abs(said.time - now) > MOST_SKEW:
        raise BadFile("The device's clock is off by more than five minutes.", advice="Set it.", code="device-clock")
    return said


def _payload(samples: list[Sample], offer: Offer, statement: Statement) -> bytes:
    """The signed map; deterministic, so that it can be rebuilt and compared."""
    return cbor2.dumps(
        {
            "key": hashlib.sha256(offer.public_key).digest(),
            "time": statement.time,
            "nonce": offer.nonce,
            "device": statement.device,
            "counter": statement.counter,
            "samples": _digest(samples),
        },
        canonical=True,
    )


def _statement(payload: bytes) -> Statement:
    try:
        content = cbor2.loads(payload, max_depth=1, allow_indefinite=False, allow_duplicate_keys=False)
    except (cbor2.CBORDecodeError, ValueError, OverflowError):
        raise _no_statement() from None
    if type(content) is not dict or set(content) != _KEYS:
        raise _no_statement()
    device, counter, time = content["device"], content["counter"], content["time"]
    numbers = all(type(number) is int and 0 <= number < 1 << 63 for number in (counter, time))
    if not numbers or type(device) is not str or len(device) > MAX_NAME:
        raise _no_statement()
    return Statement(device, counter, time)


def _digest(samples: list[Sample]) -> bytes:
    digest = hashlib.sha256()
    for sample in samples:
        what = (
            [sample.modality | CHOSEN, sample.position, sample.face]
            if sample.face
            else [sample.modality, sample.position]
        )
        digest.update(bytes(what) + hashlib.sha256(sample.image).digest())
    return digest.digest()


def _no_statement() -> BadFile:
    return BadFile("The device's signature says nothing that can be understood.", code="bad-device-signature")
