"""Images and files to enrol, on their way to a worker, and what it makes of them (opener-enrol.sock)."""

from __future__ import annotations

from dataclasses import dataclass

from limen import errors
from limen.wire.frame import Message
from limen.wire.messages.limits import MAX_CAPTURE, MIB


@dataclass(frozen=True)
class EnrolJob(Message, kind=80, layout="B3s16s16sBBHQB"):
    """One image or file to enrol follows as Chunk... End.

    what: 1 an image, 2 an ANSI/NIST-ITL file, 3 an OSIA encounter (JSON); country; record, sample: UUIDs (of a file or
    encounter: its own id, from which those of its samples follow); modality, position: what the image is said to be (0
    for others); ppi: 0 = as the file says;
    expires: bound into the seals; flags: 1 = keep the original bytes, sealed.
    The worker answers Enrolled (one a sample), for files also Fields (one), then Done; or Failed, after which nothing
    that came before counts.
    """

    what: int
    country: bytes
    record: bytes
    sample: bytes
    modality: int
    position: int
    ppi: int
    expires: int
    flags: int


@dataclass(frozen=True)
class Enrolled(Message, kind=81, layout="16sBBB16sBQHHHHHIIII", tail=MAX_CAPTURE + 4 * MIB):
    """One sample, sealed for its country. The tail is template, portrait and original, of the stated lengths.

    usable: 1 template is there, 0 it is not (reasons say why); minutiae: how many are clear; area: of skin with ridges,
    mm2 (0: unknown); width, height in pixels (0: could not be decoded);
    ppi (0 unknown). Each part is sealed under the job's country, record and expiry with this message's sample, modality
    and position: template as use 1 with `model`, portrait as use 2, original as use 4, both with an empty model.
    A file that is to be kept comes as one more Enrolled of modality 0, with the job's sample and only an original; so
    does, after its fingers, the image of a slap, with its own modality and position. An image's last has the job's
    sample.
    """

    sample: bytes
    modality: int
    position: int
    usable: int
    model: bytes
    quality: int
    reasons: int
    minutiae: int
    area: int
    width: int
    height: int
    ppi: int
    epoch: int
    template_length: int
    portrait_length: int
    original_length: int
    tail: bytes

    def blobs(self) -> tuple[bytes, bytes, bytes]:
        """Sealed template, portrait, original; empty where there is none. `BadMessage` if lengths do not add up."""
        first, second = self.template_length, self.template_length + self.portrait_length
        if second + self.original_length != len(self.tail):
            raise errors.BadMessage("Enrolled: the parts' lengths do not add up.")
        return self.tail[:first], self.tail[first:second], self.tail[second:]


@dataclass(frozen=True)
class Fields(Message, kind=82, tail=MIB):
    """What a file says, CBOR: {"person": `exchange.an2.person_fields`, "problems": [[record, field, message]...]}."""

    tail: bytes
