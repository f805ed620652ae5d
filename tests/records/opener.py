"""Stands in for the opener's enrolment workers: deterministic, without models; the content says what comes back."""

from __future__ import annotations

import threading

from limen.errors import BadImage, Unavailable
from limen.reasons import Reason, to_mask
from limen.records.enrolment import Enrolment
from limen.terms import Modality, Position
from limen.vault.seal import Context, Use
from limen.wire.messages import EnrolJob, Enrolled

SLAPS = (Position.PLAIN_RIGHT_FOUR, Position.PLAIN_LEFT_FOUR, Position.PLAIN_THUMBS)


class Opener:
    """Counts what it was asked; `fail_after`: becomes unavailable after so many images, as if it was killed."""

    def __init__(self, vault, fail_after=None):
        self.jobs: list[EnrolJob] = []
        self._vault, self._fail_after, self._lock = vault, fail_after, threading.Lock()

    def __call__(self, job: EnrolJob, data: bytes) -> Enrolment:
        with self._lock:
            self.jobs.append(job)
            if self._fail_after is not None and len(self.jobs) > self._fail_after:
                raise Unavailable("The opener process does not answer.")
        if job.what == 2:
            return self._file(job, data)
        if data.startswith(b"unreadable"):
            raise BadImage("The image cannot be read.")
        if job.modality == Modality.FINGER and job.position in SLAPS:
            return self._slap(job, data)
        return Enrolment([self._enrolled(job, job.sample, job.modality, job.position, data, data)])

    def _slap(self, job, data):
        """A finger a word, `faceless...` of no use, and the slap itself."""
        words = data.split()
        found = [
            self._enrolled(job, bytes([n]) + job.sample[1:], job.modality, 2 + n, word, b"")
            for n, word in enumerate(words)
        ]
        return Enrolment([*found, self._enrolled(job, job.sample, job.modality, job.position, b"", data)])

    def _file(self, job, data):
        """Lines `modality position`, then a blank line, then `field=value` lines."""
        samples, _, fields = data.decode().partition("\n\n")
        found = Enrolment(person=dict(line.split("=", 1) for line in fields.splitlines()))
        found.problems = int(str(found.person.pop("problems", 0)))
        for number, line in enumerate(samples.splitlines()):
            modality, position = map(int, line.split())
            found.samples.append(
                self._enrolled(job, bytes([number]) + job.sample[1:], modality, position, line.encode(), b"")
            )
        found.samples.append(self._enrolled(job, b"\xff" + job.sample[1:], 0, 0, b"", data))
        return found

    def _enrolled(self, job, sample, modality, position, content, original):
        def seal(use, text, model=b""):
            context = Context(use, job.country, job.record, sample, modality, position, model, job.expires)
            return self._vault.seal(context, text)[1] if text else b""

        usable = content and not content.startswith(b"faceless")
        template = seal(Use.TEMPLATE, b"template of " + content, b"made-up") if usable else b""
        portrait = seal(Use.SAMPLE, b"portrait of " + content) if modality == Modality.FACE else b""
        kept = seal(Use.FILE, original) if job.flags & 1 else b""
        model = b"made-up" if usable else b""
        remarks = [Reason.SEVERAL_FACES] if content.startswith(b"crowd") else []
        return Enrolled(
            sample=sample, modality=modality, position=position, usable=int(bool(usable)), model=model, quality=50,
            reasons=to_mask(remarks if usable else [Reason.NO_FACE]),
            minutiae=0, area=0, width=10, height=10, ppi=500, epoch=1,
            template_length=len(template), portrait_length=len(portrait), original_length=len(kept),
            tail=template + portrait + kept,
        )  # fmt: skip
