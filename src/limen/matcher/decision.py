"""From evidence to an answer that keeps its promised error rate.

Thresholds follow from the accepted false-positive identification rates, the modalities of the probe and the number of
records searched (`matcher.tail`). A face alone makes no hit unless the operator says so: without a print that agrees it
is a lead for an examiner. "No hit" is said only when the whole gallery answered and the probe was good enough that a
mated person would probably have been found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtr

from limen.matcher.fusion import Evidence
from limen.matcher.tail import LEAST_LEAD, FaceTerms, Kind, mark_threshold, threshold
from limen.reasons import Reason
from limen.terms import Answer
from limen.wire.messages import MAX_MATCHES

PRINT_AGREES = 5.0  # nats: a print that speaks 150 to 1 for the record; what a hit needs besides the sum
DENIES = -4.0  # nats: 55 to 1 against
PROBABLY = 0.5  # chance of missing a mated person above which the answer is "cannot tell"


@dataclass(frozen=True)
class Policy:
    """What the operator accepts: false-positive identification rates per search, fractions."""

    fpir_refer: float = 1e-3
    fpir_hit: float = 1e-5
    fpir_mark: float = 0.1  # of searches with marks alone, which examiners look at one by one
    face_hits: bool = False  # whether a face alone may be a hit


@dataclass(frozen=True)
class Asked:
    """What a search was made with.

    Attributes:
        face: terms of the face search, None if the probe has no face; prints: how many prints were searched.
        marks: whether all of them are crime-scene marks, and there is no face: an examiner asks, for leads.
        expected: (mean, standard deviation) in nats of the total evidence that a mated record would gather, by the
            probe's quality.
        records: how many records took part.
        complete: whether the whole gallery was there.
        kinds: what the records hold of what the probe holds; empty where nothing could be compared.
    """

    face: FaceTerms | None
    prints: int
    expected: tuple[float, float]
    records: int
    complete: bool
    marks: bool = False
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The answer, why, and the records that it rests on, strongest first; strength 2 hit, 1 lead."""

    answer: Answer
    reasons: frozenset[Reason]
    matches: tuple[tuple[Evidence, int], ...]


def decide(evidence: Sequence[Evidence], asked: Asked, policy: Policy) -> Verdict:
    """The answer to a search.

    Args:
        evidence: of every candidate record, in any order.
    """
    lead, sure = _thresholds(asked, policy)
    torn = {record.slot for record in evidence if _disagrees(record, asked, policy)}
    ranked = sorted(evidence, key=lambda record: record.total, reverse=True)
    leads = [record for record in ranked if record.total > lead or record.slot in torn][:MAX_MATCHES]
    matches = tuple((record, 2 if record.total > sure and _may_hit(record, policy) else 1) for record in leads)
    reasons = set() if asked.complete else {Reason.GALLERY_INCOMPLETE}
    if not matches:
        return _nothing(asked, lead, reasons)
    if any(strength == 2 for _, strength in matches):
        matches = tuple(sorted(matches, key=lambda match: -match[1]))  # stable: strongest first within each class
        return Verdict(Answer.HIT, frozenset(reasons), matches)
    if torn:
        reasons.add(Reason.MODALITIES_DISAGREE)
    return Verdict(Answer.REFER, frozenset(reasons | _doubts(leads)), matches)


def _thresholds(asked: Asked, policy: Policy) -> tuple[float, float]:
    """Nats that a lead and a hit must exceed; a mark alone is never a hit, however alike."""
    if asked.marks:
        return mark_threshold(policy.fpir_mark, asked.records), float("inf")
    lead = max(LEAST_LEAD, threshold(policy.fpir_refer, asked.records, asked.kinds))
    return lead, max(lead, threshold(policy.fpir_hit, asked.records, asked.kinds))


def chance_of_missing(asked: Asked, lead: float) -> float:
    """Probability that a mated record would stay below the threshold, for a probe of this quality."""
    mean, deviation = asked.expected
    return float(ndtr((lead - mean) / max(deviation, 1e-6)))


def _nothing(asked: Asked, lead: float, reasons: set[Reason]) -> Verdict:
    if asked.face is None and not asked.prints:
        return Verdict(Answer.CANNOT_TELL, frozenset(reasons | {Reason.PROBE_TOO_POOR}), ())
    if asked.records and chance_of_missing(asked, lead) > PROBABLY:
        reasons = reasons | {Reason.PROBE_TOO_POOR}
    return Verdict(Answer.CANNOT_TELL if reasons else Answer.NO_HIT, frozenset(reasons), ())


def _may_hit(record: Evidence, policy: Policy) -> bool:
    """Whether a print agrees, or the operator lets a face alone be a hit; a print that denies it speaks against."""
    if any(finding.llr >= PRINT_AGREES for finding in record.ridges):
        return True
    return policy.face_hits and record.has_face and record.ridge > DENIES


def _doubts(leads: Sequence[Evidence]) -> set[Reason]:
    """Why leads are no hit."""
    by_face_alone = all(record.has_face and not any(f.llr > 0 for f in record.ridges) for record in leads)
    doubts = {Reason.FACE_LEAD_ONLY if by_face_alone else Reason.WEAK_EVIDENCE}
    return doubts | ({Reason.SEVERAL_CANDIDATES} if len(leads) > 1 else set())


def _disagrees(record: Evidence, asked: Asked, policy: Policy) -> bool:
    """Whether the face alone points to the record as surely as a hit must, and the prints deny it: or the reverse."""
    if not record.has_face or not record.ridges:
        return False
    faces = [Kind(kind.share, kind.face) for kind in asked.kinds if kind.face]
    prints = [Kind(kind.share, None, kind.prints) for kind in asked.kinds if kind.prints]
    by_face = record.face > threshold(policy.fpir_hit, asked.records, faces)
    by_print = record.ridge > threshold(policy.fpir_hit, asked.records, prints)
    return (by_face and record.ridge <= DENIES) or (by_print and record.face <= DENIES)
