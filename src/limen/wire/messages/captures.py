"""A capture or file on its way to a worker, and what the worker says of it (opener-probe.sock)."""

from __future__ import annotations

from dataclasses import dataclass

from limen.wire.frame import Message
from limen.wire.messages.limits import CHUNK, MAX_CAPTURE, MAX_FACES, MAX_SAMPLES, MIB


@dataclass(frozen=True)
class Chunk(Message, kind=10, tail=CHUNK):
    """Next bytes."""

    tail: bytes


@dataclass(frozen=True)
class End(Message, kind=11, layout="Q"):
    """All bytes are sent: their total. Closing the connection without it aborts, and nothing is processed."""

    total: int


# --- front to a probe worker (opener-probe.sock) ---


@dataclass(frozen=True)
class ProbeJob(Message, kind=20, layout="16sQ"):
    """Take this search. The worker answers with `Offer`."""

    search: bytes
    expires: int


@dataclass(frozen=True)
class Offer(Message, kind=21, layout="16s32s32sQ64s"):
    """A worker's one-time key: X25519 public key, vouched for by the hub's Ed25519 identity (`capture.offer`)."""

    search: bytes
    nonce: bytes
    public_key: bytes
    expires: int
    signature: bytes


@dataclass(frozen=True)
class CaptureStart(Message, kind=22, layout="BB"):
    """A capture follows as Chunk... End.

    form: 1 sealed container, 2 plain container, 4 one ANSI/NIST-ITL file (reserved: 1 if it is sealed), 5 OSIA's JSON
    (reserved: 0 of an identification, 1 of a verification); 3, one plain image, has `PlainImage`.
    """

    form: int
    reserved: int


@dataclass(frozen=True)
class PlainImage(Message, kind=23, layout="BBB"):
    """Instead of CaptureStart for form 3: what the one image is said to be, and which face of it is meant (0: any)."""

    modality: int
    position: int
    face: int = 0


@dataclass(frozen=True)
class DeviceKey(Message, kind=28, layout="32s68s"):
    """Before CaptureStart: which registered device the capture is said to come from (`capture.device`).

    name: `COUNTRY/NAME`, ASCII, NUL-padded. The worker answers the capture with DeviceSaid, and works on it only after
    a Done; hanging up instead ends the search with nothing processed.
    """

    public_key: bytes
    name: bytes


@dataclass(frozen=True)
class DeviceSaid(Message, kind=29, layout="BQQ"):
    """What the capture's device signature says. verdict: 1 good, 2 there is none, 3 bad, 4 the device's clock is off.

    counter, time: as signed, if good; 0 otherwise.
    """

    verdict: int
    counter: int
    time: int


@dataclass(frozen=True)
class Report(Message, kind=24, layout="BBQ", tail=16 * MAX_SAMPLES):
    """What became of the capture, without content. The tail holds `count` SampleReports of 16 bytes.

    outcome: 1 templates went to the matcher, 2 no sample was usable, 3 the capture could not be opened, 4 it asks for
    what the hub does not do.
    """

    outcome: int
    count: int
    reasons: int
    tail: bytes


@dataclass(frozen=True)
class FacesSeen(Message, kind=26, layout="BBB", tail=8 * MAX_FACES):
    """Before the Report, for each photo with several faces: where they are, largest first, so that one can be chosen.

    sample: the photo's place in the report; chosen: which face was searched, from 1, 0 for none; count: of the boxes of
    8 bytes in the tail (`wire.parts.FaceBox`).
    """

    sample: int
    chosen: int
    count: int
    tail: bytes


@dataclass(frozen=True)
class FileHead(Message, kind=25, layout="16s64s64s64s16s"):
    """Before the Report on a file (form 4): what the answer, a file too, must repeat. Printable ASCII, NUL-padded.

    For OSIA's JSON (form 5) it says nothing but that the request is in order, before the work begins.

    transaction: type (1.004); origin: agency (1.008); control: number (1.009); domain, version: profile (1.013).
    """

    transaction: bytes
    origin: bytes
    control: bytes
    domain: bytes
    version: bytes


@dataclass(frozen=True)
class Held(Message, kind=27, layout="I", tail=MAX_CAPTURE + 2 * MIB):
    """After the Report, at the matcher's word (`Verdict`): the capture, sealed for those who must verify the hit.

    epoch: of the searching country's key; tail: the sealed blob (`opener.holding.context`).
    """

    epoch: int
    tail: bytes
