"""Relay: pass a capture to its worker chunk by chunk as it comes in; nothing of it is collected, kept or spooled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

from limen.errors import BadInput, BadMessage, LimenError, Unavailable
from limen.search.offer import Worker
from limen.terms import Modality, Position
from limen.wire.frame import Message, read
from limen.wire.messages import (
    CHUNK,
    MAX_CAPTURE,
    MAX_SAMPLES,
    CaptureStart,
    Chunk,
    DeviceKey,
    DeviceSaid,
    Done,
    End,
    FacesSeen,
    Failed,
    FileHead,
    Held,
    PlainImage,
    Report,
)
from limen.wire.parts import unpack_faces, unpack_samples

SIGNED, UNSIGNED, BADLY_SIGNED = 1, 2, 3  # `DeviceSaid.verdict`
_VERDICTS = {
    SIGNED: None,
    UNSIGNED: None,
    BADLY_SIGNED: (
        "bad-device-signature",
        "The capture is not signed by the device that sent it, or not for this search.",
        "Open a new search and capture again.",
    ),
    4: ("device-clock", "The device's clock is off by more than five minutes.", "Set the device's clock."),
}
HELD_SECONDS = 3.0  # a worker draws and seals what is to be held within a tenth of that
LATE_MARGIN = 0.5  # seconds: so near its time's end, a worker was killed for that; opener and front count on their own
UPLOAD_SECONDS = 60.0  # for a whole capture: 3 MB over a slow 400 kbit/s link


class Form(IntEnum):
    """How the capture travels; the number is on the wire."""

    SEALED = 1
    PLAIN = 2
    IMAGE = 3
    FILE = 4
    OSIA = 5  # JSON of OSIA's identify
    SEALED_FILE = 7  # an ANSI/NIST-ITL file; on the wire 4, and 1 beside it
    OSIA_VERIFY = 6  # JSON of OSIA's verifyFromId; on the wire 5, and 1 beside it


@dataclass(frozen=True)
class Device:
    """The registered device that a capture is said to come from.

    Attributes:
        name: `COUNTRY/NAME`.
        public_key: Ed25519, 32 bytes.
        advance: notes the counter of a capture that the device signed; raises unless it went up.
        must_sign: nothing but its signature under the capture shows that it is this device (a browser); a device that
            signed the request as well may leave it out.
    """

    name: str
    public_key: bytes
    advance: Callable[[int], Awaitable[None]]
    must_sign: bool = False


@dataclass(frozen=True)
class Capture:
    """A capture on its way in. `chunks` raises if the post hangs up or its signature does not hold at the end."""

    form: Form
    chunks: AsyncIterator[bytes]
    modality: Modality = Modality.FACE  # form IMAGE only
    position: Position = Position.UNKNOWN  # form IMAGE only
    face: int = 0  # form IMAGE only: which of several faces, 0 for any
    device: Device | None = None
    accepted: Callable[[], None] | None = None  # form OSIA only: called once the worker has found the request in order

    @property
    def sealed(self) -> bool:
        """Whether it came sealed to the worker's key."""
        return self.form in (Form.SEALED, Form.SEALED_FILE)

    def start(self) -> Message:
        """The message that announces it to the worker."""
        if self.form is Form.IMAGE:
            return PlainImage(self.modality, self.position, self.face)
        if self.form is Form.SEALED_FILE:
            return CaptureStart(Form.FILE, 1)
        if self.form is Form.OSIA_VERIFY:
            return CaptureStart(Form.OSIA, 1)
        return CaptureStart(self.form, 0)


@dataclass(frozen=True)
class Relayed:
    """What the worker said: its report, where several faces are, and, of a file, what the answer must repeat."""

    report: Report
    head: FileHead | None = None
    faces: tuple[FacesSeen, ...] = ()


class WorkerDied(Unavailable):
    """The worker ended without a report: a decoder crashed, hung, or ran over a limit."""

    code = "worker-died"


class WorkerLate(WorkerDied):
    """The worker's time was over before it reported: the hub is busy, or an image was made to take long."""

    code = "worker-late"


class MatcherUnreached(Unavailable):
    """The worker could not hand its templates over: the matcher is gone."""

    code = "no-matcher"


async def relay(worker: Worker, capture: Capture, worker_seconds: float) -> Relayed:
    """Pass the capture on and wait for the worker's report.

    `End` is sent only after `capture.chunks` has ended well, and the worker processes nothing before it.

    Raises:
        BadInput: larger than a capture may be (`too-large`), too slow (`too-slow`) or empty (`empty`); or its device
            did not sign it (`bad-device-signature`), or has a wrong clock (`device-clock`).
        Refused: the device's counter did not go up.
        WorkerLate: no report came in the time that a worker has.
        WorkerDied: it ended before that without one.
        MatcherUnreached: the worker did its work, and nobody took it.
        Whatever `capture.chunks` raises.
    """
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            await _pass_on(worker, capture)
    except TimeoutError:
        raise BadInput(
            "The capture did not arrive in time.", advice="Check the connection and search again.", code="too-slow"
        ) from None
    head: FileHead | None = None
    faces: list[FacesSeen] = []
    late = asyncio.get_running_loop().time() + worker_seconds - LATE_MARGIN
    try:
        async with asyncio.timeout(worker_seconds):
            message: Message = await read(worker.reader, FileHead, FacesSeen, Report, Failed, DeviceSaid)
            if isinstance(message, DeviceSaid) and capture.device is not None:
                await _allow(worker, capture.device, message)
                message = await read(worker.reader, FileHead, FacesSeen, Report, Failed)
            if isinstance(message, FileHead):
                if capture.accepted is not None:
                    capture.accepted()
                head, message = message, await read(worker.reader, FacesSeen, Report, Failed)
            while isinstance(message, FacesSeen) and len(faces) < MAX_SAMPLES:
                faces.append(message)
                message = await read(worker.reader, FacesSeen, Report, Failed)
    except (TimeoutError, OSError, Unavailable) as error:
        over = isinstance(error, TimeoutError) or asyncio.get_running_loop().time() >= late
        raise (WorkerLate if over else WorkerDied)("The capture could not be processed.") from error
    if isinstance(message, Report):
        return Relayed(_sane(message, faces), head, tuple(faces))
    if isinstance(message, Failed) and isinstance(message.error(), Unavailable):
        raise MatcherUnreached("The search could not be made.")
    raise WorkerDied("The capture could not be processed.")


async def held(worker: Worker) -> Held | None:
    """The capture that a worker holds at the matcher's word, sealed; None if it could not be held."""
    try:
        async with asyncio.timeout(HELD_SECONDS):
            return await read(worker.reader, Held)
    except (TimeoutError, OSError, LimenError):
        return None


def _sane(report: Report, faces: list[FacesSeen]) -> Report:
    """The report, if every value in it is one that there is: it comes from where strangers' bytes were parsed."""
    try:
        for sample in unpack_samples(report.tail, report.count):
            Modality(sample.modality), Position(sample.position)
            if sample.status not in (1, 2, 3):
                raise ValueError
        for seen in faces:
            if seen.sample >= report.count or seen.chosen > len(unpack_faces(seen.tail, seen.count)):
                raise ValueError
    except (BadMessage, ValueError):
        raise WorkerDied("The capture could not be processed.") from None
    return report


async def _allow(worker: Worker, device: Device, said: DeviceSaid) -> None:
    """Let the worker go on if the device signed this capture, or none is signed: it has signed the request as well."""
    if said.verdict not in _VERDICTS:
        raise WorkerDied("The capture could not be processed.")
    unsigned = said.verdict == UNSIGNED and device.must_sign
    if problem := _VERDICTS[BADLY_SIGNED] if unsigned else _VERDICTS[said.verdict]:
        code, message, advice = problem
        raise BadInput(message, advice=advice, code=code)
    if said.verdict == SIGNED:
        await device.advance(said.counter)
    await _write(worker, Done())


async def _pass_on(worker: Worker, capture: Capture) -> None:
    total = 0
    if capture.device is not None:
        await _write(worker, DeviceKey(capture.device.public_key, capture.device.name.encode("ascii")))
    await _write(worker, capture.start())
    async for data in capture.chunks:
        total += len(data)
        if total > MAX_CAPTURE:
            raise BadInput(
                "The capture is larger than the hub takes.",
                advice=f"Send at most {MAX_CAPTURE >> 20} MB.",
                code="too-large",
            )
        for start in range(0, len(data), CHUNK):
            await _write(worker, Chunk(data[start : start + CHUNK]))
    if not total:
        raise BadInput("The capture is empty.", advice="Send the capture in the request's body.", code="empty")
    await _write(worker, End(total))


async def _write(worker: Worker, message: Message) -> None:
    try:
        worker.writer.write(message.pack())
        await worker.writer.drain()
    except (OSError, RuntimeError) as error:
        raise WorkerDied("The capture could not be processed.") from error
