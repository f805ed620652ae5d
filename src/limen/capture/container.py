"""The capture container: what a post sends of one person, as CBOR (RFC 8949).

    {"v": 1, "samples": [{"modality": 1, "position": 0, "image": h'...', "face": 2}, ...], "device": h'...'}

`face` is there if the officer chose one of several faces in the photo: its number, from 1, largest first.
`modality` and `position` are the numbers of `terms.Modality` and `terms.Position`; `device` is there if a registered
device signed the capture (`capture.device`). Decoding is strict: no other keys,
no repeated keys, no indefinite lengths, nothing after the end; at most `MAX_SAMPLES` samples of at most `MAX_IMAGE`
bytes. It runs on strangers' bytes and is therefore called by the opener's workers alone.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cbor2

from limen.errors import BadFile
from limen.terms import Modality, Position
from limen.wire.messages import MAX_CAPTURE, MAX_FACES, MAX_SAMPLES, MIB

VERSION = 1
MAX_IMAGE = 32 * MIB  # of one sample: an uncompressed four-finger slap at 1,000 ppi has 10 MB
MAX_SIGNATURE = 1024  # bytes: a device's statement has about 350
_DEPTH = 3  # map, array, map


@dataclass(frozen=True)
class Sample:
    """One image of a capture, as it was taken.

    Attributes:
        modality: what it is said to be.
        position: which finger or palm; UNKNOWN for faces.
        image: bytes of an image file in any format that `images` reads.
        face: which of several faces is meant, from 1, largest first; 0: the hub chooses.
    """

    modality: Modality
    position: Position
    image: bytes
    face: int = 0


@dataclass(frozen=True)
class Capture:
    """What a container holds.

    Attributes:
        samples: 1 to `MAX_SAMPLES`.
        device: a device's signature under them (`capture.device`); empty if there is none.
    """

    samples: list[Sample]
    device: bytes = b""


def encode(samples: list[Sample], device: bytes = b"") -> bytes:
    """The container of these samples; `ValueError` if there are none, too many or too large ones."""
    if not 1 <= len(samples) <= MAX_SAMPLES:
        raise ValueError(f"a capture has 1 to {MAX_SAMPLES} samples, not {len(samples)}")
    if any(not 1 <= len(sample.image) <= MAX_IMAGE for sample in samples):
        raise ValueError(f"an image has 1 to {MAX_IMAGE} bytes")
    if any(
        not 0 <= sample.face <= MAX_FACES or (sample.face and sample.modality != Modality.FACE) for sample in samples
    ):
        raise ValueError(f"a face is chosen by a number of 1 to {MAX_FACES}, and in photos of faces alone")
    items = [
        {"modality": int(s.modality), "position": int(s.position), "image": s.image}
        | ({"face": s.face} if s.face else {})
        for s in samples
    ]
    signed = {"device": device} if device else {}
    return cbor2.dumps({"v": VERSION, "samples": items} | signed, canonical=True)


def decode(data: bytes) -> Capture:
    """What a container holds.

    Raises:
        BadFile: anything but such a container; the message never quotes it.
    """
    if len(data) > MAX_CAPTURE:
        raise _wrong("is too large")
    stream = io.BytesIO(data)
    try:
        content = cbor2.CBORDecoder(
            stream,
            max_depth=_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        ).decode()
    except (cbor2.CBORDecodeError, ValueError, OverflowError, MemoryError, RecursionError):
        raise _wrong("is no CBOR of the expected form") from None
    if stream.tell() != len(data):
        raise _wrong("has bytes after its end")
    if type(content) is not dict or set(content) - {"device"} != {"v", "samples"}:
        raise _wrong("has unknown or missing keys")
    if type(content["v"]) is not int or content["v"] != VERSION:
        raise _wrong("has a version that this hub does not know")
    samples = content["samples"]
    if type(samples) is not list or not 1 <= len(samples) <= MAX_SAMPLES:
        raise _wrong(f"must have 1 to {MAX_SAMPLES} samples")
    device = content.get("device", b"")
    if type(device) is not bytes or len(device) > MAX_SIGNATURE:
        raise _wrong("has a device signature of the wrong form")
    return Capture([_sample(sample) for sample in samples], device)


def _sample(item: object) -> Sample:
    if type(item) is not dict or set(item) - {"face"} != {"modality", "position", "image"}:
        raise _wrong("has a sample with unknown or missing keys")
    modality, position, image, face = item["modality"], item["position"], item["image"], item.get("face", 0)
    if type(modality) is not int or type(position) is not int or type(image) is not bytes:
        raise _wrong("has a sample with a value of the wrong type")
    if not 1 <= len(image) <= MAX_IMAGE:
        raise _wrong("has an image that is empty or too large")
    if "face" in item and not (type(face) is int and 1 <= face <= MAX_FACES and modality == Modality.FACE):
        raise _wrong("chooses a face that cannot be")
    try:
        return Sample(Modality(modality), Position(position), image, face)
    except ValueError:
        raise _wrong("names an unknown modality or position") from None


def _wrong(what: str) -> BadFile:
    return BadFile(f"The capture {what}.", advice="Use Limen's client or the officers' page.", code="bad-capture")
