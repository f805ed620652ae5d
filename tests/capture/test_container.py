"""The container decodes to what was encoded, and strangers' bytes to nothing but `BadFile`."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.capture.container import MAX_IMAGE, Sample, decode, encode
from limen.errors import BadFile
from limen.terms import Modality, Position

images = st.binary(min_size=1, max_size=300)
samples = st.one_of(
    st.builds(Sample, st.sampled_from(Modality), st.sampled_from(Position), images),
    st.builds(Sample, st.just(Modality.FACE), st.just(Position.UNKNOWN), images, st.integers(0, 16)),
)
GOOD = {"modality": 1, "position": 0, "image": b"x"}


@given(st.lists(samples, min_size=1, max_size=32))
def test_samples_come_back(given: list[Sample]) -> None:
    assert decode(encode(given)).samples == given
    assert decode(encode(given, b"signature")).device == b"signature"


@given(st.lists(samples, min_size=1, max_size=3), st.data())
def test_changed_containers_are_refused_or_valid(given: list[Sample], data: st.DataObject) -> None:
    content = bytearray(encode(given))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(content[: data.draw(st.integers(0, len(content)))])).samples
    except BadFile:
        return
    assert all(isinstance(s.modality, Modality) and isinstance(s.image, bytes) for s in found)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(BadFile):
        decode(content)


@pytest.mark.parametrize(
    "content",
    [
        {"v": 2, "samples": [GOOD]},
        {"v": True, "samples": [GOOD]},
        {"v": 1, "samples": []},
        {"v": 1, "samples": [GOOD] * 33},
        {"v": 1, "samples": {"a": GOOD}},
        {"v": 1, "samples": [GOOD], "more": 1},
        {"v": 1, "samples": [GOOD], "device": "text"},
        {"v": 1, "samples": [GOOD], "device": bytes(2000)},
        {"v": 1, "samples": [GOOD | {"more": 1}]},
        {"v": 1, "samples": [GOOD | {"face": 0}]},
        {"v": 1, "samples": [GOOD | {"face": 17}]},
        {"v": 1, "samples": [GOOD | {"face": 1.0}]},
        {"v": 1, "samples": [GOOD | {"face": True}]},
        {"v": 1, "samples": [GOOD | {"face": 1, "modality": 2}]},
        {"v": 1, "samples": [GOOD | {"image": b""}]},
        {"v": 1, "samples": [GOOD | {"image": "text"}]},
        {"v": 1, "samples": [GOOD | {"modality": 9}]},
        {"v": 1, "samples": [GOOD | {"modality": 1.0}]},
        {"v": 1, "samples": [GOOD | {"position": 99}]},
        {"v": 1, "samples": [GOOD | {"position": None}]},
        {"v": 1, "samples": ["text"]},
        [1, 2],
        "text",
    ],
)
def test_other_contents_are_refused(content: object) -> None:
    with pytest.raises(BadFile):
        decode(cbor2.dumps(content))


@pytest.mark.parametrize(
    "content",
    [
        encode([Sample(Modality.FACE, Position.UNKNOWN, b"x")]) + b"\0",  # bytes after the end
        bytes.fromhex("a2617601 617601"),  # a key twice
        bytes.fromhex("bf617601ff"),  # indefinite length
        b"\x81" * 5000,  # nesting
        bytes.fromhex("a26176016773616d706c65739bffffffffffffffff"),  # 2**64 samples
        bytes.fromhex("a26176016773616d706c657381a365696d6167655b7fffffffffffffff"),  # an image of 8 exabytes
    ],
)
def test_hostile_encodings_are_refused(content: bytes) -> None:
    with pytest.raises(BadFile):
        decode(content)


def test_what_cannot_be_sent_is_said_to_the_sender() -> None:
    for wrong in ([], [Sample(Modality.FACE, Position.UNKNOWN, b"")]):
        with pytest.raises(ValueError, match=r"a capture has|an image has"):
            encode(wrong)
    with pytest.raises(ValueError, match="an image has"):
        encode([Sample(Modality.FACE, Position.UNKNOWN, bytes(MAX_IMAGE + 1))])
