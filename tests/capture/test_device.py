"""A device's signature holds for its own capture of one search, and for nothing else."""

from __future__ import annotations

import dataclasses
import os

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from limen.capture import cose
from limen.capture.container import Capture, Sample, decode, encode
from limen.capture.device import EXTERNAL, Statement, check_capture, sign_capture
from limen.capture.offer import Offer
from limen.errors import BadFile
from limen.terms import Modality, Position

NOW = 1_795_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OFFER = Offer(bytes(16), bytes(32), bytes(range(32)), NOW + 60)
SAMPLES = [
    Sample(Modality.FACE, Position.UNKNOWN, b"a face"),
    Sample(Modality.FINGER, Position.RIGHT_INDEX, b"a finger"),
]
SAID = Statement("BIH/post7", 41, NOW - 2)
SIGNED = sign_capture(SAMPLES, OFFER, SAID, KEY)


def check(**changes: object) -> Statement:
    arguments: dict = {"signature": SIGNED, "samples": SAMPLES, "offer": OFFER, "device": "BIH/post7"}
    return check_capture(**(arguments | {"public_key": PUBLIC, "now": NOW} | changes))


def test_the_devices_own_capture_checks() -> None:
    assert check() == SAID
    capture = decode(encode(SAMPLES, SIGNED))
    assert capture == Capture(SAMPLES, SIGNED)


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": SAMPLES[:1]},
        {"samples": SAMPLES[::-1]},
        {"samples": [dataclasses.replace(SAMPLES[0], face=1), SAMPLES[1]]},
        {"samples": [dataclasses.replace(SAMPLES[0], image=b"another face"), SAMPLES[1]]},
        {"samples": [SAMPLES[0], dataclasses.replace(SAMPLES[1], position=Position.LEFT_INDEX)]},
        {"offer": dataclasses.replace(OFFER, nonce=b"1" * 32)},
        {"offer": dataclasses.replace(OFFER, public_key=b"1" * 32)},
        {"device": "BIH/post8"},
        {"public_key": Ed25519PrivateKey.generate().public_key().public_bytes_raw()},
        {"public_key": bytes(31)},
        {"signature": SIGNED[:-1] + bytes([SIGNED[-1] ^ 1])},
        {"signature": cose.sign(cbor2.dumps({"device": "BIH/post7"}), KEY, b"", EXTERNAL)},
        {"signature": cose.sign(b"\xff", KEY, b"", EXTERNAL)},
        {"signature": b""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_anything_else_does_not(changes: dict[str, object]) -> None:
    with pytest.raises(BadFile) as caught:
        check(**changes)
    assert caught.value.code == "bad-device-signature"


@pytest.mark.parametrize("skew", [-301, 299 + 3])
def test_a_clock_that_is_off_is_said(skew: int) -> None:
    with pytest.raises(BadFile, match="clock") as caught:
        check(now=SAID.time + skew)
    assert caught.value.code == "device-clock"


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_signature(data: bytes) -> None:
    with pytest.raises(BadFile):
        check(signature=data)


@given(st.data())
def test_a_changed_signature_does_not_hold(data: st.DataObject) -> None:
    """The key id, which is a hint and not signed, is the only part that may change."""
    content = bytearray(SIGNED)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        assert check(signature=bytes(content)) == SAID
        assert cbor2.loads(bytes(content)).value[1] != {4: b"BIH/post7"}
    except BadFile:
        pass


def test_what_is_signed_is_as_the_standard_has_it() -> None:
    """From the COSE working group's examples (sign1-tests, "External"): Sig_structure with external data."""
    expected = "846A5369676E61747572653143A101264C11AA22BB33CC44DD5500669954546869732069732074686520636F6E74656E742E"
    made = cose.to_be_signed(
        bytes.fromhex("a10126"), bytes.fromhex("11aa22bb33cc44dd55006699"), b"This is the content."
    )
    assert made.hex().upper() == expected


def test_other_algorithms_and_tags_are_refused() -> None:
    payload, signature = b"x", os.urandom(64)
    eddsa = cbor2.dumps({1: -8})
    for tag, protected in ((18, cbor2.dumps({1: -7})), (17, eddsa), (18, b""), (98, eddsa)):
        with pytest.raises(BadFile, match="no COSE_Sign1"):
            cose.open_signed(cbor2.dumps(cbor2.CBORTag(tag, [protected, {}, payload, signature])), PUBLIC, b"")
