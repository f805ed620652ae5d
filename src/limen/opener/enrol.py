"""An enrolment worker's whole life: take one image or file, extract, seal for its country, hand back, end."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import cbor2

from limen import exchange, images
from limen.errors import BadMessage, LimenError
from limen.exchange import an2, osia
from limen.opener.examine import UNKNOWN_QUALITY, Finding, examine, extract
from limen.opener.intake import take_in, wipe
from limen.opener.tools import Tools
from limen.reasons import to_mask
from limen.ridge.stored import stored
from limen.terms import Modality, Position
from limen.vault.client import VaultClient
from limen.vault.seal import Context, Use
from limen.wire import receive, send
from limen.wire.messages import Done, EnrolJob, Enrolled, Failed, Fields

KEEP_ORIGINAL = 1  # `EnrolJob.flags`
JOB_SECONDS = 5.0


def serve(requester: socket.socket, vault: VaultClient, tools: Tools, working: Callable[[], None]) -> None:
    """Serve one enrolment; what is wrong with the image or file goes back as `Failed`.

    Args:
        requester, vault: connections, this enrolment's own.
        tools: warm.
        working: called when all bytes are there, and again before each sample of a file: time runs anew from there.
    """
    job = receive(requester, EnrolJob, timeout=JOB_SECONDS)
    data = take_in(requester)
    working()
    try:
        _Enrolment(job, requester, vault, tools, working).run(bytes(data))
        send(requester, Done())
    except LimenError as error:
        send(requester, Failed.of(error))
    finally:
        wipe(data)


class _Enrolment:
    def __init__(
        self, job: EnrolJob, requester: socket.socket, vault: VaultClient, tools: Tools, working: Callable[[], None]
    ) -> None:
        self._job, self._requester, self._vault, self._tools = job, requester, vault, tools
        self._working = working

    def run(self, data: bytes) -> None:
        match self._job.what:
            case 1:  # `EnrolJob.what`
                self._image(data)
            case 2:
                self._file(data)
            case 3:
                self._encounter(data)
            case other:
                raise BadMessage(f"An enrolment of kind {other}.")

    def _image(self, data: bytes) -> None:
        try:
            modality, position = Modality(self._job.modality), Position(self._job.position)
        except ValueError:
            raise BadMessage("An image of unknown modality or position.") from None
        findings = extract(images.decode(data), modality, position, self._tools, self._job.ppi)
        original = data if self._keeps_original else b""
        if len(findings) == 1:
            self._hand_back(self._job.sample, findings[0], self._job.ppi, original)
            return
        for finger, finding in enumerate(findings):  # of a slap, whose image is kept once
            self._hand_back(self._sample_id(finger), replace(finding, image=None), self._job.ppi, b"")
        whole = Finding(modality, position, findings[0].image, None, "", UNKNOWN_QUALITY, 0, [])
        self._hand_back(self._job.sample, whole, self._job.ppi, original)

    def _file(self, data: bytes) -> None:
        """Every sample of an ANSI/NIST-ITL file, the file itself, and what it says of the person."""
        transaction = exchange.read(data)
        for number, sample in enumerate(chain(an2.each_sample(transaction), an2.plotted(transaction))):
            self._working()
            ppi = round(sample.ppi or 0)
            findings = examine(sample.data, sample.modality, sample.position, self._tools, ppi, sample.minutiae)
            for finger, finding in enumerate(findings):  # of a slap
                self._hand_back(self._sample_id(number, finger), finding, ppi, b"")
        if self._keeps_original:
            nothing = Finding(None, Position.UNKNOWN, None, None, "", UNKNOWN_QUALITY, 0, [])
            self._hand_back(self._job.sample, nothing, 0, data)
        problems = [[p.record, p.field, p.message] for p in transaction.problems]
        person = an2.person_fields(transaction)
        send(self._requester, Fields(cbor2.dumps({"person": person, "problems": problems})))

    def _encounter(self, data: bytes) -> None:
        """Every image of an OSIA encounter, each kept by itself, the rest as JSON, and what it says of the person."""
        encounter = osia.encounter(data)
        person = osia.person(encounter) | {
            "status": encounter.status,
            "galleries": encounter.galleries,
            "type": encounter.encounterType,
            "encounter": encounter.encounterId,
        }
        rest, samples = osia.rest(encounter), osia.samples(encounter.biometricData)
        send(self._requester, Fields(cbor2.dumps({"person": person, "problems": []})))  # all is in order
        for number, sample in enumerate(samples):
            self._working()
            findings = examine(sample.data, sample.modality, sample.position, self._tools, sample.ppi)
            original = sample.data if self._keeps_original else b""
            if len(findings) == 1:
                self._hand_back(self._sample_id(number), findings[0], sample.ppi, original)
                continue
            for finger, finding in enumerate(findings, 1):  # of a slap, whose image is kept once
                self._hand_back(self._sample_id(number, finger), replace(finding, image=None), sample.ppi, b"")
            whole = Finding(sample.modality, sample.position, findings[0].image, None, "", UNKNOWN_QUALITY, 0, [])
            self._hand_back(self._sample_id(number), whole, sample.ppi, original)
        nothing = Finding(None, Position.UNKNOWN, None, None, "", UNKNOWN_QUALITY, 0, [])
        self._hand_back(self._job.sample, nothing, 0, rest)

    @property
    def _keeps_original(self) -> bool:
        return bool(self._job.flags & KEEP_ORIGINAL)

    def _sample_id(self, number: int, finger: int = 0) -> bytes:
        """The same file of the same record gives the same ids again; they tell nothing of its content."""
        part = bytes([number >> 8, number & 255, *([finger] if finger else [])])
        return hashlib.sha256(b"limen-file-sample" + self._job.record + self._job.sample + part).digest()[:16]

    def _hand_back(self, sample: bytes, finding: Finding, ppi: int, original: bytes) -> None:
        """Seal template, portrait and original, and send them as one `Enrolled`."""
        image = finding.image
        portrait = images.portrait(image) if image else b""
        sealed = [
            self._seal(Use.TEMPLATE, sample, finding, _to_keep(finding), finding.model),
            self._seal(Use.SAMPLE, sample, finding, portrait),
            self._seal(Use.FILE, sample, finding, original),
        ]
        send(
            self._requester,
            Enrolled(
                sample=sample,
                modality=finding.modality or 0,
                position=finding.position,
                usable=int(finding.template is not None),
                model=finding.model.encode("ascii"),
                quality=finding.quality,
                reasons=to_mask(finding.reasons),
                minutiae=finding.minutiae,
                area=finding.area,
                width=image.width if image else 0,
                height=image.height if image else 0,
                ppi=ppi or (round(image.ppi or 0) if image else 0),
                epoch=max(epoch for epoch, _ in sealed),
                template_length=len(sealed[0][1]),
                portrait_length=len(sealed[1][1]),
                original_length=len(sealed[2][1]),
                tail=b"".join(blob for _, blob in sealed),
            ),
        )

    def _seal(self, use: Use, sample: bytes, finding: Finding, content: bytes, model: str = "") -> tuple[int, bytes]:
        """(epoch, blob) bound to the job's record and to what the sample is; (0, nothing) for no content."""
        if not content:
            return 0, b""
        job = self._job
        context = Context(
            use,
            job.country,
            job.record,
            sample,
            finding.modality or 0,
            finding.position,
            model.encode("ascii"),
            job.expires,
        )
        return self._vault.seal(context, content)


def _to_keep(finding: Finding) -> bytes:
    """The template as it is stored: of a print with the codes that searches need (`ridge.stored`)."""
    template = finding.template or b""
    return template if finding.modality is Modality.FACE or not template else stored(template)
