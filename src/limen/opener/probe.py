"""A probe worker's whole life: offer a key, take the capture, open it, extract, hand templates over, report, end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from limen.capture import container
from limen.capture.container import Sample
from limen.capture.offer import Offer as OfferTerms
from limen.capture.sealing import open_capture
from limen.errors import BadFile, BadMessage
from limen.exchange import an2
from limen.opener.examine import Finding, examine
from limen.opener.intake import take_in, wipe
from limen.opener.tools import Tools
from limen.terms import Modality, Position
from limen.vault.client import VaultClient
from limen.wire import Message, receive, send
from limen.wire.messages import (
    MAX_SAMPLES,
    CaptureStart,
    Done,
    FileHead,
    Offer,
    PlainImage,
    ProbeBegin,
    ProbeJob,
    ProbeTemplate,
    Report,
)
from limen.wire.parts import pack_samples

SEALED, PLAIN, FILE = 1, 2, 4  # `CaptureStart.form`
HEAD_SIZES = (16, 64, 64, 64, 16)  # bytes, as in `FileHead`
TO_MATCHER, NOTHING_USABLE, NOT_OPENED = 1, 2, 3  # `Report.outcome`
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
    start: Message = receive(front, CaptureStart, PlainImage, timeout=job.expires - time.time())
    received = take_in(front)
    working()
    try:
        if start == CaptureStart(FILE, 0):
            findings = _examine_file(bytes(received), tools, front)
        else:
            samples = _open(start, received, terms, key)
            findings = [examine(sample.image, sample.modality, sample.position, tools) for sample in samples]
    except BadFile:
        send(front, Report(NOT_OPENED, 0, 0, b""))
        return
    finally:
        wipe(received)
    usable = [finding for finding in findings if finding.template is not None]
    if usable:
        _hand_over(matcher, job.search, usable)
    outcome = TO_MATCHER if usable else NOTHING_USABLE
    send(front, Report(outcome, len(findings), 0, pack_samples([finding.report() for finding in findings])))


def _offer(job: ProbeJob, vault: VaultClient, front: socket.socket) -> tuple[X25519PrivateKey, OfferTerms]:
    """Make the one-time key, have it vouched for, and send it; the key exists in this process alone."""
    key = X25519PrivateKey.generate()
    terms = OfferTerms(job.search, os.urandom(32), key.public_key().public_bytes_raw(), job.expires)
    signature = vault.sign_offer(terms.search, terms.nonce, terms.public_key, terms.expires)
    vault.close()
    send(front, Offer(terms.search, terms.nonce, terms.public_key, terms.expires, signature))
    return key, terms


def _open(start: Message, received: bytearray, terms: OfferTerms, key: X25519PrivateKey) -> list[Sample]:
    """Samples of the capture; `BadFile` if it is none, or none for this search."""
    if isinstance(start, PlainImage):
        try:
            return [Sample(Modality(start.modality), Position(start.position), bytes(received))]
        except ValueError:
            raise BadMessage("An image of unknown modality or position.") from None
    if start == CaptureStart(SEALED, 0):
        return container.decode(open_capture(terms, key, received))
    if start == CaptureStart(PLAIN, 0):
        return container.decode(bytes(received))
    raise BadMessage("A capture of unknown form.")


def _examine_file(data: bytes, tools: Tools, front: socket.socket) -> list[Finding]:
    """Findings of the first samples of an ANSI/NIST-ITL file, and its head to the front; `BadFile` if it is none."""
    transaction = an2.read(data)
    found = [
        examine(sample.data, sample.modality, sample.position, tools, round(sample.ppi or 0))
        for sample in an2.samples(transaction)[:MAX_SAMPLES]
    ]
    type1 = transaction.type1
    domain, version, *_ = (*next(iter(type1.subfields(13)), ()), "", "")
    send(front, FileHead(*map(_ascii, (transaction.kind, type1.text(8), type1.text(9), domain, version), HEAD_SIZES)))
    return found


def _ascii(text: str, size: int) -> bytes:
    """As much of a text as the answer may repeat."""
    return "".join(c if " " <= c <= "~" else "?" for c in text.strip())[:size].encode("ascii")


def _hand_over(matcher: socket.socket, search: bytes, usable: list[Finding]) -> None:
    """Templates to the matcher, which answers to the front and tells this worker nothing but that it has them."""
    send(matcher, ProbeBegin(search, len(usable)))
    for finding in usable:
        send(matcher, ProbeTemplate(finding.modality or 0, finding.position, finding.template or b""))
    receive(matcher, Done, timeout=MATCHER_SECONDS)
