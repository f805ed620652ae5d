"""How well face and fingers find people together, on chimeric persons (ISO/IEC 19795-1, 1:N open set).

No open set holds faces and fingers of the same people, so persons are made of one person's photos and two other
people's fingers. A draw pairs the fingers of each set (one scanner) at random, enrols two thirds of the pairs with a
random face each (first photo, first impressions), and searches their other impressions as mated probes; the remaining
third are non-mated probes with the faces of yet other people. Fingers with a single impression, paired as well, enlarge
the gallery. Draws are repeated, and confidence intervals come from a bootstrap over people: every face and every
finger is counted a random number of times (A. Owen, "The pigeonhole bootstrap", 2007), since few fingers recur often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limen.errors import BadInput
from limen.evaluation import face as face_evaluation
from limen.evaluation import groups
from limen.evaluation import ridge as ridge_evaluation
from limen.evaluation.face import Photos
from limen.evaluation.groups import Grouping
from limen.evaluation.ridge_extraction import extract
from limen.face import evidence as face_evidence
from limen.ridge import evidence as ridge_evidence
from limen.ridge import expectation
from limen.ridge.index import RidgeIndex
from limen.ridge.template import RidgeTemplate

DRAWS = 200  # pairings; 24,000 non-mated searches with the 91 fingers of the development data
ENROLLED = 2 / 3  # share of the finger pairs with several impressions that are enrolled
BOOTSTRAPS = 200
FPIR = (0.01, 0.001, 0.0001)
#: What a search is made with: face, and how many fingers.
CONDITIONS = {
    "face": (True, 0),
    "one finger": (False, 1),
    "two fingers": (False, 2),
    "face + one finger": (True, 1),
    "face + two fingers": (True, 2),
}
#: Regulation (EU) 2017/2226 with Decision 2019/329: what identification must reach at FPIR 0.1 %.
LAW = {"two fingers": 0.015, "face + two fingers": 0.01}

Step = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Fingers:
    """Compared fingers.

    Attributes:
        sets: (f,) name of the set that each finger is of.
        impressions: for each finger, rows of `evidence`, the first being its reference.
        evidence: float32 (images, f), nats of each image against each finger's reference; NaN where there is none.
        clear: int (images,), clear minutiae of each; -1 where there is no template.
    """

    sets: list[str]
    impressions: list[list[int]]
    evidence: np.ndarray
    clear: np.ndarray


@dataclass(frozen=True)
class Faces:
    """Embedded faces: photos of people with several, and of people with one; the first photo is the reference.

    names: of the identities, by number.
    """

    photos: Photos
    several: list[np.ndarray]
    single: np.ndarray
    names: list[str]


@dataclass(frozen=True)
class Trial:
    """Scores of one condition over all draws, nats; NaN where no sample could be compared.

    Attributes:
        mate: (m,) score of each mated probe against its own record.
        alarm: (n,) highest score of each non-mated probe.
        mated_people, other_people: int (m, 3), (n, 3): face, first and second finger of each probe, for the bootstrap.
        records: median size of the gallery.
    """

    mate: np.ndarray
    alarm: np.ndarray
    mated_people: np.ndarray
    other_people: np.ndarray
    records: int


def load(faces: Path, fingers: Path, step: Step = lambda *_: None) -> tuple[Faces, Fingers]:
    """Extract and compare all photos and prints. `step` is told (what, done, of how many).

    Raises:
        BadInput: there are too few people or fingers to put two persons together.
    """
    several = [sum(len(rows) > 1 for rows in own) for own in _fingers(fingers).values()]
    if sum(count // 2 for count in several) < 2:  # one is enrolled, one searched without a record
        raise BadInput(
            "Too few fingers: of two persons each needs two fingers of one set.",
            advice="Let a set hold four fingers with several impressions each, named finger_impression.ext.",
        )
    return load_faces(faces, step), load_fingers(fingers, step)


def load_faces(folder: Path, step: Step = lambda *_: None) -> Faces:
    """Embed the photos in folder/identity/; `BadInput` if there are too few people."""
    found = face_evaluation.find(folder)
    done = iter(range(1, len(found) + 1))
    photos = face_evaluation.embed(found, lambda: step("photos", next(done), len(found)))
    rows = np.split(np.arange(len(found)), np.flatnonzero(np.diff(photos.identity)) + 1)
    several = [row for row in rows if len(row) > 1]
    single = np.array([row[0] for row in rows if len(row) == 1], int)
    if len(several) < 2 or len(single) < 2:
        raise BadInput("Too few people: some with several photos and some with one are needed.")
    return Faces(photos, several, single, sorted({name for name, _ in found}))


def load_fingers(folder: Path, step: Step = lambda *_: None, jobs: int = 1) -> Fingers:
    """Extract the prints of folder/set/finger_impression.ext, and compare all with each finger's first.

    Of a set that is not named so, each image is a finger of its own.
    """
    sets: list[str] = []
    impressions: list[list[int]] = []
    files: list[Path] = []
    for name, fingers in _fingers(folder).items():
        for own in fingers:
            sets.append(name)
            impressions.append(list(range(len(files), len(files) + len(own))))
            files += own
    done = extract(files, jobs, lambda count: step("prints", count, len(files)))
    templates = [RidgeTemplate.unpack(one.template) if one.template else None for one in done]
    index = RidgeIndex()  # compares as the hub does
    for column, rows in enumerate(impressions):
        if (reference := templates[rows[0]]) is not None:
            index.put(column, reference)
    table = np.full((len(files), len(sets)), np.nan, np.float32)
    for row, probe in enumerate(templates):
        if probe is not None:
            columns, scores = index.search_among(probe, np.arange(len(sets)), len(sets))
            table[row, columns.astype(int)] = ridge_evidence.llr(scores)
        step("comparisons", row + 1, len(files))
    counts = [-1 if one is None else expectation.clear(one) for one in templates]
    return Fingers(sets, impressions, table, np.array(counts))


def _fingers(folder: Path) -> dict[str, list[list[Path]]]:
    """The images of each finger of each set."""
    found: dict[str, list[list[Path]]] = {}
    for name, samples in ridge_evaluation.find(folder).items():
        fingers = sorted({sample.finger for sample in samples})
        found[name] = [[sample.file for sample in samples if sample.finger == finger] for finger in fingers]
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in found):
        if images := sorted(file for file in place.iterdir() if file.suffix.lower() in ridge_evaluation.SUFFIXES):
            found[place.name] = [[file] for file in images]
    return found


def trials(faces: Faces, fingers: Fingers, draws: int = DRAWS, seed: int = 1) -> dict[str, Trial]:
    """All conditions over the same random draws."""
    random = np.random.default_rng(seed)
    parts: dict[str, list[tuple[np.ndarray, ...]]] = {name: [] for name in CONDITIONS}
    sizes = []
    for _ in range(draws):
        drawn = _draw(faces, fingers, random)
        sizes.append(len(drawn.gallery))
        for name, (with_face, prints) in CONDITIONS.items():
            parts[name].append(_search(faces, fingers, drawn, with_face, prints))
    return {name: _joined(found, int(np.median(sizes))) for name, found in parts.items()}


def _joined(found: list[tuple[np.ndarray, ...]], records: int) -> Trial:
    mate, alarm, mated, others = (np.concatenate(values) for values in zip(*found, strict=True))
    return Trial(mate, alarm, mated, others, records)


@dataclass(frozen=True)
class _Draw:
    """Rows of photos and numbers of fingers: (face row, finger, finger) a record; probes add impressions' rows."""

    gallery: np.ndarray  # (records, 3): photo row, first finger, second finger
    mated: np.ndarray  # (m, 4): record, photo row, image row, image row
    others: np.ndarray  # (n, 3): photo row, image row, image row


def _draw(faces: Faces, fingers: Fingers, random: np.random.Generator) -> _Draw:
    pairs = _pairs(fingers, random, several=True)
    enrolled = max(1, round(ENROLLED * len(pairs)))
    everyone = [faces.several[index] for index in random.permutation(len(faces.several))]
    people = everyone[:enrolled]
    strangers = random.permutation(faces.single)
    gallery, mated = [], []
    for record, (photos, (first, second)) in enumerate(zip(people, pairs[:enrolled], strict=False)):
        gallery.append((photos[0], first, second))
        probes = zip(fingers.impressions[first][1:], fingers.impressions[second][1:], strict=False)
        mated += [(record, photos[1 + k % (len(photos) - 1)], *rows) for k, rows in enumerate(probes)]
    others = [
        (photo, *rows)
        for photo, (first, second) in zip(strangers, pairs[enrolled:], strict=False)
        for rows in zip(fingers.impressions[first], fingers.impressions[second], strict=False)
    ]
    rest = [photos[0] for photos in everyone[enrolled:]]
    gallery += [(photo, *pair) for photo, pair in zip(rest, _pairs(fingers, random, several=False), strict=False)]
    return _Draw(np.array(gallery), np.array(mated), np.array(others))


def _pairs(fingers: Fingers, random: np.random.Generator, *, several: bool) -> list[tuple[int, int]]:
    """Fingers of each set paired at random, in random order; those with several impressions, or those with one."""
    pairs = []
    for name in dict.fromkeys(fingers.sets):
        own = [
            finger
            for finger, (which, rows) in enumerate(zip(fingers.sets, fingers.impressions, strict=True))
            if which == name and (len(rows) > 1) == several
        ]
        order = random.permutation(own)
        pairs += [(int(order[i]), int(order[i + 1])) for i in range(0, len(order) - 1, 2)]
    return [pairs[index] for index in random.permutation(len(pairs))]


def _search(
    faces: Faces, fingers: Fingers, drawn: _Draw, with_face: bool, prints: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    def scores(probes: np.ndarray) -> np.ndarray:
        parts = [_faces(faces.photos, probes[:, 0], drawn.gallery[:, 0])] if with_face else []
        parts += [fingers.evidence[probes[:, 1 + k]][:, drawn.gallery[:, 1 + k]] for k in range(prints)]
        stack = np.stack(parts)
        known = ~np.isnan(stack)
        return np.where(
            known.any(axis=0), np.where(known, stack, 0).sum(axis=0), -np.inf
        )  # what is missing adds nothing

    mated = scores(drawn.mated[:, 1:])
    mate = mated[np.arange(len(mated)), drawn.mated[:, 0]]
    finger_of = {row: finger for finger, rows in enumerate(fingers.impressions) for row in rows}

    def people(probes: np.ndarray) -> np.ndarray:
        numbers = [[faces.photos.identity[p], finger_of[a], finger_of[b]] for p, a, b in probes.tolist()]
        return np.array(numbers, int)

    return mate, scores(drawn.others).max(axis=1), people(drawn.mated[:, 1:]), people(drawn.others)


def _faces(photos: Photos, probes: np.ndarray, references: np.ndarray) -> np.ndarray:
    quality = (photos.quality[probes].astype(float)[:, None] + photos.quality[references]) / 2
    ratios = face_evidence.llr(photos.vectors[probes] @ photos.vectors[references].T, quality)
    ratios[~photos.usable[probes]] = np.nan
    ratios[:, ~photos.usable[references]] = np.nan
    return ratios


def threshold(trial: Trial, fpir: float, others: np.ndarray | None = None) -> float:
    """The lowest threshold (nats) at which at most `fpir` of the non-mated probes, weighted, alarm."""
    others = np.ones(len(trial.alarm)) if others is None else others
    order = np.argsort(-trial.alarm, kind="stable")
    over = np.cumsum(others[order]) > fpir * others.sum()
    return float(trial.alarm[order[np.argmax(over)]])


def fnir(trial: Trial, fpir: float, mated: np.ndarray | None = None, others: np.ndarray | None = None) -> float:
    """FNIR at the lowest threshold at which at most `fpir` of the non-mated probes alarm.

    Args:
        mated, others: weights of the probes; default all alike.
    """
    mated = np.ones(len(trial.mate)) if mated is None else mated
    return float(mated[trial.mate <= threshold(trial, fpir, others)].sum() / max(mated.sum(), 1e-9))


def interval(trial: Trial, fpir: float, seed: int = 2, draws: int = BOOTSTRAPS) -> tuple[float, float]:
    """95 % confidence interval of FNIR by the pigeonhole bootstrap over faces and fingers."""
    random = np.random.default_rng(seed)
    everyone = np.concatenate([trial.mated_people, trial.other_people])
    rates = []
    for _ in range(draws):
        counts = [random.poisson(1.0, everyone[:, column].max() + 1) for column in (0, 1)]
        fingers = random.poisson(1.0, everyone[:, 1:].max() + 1)
        counts = [counts[0], fingers, fingers]

        def weigh(people: np.ndarray, counts: Sequence[np.ndarray] = counts) -> np.ndarray:
            return np.prod([counts[column][people[:, column]] for column in range(3)], axis=0).astype(float)

        mated, others = weigh(trial.mated_people), weigh(trial.other_people)
        if mated.any() and others.any():
            rates.append(fnir(trial, fpir, mated, others))
    return float(np.quantile(rates, 0.025)), float(np.quantile(rates, 0.975))


def report(found: dict[str, Trial]) -> dict[str, Any]:
    """All figures as JSON; rates are fractions."""
    return {
        "records": found["face"].records,
        "mated_searches": len(found["face"].mate),
        "non_mated_searches": len(found["face"].alarm),
        "non_mated_people": {
            "faces": len(np.unique(found["face"].other_people[:, 0])),
            "fingers": len(np.unique(found["face"].other_people[:, 1:])),
        },
        "law": {name: {"fpir_0.001": rate} for name, rate in LAW.items()},
        "conditions": {
            name: {
                f"fpir_{rate:g}": {"fnir": fnir(trial, rate), "interval": list(interval(trial, rate))} for rate in FPIR
            }
            for name, trial in found.items()
        },
    }


def by_group(found: dict[str, Trial], grouping: Grouping, people: list[str]) -> dict[str, Any]:
    """Figures of each condition and group; the group is that of the face.

    Args:
        people: names of the identities, by number.
    """
    names, number = grouping.numbers(people)
    return {
        name: groups.rates(
            (trial.mate, trial.mated_people),
            (trial.alarm, trial.other_people),
            {f"fpir_{rate:g}": threshold(trial, rate) for rate in FPIR},
            (names, np.array(number)),
        )
        for name, trial in found.items()
    }


def curves(found: dict[str, Trial]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(FPIR, FNIR) of each condition at every threshold that an alarm sets, for plots."""
    drawn = {}
    for name, trial in found.items():
        alarm, mate = np.sort(trial.alarm), np.sort(trial.mate)
        thresholds = np.unique(alarm)
        fpir = 1 - np.searchsorted(alarm, thresholds, side="right") / len(alarm)
        drawn[name] = fpir, np.searchsorted(mate, thresholds, side="right") / len(mate)
    return drawn
