"""Answer: what the officer is told. A decision, the reasons for it, what to do next; never a score or a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from limen.hits import claim as claims
from limen.hits.claim import ClaimedIdentity
from limen.hits.view import RecordView
from limen.reasons import Reason, from_mask
from limen.search import words
from limen.terms import Answer, Modality, Position
from limen.wire.messages import Decision, FacesSeen, Report
from limen.wire.parts import SampleReport, unpack_faces, unpack_samples

UNKNOWN_QUALITY = 255  # on the wire
_USED = {1: "yes", 2: "although-poor", 3: "no"}


class ReasonSaid(BaseModel):
    """Why: a stable code, what is wrong, and what to do about it."""

    code: str = Field(examples=["face-turned"])
    text: str
    advice: str = ""


class FaceSaid(BaseModel):
    """Where one of several faces is in its photo, turned upright: fractions of the photo's width and height."""

    x: float
    y: float
    width: float
    height: float
    searched: bool = Field(description="whether this is the face that was searched")


class SampleSaid(BaseModel):
    """What became of one image of the capture."""

    modality: str = Field(examples=["face"])
    position: str = Field(examples=["right-index"])
    used: Literal["yes", "although-poor", "no"]
    quality: int | None = Field(None, ge=0, le=100, description="0-100, higher is better")
    minutiae: int | None = Field(None, description="of a print: how many can clearly be seen")
    area: int | None = Field(None, description="of a print: skin with ridges, mm2")
    reasons: list[ReasonSaid]
    faces: list[FaceSaid] = Field([], description="of a photo with several faces; to search another, send its number")


class ComparedField(BaseModel):
    """One claimed field beside the record's."""

    field: str
    claimed: str
    recorded: str
    verdict: Literal["agrees", "contradicts", "unknown"]


class ClaimSaid(BaseModel):
    """Whether the claimed identity contradicts the record that was found."""

    contradicts: bool
    fields: list[ComparedField]


class MatchSaid(BaseModel):
    """A record as far as its owner lets the searching country see it."""

    strength: Literal["hit", "lead"]
    agreed: list[str] = Field(description="what agreed: face, and fingers by name", examples=[["face", "right-index"]])
    record: str = Field(description="the record's number, to quote when calling its owner")
    opened: bool = Field(description="false: the sealed fields could not be opened just now")
    owner: str
    owner_name: str
    names: list[str]
    date_of_birth: str
    sex: str
    nationalities: list[str]
    notice: str
    notice_number: str
    asks: str
    urgent: bool
    offence: str
    instructions: str
    contact: str
    portrait: str | None = Field(None, description="where the portrait is, for the searcher alone and a short time")
    claim: ClaimSaid | None = None


class Gallery(BaseModel):
    """How many records the searching country may see were searched."""

    records: int


class SearchAnswer(BaseModel):
    """The answer of a search."""

    id: str
    answer: Literal["hit", "no-hit", "refer", "cannot-tell"]
    reasons: list[ReasonSaid]
    next: list[str] = Field(description="what to do now, in this order")
    samples: list[SampleSaid]
    matches: list[MatchSaid]
    claim: ClaimSaid | None
    gallery: Gallery
    sealed: bool
    receipt: dict[str, object] | None = None


def compose(
    search_id: bytes,
    *,
    report: Report | None,
    decision: Decision | None,
    views: list[RecordView],
    claim: ClaimedIdentity | None,
    sealed: bool,
    missing: Reason | None = None,
    faces: Sequence[FacesSeen] = (),
) -> SearchAnswer:
    """The answer from what worker and matcher said.

    Args:
        search_id: 16 bytes.
        report: the worker's; None if it died.
        decision: the matcher's; None if no probe reached it or it was lost.
        views: the matched records, strongest first.
        claim: the claimed identity.
        sealed: whether the capture came sealed.
        missing: why there is no decision, where worker or matcher were lost.
        faces: where they are, in photos with several.
    """
    answer = Answer.from_wire(decision.answer) if decision else Answer.CANNOT_TELL
    if answer in (Answer.HIT, Answer.REFER) and not views:
        # The owner withdrew the record between decision and answer: what was decided no longer stands.
        answer, missing = Answer.CANNOT_TELL, Reason.GALLERY_INCOMPLETE
    said = [_match(search_id, number, view, claim) for number, view in enumerate(views)]
    first = said[0].claim if said else None
    reasons = _reasons(report, decision, missing)
    if first and first.contradicts:
        reasons.append(Reason.CLAIM_CONTRADICTED)
    if not sealed:
        reasons.append(Reason.NOT_SEALED)
    samples = unpack_samples(report.tail, report.count) if report else []
    seen = {found.sample: found for found in faces}
    return SearchAnswer(
        id=search_id.hex(),
        answer=answer.value,
        reasons=[_say(reason) for reason in reasons],
        next=words.next_steps(answer, views, reasons, [r for s in samples for r in from_mask(s.reasons)]),
        samples=[_sample(sample, seen.get(number)) for number, sample in enumerate(samples)],
        matches=said,
        claim=first,
        gallery=Gallery(records=decision.records if decision else 0),
        sealed=sealed,
    )


def _reasons(report: Report | None, decision: Decision | None, missing: Reason | None) -> list[Reason]:
    mask = (report.reasons if report else 0) | (decision.reasons if decision else 0)
    if missing is not None:
        mask |= 1 << missing
    if decision is None and report is not None and report.outcome == 2:
        mask |= 1 << Reason.PROBE_TOO_POOR
    return from_mask(mask & ~(1 << Reason.NOT_SEALED | 1 << Reason.CLAIM_CONTRADICTED))


def _say(reason: Reason) -> ReasonSaid:
    return ReasonSaid(code=reason.slug, text=reason.text, advice=reason.advice)


def _sample(sample: SampleReport, seen: FacesSeen | None) -> SampleSaid:
    return SampleSaid(
        modality=Modality(sample.modality).slug,
        position=Position(sample.position).slug,
        used=_USED[sample.status],  # type: ignore[arg-type]
        quality=None if sample.quality == UNKNOWN_QUALITY else min(sample.quality, 100),
        minutiae=None if sample.modality == Modality.FACE else sample.minutiae,
        area=sample.area or None,
        reasons=[_say(reason) for reason in from_mask(sample.reasons)],
        faces=_faces(seen) if seen else [],
    )


def _faces(seen: FacesSeen) -> list[FaceSaid]:
    boxes = enumerate(unpack_faces(seen.tail, seen.count), 1)
    return [FaceSaid(**vars(box), searched=number == seen.chosen) for number, box in boxes]


def _match(search_id: bytes, number: int, view: RecordView, claim: ClaimedIdentity | None) -> MatchSaid:
    return MatchSaid(
        strength="hit" if view.strength == 2 else "lead",
        agreed=list(view.agreed),
        record=view.number,
        opened=view.opened,
        owner=view.owner,
        owner_name=view.owner_name,
        names=list(view.names),
        date_of_birth=view.date_of_birth,
        sex=view.sex,
        nationalities=list(view.nationalities),
        notice=view.notice.value if view.notice else "",
        notice_number=view.notice_number,
        asks=view.notice.asks if view.notice else "",
        urgent=view.urgent,
        offence=view.offence,
        instructions=view.instructions,
        contact=view.contact,
        portrait=f"/v1/searches/{search_id.hex()}/portrait/{number}" if view.portrait else None,
        claim=_claim(view, claim),
    )


def _claim(view: RecordView, claim: ClaimedIdentity | None) -> ClaimSaid | None:
    if claim is None or not view.opened:
        return None
    compared = claims.compare(
        claim,
        names=view.names,
        date_of_birth=view.date_of_birth,
        nationalities=view.nationalities,
    )
    if not compared:
        return None
    fields = [
        ComparedField(field=c.field, claimed=c.claimed, recorded=c.recorded, verdict=c.verdict.value) for c in compared
    ]
    return ClaimSaid(contradicts=claims.contradicts(compared), fields=fields)
