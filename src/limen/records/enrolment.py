"""Asking the opener for one enrolment: an image or file goes in, sealed samples come back, nothing is opened here."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import cbor2

from limen.errors import BadFile, BadImage, BadInput, LimenError, Unavailable
from limen.reasons import Reason
from limen.settings import Settings
from limen.terms import Modality, Position
from limen.wire import Message, receive, send
from limen.wire.messages import CHUNK, MIB, Chunk, Done, End, EnrolJob, Enrolled, Failed, Fields
from limen.wire.sockets import connect

SOCKET = "opener-enrol"
IMAGE, FILE, ENCOUNTER = 1, 2, 3  # `EnrolJob.what`
KEEP_ORIGINAL = 1  # `EnrolJob.flags`
MAX_SAMPLES = 200  # of one file; `exchange.an2` reads no more records
MAX_FINGERS = 4  # of one image: a slap's, and then the slap itself
MAX_ANSWER = 256 * MIB  # of one file, with all portraits: bounds the importer's memory
TRIES = 3  # a worker can die for another's sake (memory, a restart); a file that kills three is bad
PAUSE_SECONDS = 0.5  # before another try; doubles
PATIENCE_SECONDS = 60.0  # for a worker to become free and the opener to come back
_FAILURES_OF_INPUT = (2, 3, 4, 5)  # `Failed.failure`: the file is bad, not the hub


@dataclass
class Enrolment:
    """What came back: samples, and for files what they say of the person (`exchange.an2.person_fields`).

    problems: in how many places a file could not be read.
    """

    samples: list[Enrolled] = field(default_factory=list)
    person: dict[str, object] = field(default_factory=dict)
    problems: int = 0


def enrol(settings: Settings, job: EnrolJob, data: bytes, accepted: Callable[[], None] = lambda: None) -> Enrolment:
    """Have one image or file enrolled.

    Args:
        settings: of the hub whose opener is asked.
        job: what it is; whose; its ids.
        data: its bytes, at most 64 MiB.
        accepted: called once the worker has found an encounter in order, before it works on the images.

    Raises:
        BadInput: it cannot be used; the reason is the message.
        Unavailable, KeyUnavailable, Damaged: the hub cannot enrol anything now.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return _enrol(_connected(settings), settings, job, data, accepted)
        except _WorkerDied:
            time.sleep(PAUSE_SECONDS * 2**attempt)
    raise BadImage(Reason.DECODER_DIED.text, advice=Reason.DECODER_DIED.advice)


class _WorkerDied(Exception):
    """Never leaves this module."""


def _connected(settings: Settings) -> socket.socket:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return connect(settings.socket(SOCKET))
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE_SECONDS)


def _enrol(
    sock: socket.socket, settings: Settings, job: EnrolJob, data: bytes, accepted: Callable[[], None]
) -> Enrolment:
    found = Enrolment()
    with sock:
        with contextlib.suppress(Unavailable):  # the worker may have said why before it hung up
            _hand_in(sock, job, data)
        while True:
            try:
                patience = PATIENCE_SECONDS + settings.worker_seconds
                answer: Message = receive(sock, Enrolled, Fields, Done, Failed, timeout=patience)
            except Unavailable:
                raise _WorkerDied from None
            match answer:
                case Enrolled():
                    found.samples.append(_checked(answer, job, found.samples))
                case Fields():
                    found.person, found.problems = _said(answer.tail)
                    accepted()
                case Failed():
                    raise _error(answer)
                case _ if job.what != IMAGE or (found.samples and found.samples[-1].sample == job.sample):
                    return found
                case _:
                    raise _NONSENSE


def _hand_in(sock: socket.socket, job: EnrolJob, data: bytes) -> None:
    send(sock, job)
    view = memoryview(data)
    for start in range(0, len(view), CHUNK):
        send(sock, Chunk(bytes(view[start : start + CHUNK])))
    send(sock, End(len(view)))


def _checked(answer: Enrolled, job: EnrolJob, before: list[Enrolled]) -> Enrolled:
    """A sample as it may be stored. A worker that was taken over by what it read may say anything."""
    try:
        answer.blobs()
        answer.model.rstrip(b"\0").decode("ascii")
        Position(answer.position)
        modality = Modality(answer.modality).value if answer.modality else 0
    except (ValueError, BadInput):
        raise _NONSENSE from None
    size = sum(len(one.tail) for one in before) + len(answer.tail)
    known = any(one.sample == answer.sample for one in before)
    if known or len(before) >= MAX_SAMPLES or size > MAX_ANSWER or (answer.usable and not answer.template_length):
        raise _NONSENSE
    if job.what == IMAGE and (modality != job.modality or len(before) > MAX_FINGERS):
        raise _NONSENSE
    return answer


_NONSENSE = BadImage(Reason.DECODER_DIED.text, advice=Reason.DECODER_DIED.advice)


def _error(answer: Failed) -> LimenError:
    error = answer.error()
    if answer.failure in _FAILURES_OF_INPUT and not isinstance(error, BadInput):
        return BadImage(error.message)
    return error


def _said(tail: bytes) -> tuple[dict[str, object], int]:
    """Of `Fields`: the person, and how many problems there are. Their words are the worker's: nobody prints them."""
    try:
        fields = cbor2.loads(tail)
        person, problems = fields["person"], len(fields.get("problems", ()))
    except (cbor2.CBORDecodeError, AttributeError, KeyError, TypeError):
        person, problems = None, 0
    if not isinstance(person, dict) or not all(isinstance(key, str) for key in person):
        raise BadFile("What the file says of the person cannot be read.")
    return person, problems
