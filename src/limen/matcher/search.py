"""One search: candidates from every modality, full evidence for each, a verdict, and nothing of the probe left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limen.face import evidence as face_evidence
from limen.face.combine import combine
from limen.face.template import FaceTemplate
from limen.matcher.decision import Asked, Policy, decide
from limen.matcher.faces import THREADS
from limen.matcher.fusion import Evidence, Finding, fuse
from limen.matcher.gallery import Gallery
from limen.matcher.positions import Group, group
from limen.matcher.tail import FaceTerms
from limen.reasons import Reason
from limen.ridge import evidence as ridge_evidence
from limen.ridge import expectation as ridge_expectation
from limen.ridge.template import RidgeTemplate
from limen.terms import Answer, Modality
from limen.wire.parts import Match

CANDIDATES = 32  # records that each probe sample may propose; the rest of the gallery is below them for it
DEPTH, DEEPEST = 256, 8192  # prints that a search of one group brings back, before invisible records are left out
VISIBLE = 4  # times `CANDIDATES` that are to be left of them
FACE = (Modality.FACE, 0)


@dataclass
class Probe:
    """The samples of one search.

    Attributes:
        faces: templates of one model, of one person.
        prints: (group, template) of each finger, palm or mark.
    """

    faces: list[FaceTemplate]
    prints: list[tuple[Group, RidgeTemplate]]

    @classmethod
    def of(cls, samples: Sequence[tuple[Modality, int, FaceTemplate | RidgeTemplate]]) -> Probe:
        """A probe from (modality, position, template) of each sample."""
        faces = [template for _, _, template in samples if isinstance(template, FaceTemplate)]
        prints = [
            (group(modality, position), template)
            for modality, position, template in samples
            if isinstance(template, RidgeTemplate) and len(template)
        ]
        return cls(faces, prints)

    def wipe(self) -> None:
        """Overwrite every template."""
        for face in self.faces:
            face.vector.fill(0)
        for _, template in self.prints:
            for array in (template.x, template.y, template.angle, template.kind, template.minutia_quality):
                array.fill(0)
        self.faces.clear()
        self.prints.clear()


@dataclass(frozen=True)
class Outcome:
    """An answer, why, the records it rests on (strongest first), and what was searched in how many seconds.

    strongest: nats of the strongest candidate, whatever became of it; None without any. For `matcher.watch` alone.
    """

    answer: Answer
    reasons: frozenset[Reason]
    matches: tuple[Match, ...]
    records: int
    samples: int
    seconds: float
    strongest: float | None = None


def identify(
    gallery: Gallery, probe: Probe, country: str, policy: Policy, *, complete: bool = True, now: int | None = None
) -> Outcome:
    """Search every record that a country may see and that is valid now.

    Args:
        probe: is not changed; wipe it afterwards.
        country: alpha-3 code of the searching country.
        complete: whether the gallery holds all that it should.
        now: Unix seconds.
    """
    started = time.perf_counter()
    allowed = gallery.allowed(country, int(time.time()) if now is None else now)
    face = _one_face(probe.faces)
    searched = _search(gallery, face, probe, allowed)
    terms = _terms(gallery, face)
    asked = Asked(
        face=terms,
        prints=len(probe.prints),
        expected=_expected(gallery, probe, terms),
        records=int(np.count_nonzero(allowed)),
        complete=complete,
    )
    verdict = decide(searched, asked, policy)
    if face is not None:
        face.vector.fill(0)
    return Outcome(
        verdict.answer,
        verdict.reasons,
        tuple(_match(gallery, found, strength) for found, strength in verdict.matches),
        asked.records,
        gallery.count(*Modality),
        time.perf_counter() - started,
        max((found.total for found in searched), default=None),
    )


def _search(gallery: Gallery, face: FaceTemplate | None, probe: Probe, allowed: np.ndarray) -> list[Evidence]:
    """Evidence for each record that any probe sample proposes."""
    slots: set[int] = set()
    if face is not None and face.model in gallery.faces:
        slots |= _by_face(gallery, face, allowed)
    for where, template in probe.prints:
        slots |= _by_print(gallery, where, template, allowed)
    faces = {slot: _compare_faces(gallery, face, slot) for slot in slots}
    prints: dict[int, list[Finding]] = defaultdict(list)
    for index, (where, template) in enumerate(probe.prints):
        _compare_prints(gallery, index, where, template, slots, prints)
    return [fuse(slot, faces[slot], prints[slot]) for slot in sorted(slots)]


def _by_face(gallery: Gallery, face: FaceTemplate, allowed: np.ndarray) -> set[int]:
    """Slots of the most alike faces among the allowed records."""
    matrix = gallery.faces[face.model]
    (rows,) = matrix.nearest(face.vector[None], allowed, CANDIDATES)
    return {int(matrix.slots[row]) for row in rows}


def _by_print(gallery: Gallery, where: Group, template: RidgeTemplate, allowed: np.ndarray) -> set[int]:
    """Slots of the most alike prints among the allowed records, over all comparable positions."""
    keys, scores = [np.empty(0, np.uint64)], [np.empty(0, np.float32)]
    share = max(float(allowed.mean()), 1e-9) if len(allowed) else 1.0
    depth = int(np.clip(VISIBLE * CANDIDATES / share, DEPTH, DEEPEST))
    for kept in gallery.groups(where):
        found, likeness = gallery.ridges[kept].search(template, depth, threads=THREADS)
        visible = allowed[gallery.slots_of(found)]
        if len(found) == depth and np.count_nonzero(visible) < CANDIDATES:  # hidden records took the places
            found, likeness = _search_visible(gallery, kept, template, allowed)
            visible = np.ones(len(found), bool)
        keys.append(found[visible])
        scores.append(likeness[visible])
    order = np.argsort(-np.concatenate(scores), kind="stable")
    slots = gallery.slots_of(np.concatenate(keys)[order])
    return set(list(dict.fromkeys(slots.tolist()))[:CANDIDATES])


def _search_visible(
    gallery: Gallery, kept: Group, template: RidgeTemplate, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    keys = [s.sample for slot in np.flatnonzero(allowed) for s in gallery.samples(int(slot)) if s.group == kept]
    return gallery.ridges[kept].search_among(template, np.array(keys, np.uint64), DEPTH)


def _compare_faces(gallery: Gallery, face: FaceTemplate | None, slot: int) -> Finding | None:
    """The probe's face against a record's photos, combined; the finding names the photo that is most alike."""
    if face is None:
        return None
    keys = [kept.sample for kept in gallery.samples(slot) if kept.group == FACE and kept.model == face.model]
    if not keys:
        return None
    vectors, qualities = gallery.faces[face.model].of(keys)
    together, quality = combine(vectors, qualities)
    ratio = face_evidence.llr(float(together @ face.vector), (quality + face.quality) / 2, face.model)
    return Finding(-1, keys[int(np.argmax(vectors @ face.vector))], FACE, float(ratio))


def _compare_prints(
    gallery: Gallery,
    index: int,
    where: Group,
    template: RidgeTemplate,
    slots: set[int],
    into: dict[int, list[Finding]],
) -> None:
    """Compare one probe print with every comparable print of the candidate records."""
    groups = set(gallery.groups(where))
    wanted: dict[Group, list[int]] = defaultdict(list)
    for slot in sorted(slots):
        for kept in gallery.samples(slot):
            if kept.group in groups:
                wanted[kept.group].append(kept.sample)
    for kept_group, keys in wanted.items():
        found, scores = gallery.ridges[kept_group].search_among(template, np.array(keys, np.uint64), len(keys))
        likeness = dict(zip(found.tolist(), scores.tolist(), strict=True))
        for key, slot in zip(keys, gallery.slots_of(np.array(keys, np.uint64)).tolist(), strict=True):
            ratio = float(ridge_evidence.llr(float(likeness.get(key, 0.0))))
            into[slot].append(Finding(index, key, kept_group, ratio))


def _match(gallery: Gallery, found: Evidence, strength: int) -> Match:
    """What the front learns of a candidate: no score, but which samples agree."""
    agree = [finding for finding in found.ridges if finding.llr > 0]
    modalities = {finding.group[0] for finding in agree} | ({Modality.FACE} if found.face > 0 else set())
    fingers = {finding.group[1] for finding in agree if finding.group[0] is Modality.FINGER}
    return Match(
        record=gallery.handle(found.slot),
        sample=found.best.sample if found.best else 0,
        strength=strength,
        modalities=sum(1 << modality for modality in modalities),
        fingers=sum(1 << position for position in fingers),
    )


def _one_face(faces: Sequence[FaceTemplate]) -> FaceTemplate | None:
    """Several photos of the probe as one."""
    if not faces:
        return None
    alike = [face for face in faces if face.model == faces[0].model]
    vectors = np.stack([face.vector for face in alike])
    vector, quality = combine(vectors, np.array([face.quality for face in alike]))
    vectors.fill(0)
    return FaceTemplate(faces[0].model, vector, quality)


def _terms(gallery: Gallery, face: FaceTemplate | None) -> FaceTerms | None:
    """The terms of the face search; against no reference, those of one as good as the probe."""
    if face is None:
        return None
    shares = gallery.faces[face.model].quality_shares() if face.model in gallery.faces else ()
    return FaceTerms(face.model, face.quality, shares or ((float(face.quality), 1.0),))


def _expected(gallery: Gallery, probe: Probe, terms: FaceTerms | None) -> tuple[float, float]:
    """Mean and deviation (nats) of the evidence of a mated record, as far as the probe's quality foretells it.

    Samples of a kind that the gallery does not hold bring none, however good they are.
    """
    mean, variance = 0.0, 0.0
    if terms is not None and len(gallery.faces.get(terms.model, ())):
        quality = (terms.quality + sum(quality * share for quality, share in terms.references)) / 2
        score, deviation = face_evidence.calibration(terms.model).mated(quality)
        low, middle, high = face_evidence.llr(
            np.array([score - deviation, score, score + deviation]), quality, terms.model
        )
        mean, variance = float(middle), (float(high - low) / 2) ** 2
    for where, template in probe.prints:
        if not gallery.groups(where):
            continue
        nats, spread = ridge_expectation.mated(template)
        mean, variance = mean + nats, variance + spread**2
    return mean, float(np.sqrt(variance))
