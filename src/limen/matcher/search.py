"""One search: candidates from every modality, full evidence for each, a verdict, and nothing of the probe left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from limen.ridge.index import Found
from limen.ridge.template import RidgeTemplate
from limen.terms import Answer, Modality
from limen.wire.parts import Match

CANDIDATES = 32  # records that each probe sample may propose; the rest of the gallery is below them for it
FEW = 500  # records: so few are all compared exactly
MOST = 3000  # prints that a search of one group compares exactly at most (native/ridge/index.cpp)
PRINTS_TOGETHER = 0.5  # correlation of mated evidence between fingers of one person: 0.47 (decision 0281)
FACE = (Modality.FACE, 0)
Faces = dict[str, FaceTemplate]  # a probe's one face, by model


@dataclass
class Probe:
    """The samples of one search.

    Attributes:
        faces: templates of one person, those of the model that makes new templates first.
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

    strongest, nearest: nats of the strongest candidate, whatever became of it, and its record's handle; None without
    any. For `matcher.watch` and `matcher.again` alone.
    """

    answer: Answer
    reasons: frozenset[Reason]
    matches: tuple[Match, ...]
    records: int
    samples: int
    seconds: float
    strongest: float | None = None
    nearest: int | None = None


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
    faces = _one_a_model(probe.faces)
    searched = _search(gallery, faces, probe, allowed)
    terms = _terms(gallery, faces)
    asked = Asked(
        face=terms,
        prints=len(probe.prints),
        expected=_expected(gallery, probe, terms),
        records=int(np.count_nonzero(allowed)),
        complete=complete and not _left_out(gallery, faces, allowed),
        kinds=gallery.makeup.kinds(
            terms, [(where, ridge_expectation.clear(template)) for where, template in probe.prints]
        ),
        marks=not faces and bool(probe.prints) and all(where[0] is Modality.MARK for where, _ in probe.prints),
    )
    verdict = decide(searched, asked, policy)
    strongest = max(searched, key=lambda found: found.total, default=None)
    for face in faces.values():
        face.vector.fill(0)
    return Outcome(
        verdict.answer,
        verdict.reasons,
        tuple(match_of(gallery, found, strength) for found, strength in verdict.matches),
        asked.records,
        gallery.count(*Modality),
        time.perf_counter() - started,
        strongest.total if strongest else None,
        gallery.handle(strongest.slot) if strongest else None,
    )


def _search(gallery: Gallery, faces: Faces, probe: Probe, allowed: np.ndarray) -> list[Evidence]:
    """Evidence for each record that any probe sample proposes."""
    slots: set[int] = set()
    for face in faces.values():
        if face.model in gallery.faces:
            slots |= _by_face(gallery, face, allowed)
    sought = [(gallery.groups(where), template) for where, template in probe.prints]
    slots = slots.union(*by_prints(gallery, sought, allowed))
    compared = {slot: _compare_faces(gallery, faces, slot) for slot in slots}
    prints: dict[int, list[Finding]] = defaultdict(list)
    for index, (where, template) in enumerate(probe.prints):
        compare_prints(gallery, index, gallery.groups(where), template, slots, prints)
    return [fuse(slot, compared[slot], prints[slot]) for slot in sorted(slots)]


def _by_face(gallery: Gallery, face: FaceTemplate, allowed: np.ndarray) -> set[int]:
    """Slots of the most alike faces among the allowed records."""
    matrix = gallery.faces[face.model]
    (rows,) = matrix.nearest(face.vector[None], allowed, CANDIDATES)
    return {int(matrix.slots[row]) for row in rows}


def by_prints(
    gallery: Gallery, prints: Sequence[tuple[Sequence[Group], RidgeTemplate]], allowed: np.ndarray
) -> list[set[int]]:
    """Of each print, slots of the allowed records with the most alike prints of its groups.

    Prints that are compared with the same group share one pass over it.
    """
    found: list[list[Found]] = [[] for _ in prints]
    for kept in sorted({kept for groups, _ in prints for kept in groups}):
        which = [number for number, (groups, _) in enumerate(prints) if kept in groups]
        for number, some in zip(which, _alike(gallery, kept, [prints[n][1] for n in which], allowed), strict=True):
            found[number].append(some)
    return [_slots(gallery, some) for some in found]


def _alike(gallery: Gallery, kept: Group, templates: list[RidgeTemplate], allowed: np.ndarray) -> list[Found]:
    """The most alike prints of one group in allowed records, for each template.

    Records that are hidden take places among the prints that are compared exactly (one in 200). Where fewer visible
    ones are left than are asked for, all visible ones are compared, so that no mate is lost by what others keep hidden.
    """
    index = gallery.ridges[kept]
    if np.count_nonzero(allowed) <= FEW:
        return [index.search_among(template, gallery.of_group(kept, allowed), FEW) for template in templates]
    found = []
    for template, (keys, scores) in zip(templates, index.search_many(templates, MOST, threads=THREADS), strict=True):
        visible = allowed[gallery.slots_of(keys)]
        if len(keys) < len(index) and np.count_nonzero(visible) < CANDIDATES:
            found.append(index.search_among(template, gallery.of_group(kept, allowed), CANDIDATES))
        else:
            found.append((keys[visible], scores[visible]))
    return found


def _slots(gallery: Gallery, found: list[Found]) -> set[int]:
    """Slots of the first records in what several groups brought."""
    if not found:
        return set()
    order = np.argsort(-np.concatenate([scores for _, scores in found]), kind="stable")
    slots = gallery.slots_of(np.concatenate([keys for keys, _ in found])[order])
    return set(list(dict.fromkeys(slots.tolist()))[:CANDIDATES])


def _compare_faces(gallery: Gallery, faces: Faces, slot: int) -> Finding | None:
    """The probe's face against a record's photos, combined; the finding names the photo that is most alike.

    Templates of two models are never compared: of a record that has photos by several, those of the first model of the
    probe count.
    """
    kept = gallery.samples(slot)
    for model, face in faces.items():
        if keys := [sample.sample for sample in kept if sample.group == FACE and sample.model == model]:
            vectors, qualities = gallery.faces[model].of(keys)
            together, quality = combine(vectors, qualities)
            ratio = face_evidence.llr(float(together @ face.vector), (quality + face.quality) / 2, model)
            return Finding(-1, keys[int(np.argmax(vectors @ face.vector))], FACE, float(ratio))
    return None


def compare_prints(
    gallery: Gallery,
    index: int,
    groups: Sequence[Group],
    template: RidgeTemplate,
    slots: set[int],
    into: dict[int, list[Finding]],
) -> None:
    """Compare the probe's print of this index with every print of the candidate records in these groups."""
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


def match_of(gallery: Gallery, found: Evidence, strength: int) -> Match:
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


def _one_a_model(faces: Sequence[FaceTemplate]) -> Faces:
    """Several photos of the probe as one, for each model."""
    found: Faces = {}
    for model in dict.fromkeys(face.model for face in faces):
        alike = [face for face in faces if face.model == model]
        vectors = np.stack([face.vector for face in alike])
        vector, quality = combine(vectors, np.array([face.quality for face in alike]))
        vectors.fill(0)
        found[model] = FaceTemplate(model, vector, quality)
    return found


def _left_out(gallery: Gallery, faces: Faces, allowed: np.ndarray) -> bool:
    """Whether there are records whose faces no model of the probe can be compared with; they were not searched."""
    strange = [matrix for model, matrix in gallery.faces.items() if model not in faces and len(matrix)]
    if not faces or not strange:
        return False
    seen = np.zeros(len(allowed), bool)
    for model in faces:
        if model in gallery.faces:
            seen[gallery.faces[model].slots] = True
    return any(bool((allowed[matrix.slots] & ~seen[matrix.slots]).any()) for matrix in strange)


def _terms(gallery: Gallery, faces: Faces) -> FaceTerms | None:
    """The terms of the face search; against no reference, those of one as good as the probe.

    While a gallery moves to another model, the terms of all models under which there are references.
    """
    found = []
    for model, face in faces.items():
        if shares := gallery.faces[model].quality_shares() if model in gallery.faces else ():
            found.append(FaceTerms(model, face.quality, shares))
    if not found:
        found = [FaceTerms(face.model, face.quality, ((float(face.quality), 1.0),)) for face in faces.values()][:1]
    return replace(found[0], others=tuple(found[1:])) if found else None


def _expected(gallery: Gallery, probe: Probe, terms: FaceTerms | None) -> tuple[float, float]:
    """Mean and deviation (nats) of the evidence of a mated record, as far as the probe's quality foretells it.

    Samples of a kind that the gallery does not hold bring none, however good they are.
    """
    mean, variance = 0.0, 0.0
    by_face = [_expected_of_face(each) for each in _each(terms) if len(gallery.faces.get(each.model, ()))]
    if by_face:
        mean, deviation = min(by_face)  # of the model that finds least
        variance = deviation**2
    prints = [ridge_expectation.mated(template) for where, template in probe.prints if gallery.groups(where)]
    spreads = [spread for _, spread in prints]
    own = sum(spread**2 for spread in spreads)
    shared = PRINTS_TOGETHER * (sum(spreads) ** 2 - own)
    return mean + sum(nats for nats, _ in prints), float(np.sqrt(variance + own + shared))


def _expected_of_face(terms: FaceTerms) -> tuple[float, float]:
    """Mean and deviation (nats) of the evidence of a mated face."""
    quality = (terms.quality + sum(quality * share for quality, share in terms.references)) / 2
    score, deviation = face_evidence.calibration(terms.model).mated(quality)
    low, middle, high = face_evidence.llr(np.array([score - deviation, score, score + deviation]), quality, terms.model)
    return float(middle), float(high - low) / 2


def _each(terms: FaceTerms | None) -> list[FaceTerms]:
    return [] if terms is None else [terms, *terms.others]
