"""A probe worker's whole life: offer a key, take the capture, open it, extract, hand templates over, report, end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from limen.capture import container
from limen.capture.container import Capture, Sample
from limen.capture.device import check_capture
from limen.capture.offer import Offer as OfferTerms
from limen.capture.sealing import open_capture
from limen.errors import BadFile, BadMessage, NotAllowed
from limen.exchange import an2, osia
from limen.opener.examine import Finding, examine
from limen.opener.holding import hold_if_wanted
from limen.opener.intake import take_in, wipe
from limen.opener.lifeline import dying_with
from limen.opener.tools import Tools
from limen.terms import Modality, Position
from limen.vault.client import VaultClient
from limen.wire import Message, receive, send
from limen.wire.messages import (
    MAX_SAMPLES,
    CaptureStart,
    DeviceKey,
    DeviceSaid,
    Done,
    FacesSeen,
    FileHead,
    Offer,
    PlainImage,
    ProbeBegin,
    ProbeJob,
    ProbeTemplate,
    Report,
)
from limen.wire.parts import pack_faces, pack_samples

SEALED, PLAIN, FILE, OSIA = 1, 2, 4, 5  # `CaptureStart.form`
HEAD_SIZES = (16, 64, 64, 64, 16)  # bytes, as in `FileHead`
TO_MATCHER, NOTHING_USABLE, NOT_OPENED, NOT_SERVED = 1, 2, 3, 4  # `Report.outcome`
SIGNED, UNSIGNED, BADLY_SIGNED, CLOCK_OFF = 1, 2, 3, 4  # `DeviceSaid.verdict`
GO_ON_SECONDS = 5.0  # the front looks the counter up
MATCHER_SECONDS = 5.0  # the matcher takes templates within microseconds


def serve(
    front: socket.socket, matcher: socket.socket, vault: VaultClient, tools: Tools, working: Callable[[], None]
) -> None:
    """Serve one search.

    Args:
        front, matcher, vault: connections, this search's own.
        tools: warm.
        working: called when the capture is complete and the work on it begins.

    Raises:
        LimenError: the search cannot be served; the front sees the connection close, or a `Failed` before the offer.
    """
    job = receive(front, ProbeJob, timeout=MATCHER_SECONDS)
    key, terms = _offer(job, vault, front)
    device, start = _announced(front, job.expires)
    received = take_in(front)
    working()
    try:
        if start in (CaptureStart(FILE, 0), CaptureStart(FILE, 1)):
            _check_device(front, device, Capture([]), terms)
            sealed = start == CaptureStart(FILE, 1)
            findings = _examine_file(open_capture(terms, key, received) if sealed else bytes(received), tools, front)
        elif start in (CaptureStart(OSIA, 0), CaptureStart(OSIA, 1)):
            _check_device(front, device, Capture([]), terms)
            with dying_with(front):
                asked = osia.probe(bytes(received), verify=start == CaptureStart(OSIA, 1))
                send(front, FileHead(b"OSIA", b"", b"", b"", b""))  # it is in order; the rest takes its time
                findings = [
                    f
                    for s in asked.samples[:MAX_SAMPLES]
                    for f in examine(s.data, s.modality, s.position, tools, s.ppi)
                ]
        else:
            capture = _open(start, received, terms, key)
            _check_device(front, device, capture, terms)
            with dying_with(front):
                findings = [
                    found
                    for one in capture.samples
                    for found in examine(one.image, one.modality, one.position, tools, face=one.face)
                ]
    except BadFile:
        send(front, Report(NOT_OPENED, 0, 0, b""))
        return
    except NotAllowed:
        send(front, Report(NOT_SERVED, 0, 0, b""))
        return
    finally:
        wipe(received)
    findings = findings[:MAX_SAMPLES]  # slaps give several each
    usable = [finding for finding in findings if finding.template is not None]
    if usable:
        _hand_over(matcher, job.search, usable)
    for number, finding in enumerate(findings):
        if len(finding.faces) > 1:
            boxes = pack_faces(list(finding.faces))
            send(front, FacesSeen(number, finding.chosen, len(finding.faces), boxes))
    outcome = TO_MATCHER if usable else NOTHING_USABLE
    send(front, Report(outcome, len(findings), 0, pack_samples([finding.report() for finding in findings])))
    if usable:
        hold_if_wanted(front, matcher, vault, job.search, usable)


def _offer(job: ProbeJob, vault: VaultClient, front: socket.socket) -> tuple[X25519PrivateKey, OfferTerms]:
    """Make the one-time key, have it vouched for, and send it; the key exists in this process alone."""
    key = X25519PrivateKey.generate()
    terms = OfferTerms(job.search, os.urandom(32), key.public_key().public_bytes_raw(), job.expires)
    signature = vault.sign_offer(terms.search, terms.nonce, terms.public_key, terms.expires)
    send(front, Offer(terms.search, terms.nonce, terms.public_key, terms.expires, signature))
    return key, terms


def _announced(front: socket.socket, expires: int) -> tuple[DeviceKey | None, Message]:
    """Which device is said to have signed the capture, if any, and how the capture comes."""
    first: Message = receive(front, DeviceKey, CaptureStart, PlainImage, timeout=expires - time.time())
    if not isinstance(first, DeviceKey):
        return None, first
    return first, receive(front, CaptureStart, PlainImage, timeout=expires - time.time())


def _check_device(front: socket.socket, device: DeviceKey | None, capture: Capture, terms: OfferTerms) -> None:
    """Tell the front what the device's signature says, and go on only when it tells us to."""
    if device is None:
        return
    verdict, counter, taken = UNSIGNED, 0, 0
    if capture.device:
        name = device.name.rstrip(b"\0").decode("ascii", "replace")
        try:
            said = check_capture(capture.device, capture.samples, terms, name, device.public_key, now=time.time())
            verdict, counter, taken = SIGNED, said.counter, said.time
        except BadFile as error:
            verdict = CLOCK_OFF if error.code == "device-clock" else BADLY_SIGNED
    send(front, DeviceSaid(verdict, counter, taken))
    receive(front, Done, timeout=GO_ON_SECONDS)


def _open(start: Message, received: bytearray, terms: OfferTerms, key: X25519PrivateKey) -> Capture:
    """The capture; `BadFile` if it is none, or none for this search."""
    if isinstance(start, PlainImage):
        try:
            return Capture([Sample(Modality(start.modality), Position(start.position), bytes(received), start.face)])
        except ValueError:
            raise BadMessage("An image of unknown modality or position.") from None
    if start == CaptureStart(SEALED, 0):
        return container.decode(open_capture(terms, key, received))
    if start == CaptureStart(PLAIN, 0):
        return container.decode(bytes(received))
    raise BadMessage("A capture of unknown form.")


def _examine_file(data: bytes, tools: Tools, front: socket.socket) -> list[Finding]:
    """Findings of the first samples of an ANSI/NIST-ITL file, and its head to the front; `BadFile` if it is none."""
    with dying_with(front):
        transaction = an2.read(data)
        found = [
            finding
            for sample in [*an2.samples(transaction), *an2.plotted(transaction)][:MAX_SAMPLES]
            for finding in examine(
                sample.data, sample.modality, sample.position, tools, round(sample.ppi or 0), sample.minutiae
            )
        ]
    type1 = transaction.type1
    domain, version, *_ = (*next(iter(type1.subfields(13)), ()), "", "")
    send(front, FileHead(*map(_ascii, (transaction.kind, type1.text(8), type1.text(9), domain, version), HEAD_SIZES)))
    return found


def _ascii(text: str, size: int) -> bytes:
    """As much of a text as the answer may repeat."""
    return "".join(c if " " <= c <= "~" else "?" for c in text.strip())[:size].encode("ascii")


def _hand_over(matcher: socket.socket, search: bytes, usable: list[Finding]) -> None:
    """Templates to the matcher, which answers to the front and tells this worker nothing but that it has them.

    A face has one of every model in use. Where that would be too many, faces go without those of earlier models, and
    the matcher sees that it cannot search everything.
    """
    templates = [(finding, finding.template or b"") for finding in usable]
    templates += [(finding, other) for finding in usable for other in finding.further]
    templates = templates[:MAX_SAMPLES]
    send(matcher, ProbeBegin(search, len(templates)))
    for finding, template in templates:
        send(matcher, ProbeTemplate(finding.modality or 0, finding.position, template))
    receive(matcher, Done, timeout=MATCHER_SECONDS)
