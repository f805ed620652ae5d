"""How well and how fast faces are found: pairs, and an open set (ISO/IEC 19795-1: FMR, FNMR, FPIR, FNIR).

A folder holds one folder an identity. Pairs: every two photos. Open set: of every identity with several photos the
first (by name) is enrolled and the others are mated probes; identities with one photo are non-mated probes.
A photo from which no template comes is a miss wherever a mate was to be found, and never an alarm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from limen.errors import BadImage, BadInput
from limen.face import evidence
from limen.face.combine import combine
from limen.face.extract import FaceExtractor
from limen.images import decode
from limen.models import manifest
from limen.models.in_use import DEFAULT

FMR = {"1e-3": 1e-3, "1e-4": 1e-4}
FPIR = {"fpir_0.1": 0.1, "fpir_0.01": 0.01, "fpir_0.001": 0.001}
SUFFIXES = {".jpg", ".jpeg", ".png", ".pgm", ".ppm", ".bmp", ".tif", ".tiff", ".jp2"}
MOST_ENROLLED = 3  # photos a person that `report` enrols
MISS = -100.0  # nats: the score of a comparison without template, below every other


@dataclass(frozen=True)
class Photos:
    """Embedded photos.

    Attributes:
        identity: int64 (n,), number of the identity, photos of one identity next to each other.
        vectors: float32 (n, dimension), unit length; zeros where extraction failed. Of the first photo of people with
            several as it is enrolled, of all others as they are searched (`FaceExtractor.mirrored`).
        usable: bool (n,).
        quality: uint8 (n,).
        detect_ms, embed_ms: float64 (n,), processor time on one core; embedding counts alignment and measures.
        model: that made them.
        enrolled: float32 (n, dimension), second and third photos as they are enrolled, all others as in `vectors`; None
            where that is no different.
        strength: float32 (n,), length of the raw embeddings; only of those made for calibration.
    """

    identity: np.ndarray
    vectors: np.ndarray
    usable: np.ndarray
    quality: np.ndarray
    detect_ms: np.ndarray
    embed_ms: np.ndarray
    model: str = DEFAULT
    enrolled: np.ndarray | None = None
    strength: np.ndarray | None = None


def find(folder: Path) -> list[tuple[str, Path]]:
    """(identity, photo) of every photo in `folder`/identity/, sorted; `BadInput` if there are none."""
    found = [
        (person.name, photo)
        for person in sorted(path for path in folder.iterdir() if path.is_dir())
        for photo in sorted(person.iterdir())
        if photo.suffix.lower() in SUFFIXES and photo.is_file() and not photo.name.startswith(".")
    ]
    if not found:
        raise BadInput(f"{folder} holds no photos.", advice="It must hold one folder an identity, with photos in it.")
    return found


def embed(
    photos: Sequence[tuple[str, Path]], step: Callable[[], object] = lambda: None, model: str = DEFAULT
) -> Photos:
    """Extract every photo with a model. `step` is called after each, for a progress bar."""
    extractor = FaceExtractor([model])
    extractor.warm()
    result = blank(photos, model)
    result = replace(result, enrolled=np.zeros_like(result.vectors))
    rank, several = _ranks(result.identity)
    for index, (_, path) in enumerate(photos):
        _embed_one(extractor, path, result, index, int(rank[index]) if several[index] else MOST_ENROLLED)
        step()
    return result


def _ranks(identity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each photo, which of its identity's it is, from 0, and whether there are several."""
    return np.arange(len(identity)) - np.searchsorted(identity, identity), np.bincount(identity)[identity] > 1


def blank(photos: Sequence[tuple[str, Path]], model: str) -> Photos:
    """Room for the embeddings of these photos, none of them usable yet."""
    names = sorted({identity for identity, _ in photos})
    number = {identity: index for index, identity in enumerate(names)}
    count = len(photos)
    return Photos(
        np.array([number[identity] for identity, _ in photos]),
        np.zeros((count, manifest(model).dimension), np.float32),
        np.zeros(count, bool),
        np.zeros(count, np.uint8),
        np.full(count, np.nan),
        np.full(count, np.nan),
        model,
    )


def _embed_one(extractor: FaceExtractor, path: Path, result: Photos, index: int, rank: int) -> None:
    assert result.enrolled is not None
    try:
        image = decode(path.read_bytes())
    except BadImage:
        return
    extractor.mirrored = False
    started = time.process_time()
    extractor.detect(image.rgb())
    detected = time.process_time()
    found = extractor.extract(image)
    ended = time.process_time()
    result.detect_ms[index] = 1e3 * (detected - started)
    result.embed_ms[index] = 1e3 * (ended - detected) - result.detect_ms[index]
    if found.template is not None:
        result.vectors[index] = found.template.vector
        result.usable[index] = True
        result.quality[index] = found.quality
        result.enrolled[index] = found.template.vector
        if rank < MOST_ENROLLED:
            extractor.mirrored = True
            if (twice := extractor.extract(image)).template is not None:
                result.enrolled[index] = twice.template.vector
            if rank == 0:
                result.vectors[index], result.quality[index] = result.enrolled[index], twice.quality


@dataclass(frozen=True)
class OpenSet:
    """Scores of an open-set trial: evidence in nats, `MISS` where there was no template.

    Attributes:
        enrolled: how many identities.
        mate: float32 (mated probes,), score against the probe's own identity.
        best_other: float32 (mated probes,), the highest score against another identity.
        alarm: float32 (non-mated probes,), the highest score against anyone.
    """

    enrolled: int
    mate: np.ndarray
    best_other: np.ndarray
    alarm: np.ndarray

    def threshold(self, fpir: float) -> float:
        """The lowest threshold at which at most `fpir` of the non-mated probes score above it."""
        ranked = np.sort(self.alarm)[::-1]
        return float(ranked[min(int(fpir * len(ranked)), len(ranked) - 1)])

    def fnir(self, fpir: float) -> float | None:
        """Share of mated probes whose mate does not score above the threshold for `fpir`; None without non-mated."""
        if not len(self.alarm):
            return None
        return float(np.mean(self.mate <= self.threshold(fpir)))

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """(FPIR, FNIR), float64 (n,), at every threshold that a non-mated probe sets."""
        thresholds = np.unique(self.alarm)
        fpir = 1 - np.searchsorted(np.sort(self.alarm), thresholds, side="right") / len(self.alarm)
        fnir = np.searchsorted(np.sort(self.mate), thresholds, side="right") / len(self.mate)
        return fpir, fnir


def open_set(photos: Photos, enrol: int = 1) -> OpenSet:
    """Scores of the open-set trial with the first `enrol` photos of each identity enrolled.

    An identity keeps at least one photo as a mated probe. Its enrolled photos are combined, as the matcher does.
    """
    counts = np.bincount(photos.identity)
    rank, several = _ranks(photos.identity)
    reference = several & (rank < np.minimum(enrol, counts[photos.identity] - 1))
    mated, lone = np.flatnonzero(several & ~reference), np.flatnonzero(~several)
    if not len(mated):
        raise BadInput("Nobody has several photos.", advice="Accuracy needs people with two or more.")
    owners = np.unique(photos.identity[reference])
    references = _enrolled(photos, [np.flatnonzero(reference & (photos.identity == owner)) for owner in owners])
    scores = _evidence(photos, mated, references)
    own = np.searchsorted(owners, photos.identity[mated])
    rows = np.arange(len(scores))
    mate = scores[rows, own].copy()
    scores[rows, own] = MISS
    alarm = _evidence(photos, lone, references).max(axis=1, initial=MISS)
    return OpenSet(len(owners), mate, scores.max(axis=1), alarm)


def _enrolled(photos: Photos, people: Sequence[np.ndarray]) -> Photos:
    """One reference a person: the combination of the usable ones of their photos (rows of `photos`)."""
    count = len(people)
    made = Photos(
        np.arange(count),
        np.zeros((count, photos.vectors.shape[1]), np.float32),
        np.zeros(count, bool),
        np.zeros(count, np.uint8),
        np.full(count, np.nan),
        np.full(count, np.nan),
        photos.model,
    )
    vectors = photos.vectors if photos.enrolled is None else photos.enrolled
    for index, rows in enumerate(people):
        if len(rows := rows[photos.usable[rows]]):
            made.vectors[index], made.quality[index] = combine(vectors[rows], photos.quality[rows])
            made.usable[index] = True
    return made


def _evidence(photos: Photos, probes: np.ndarray, references: Photos) -> np.ndarray:
    """Evidence (nats, unbounded above) of photos (rows) against references: float32 (probes, references)."""
    quality = (photos.quality[probes].astype(np.float32)[:, None] + references.quality) / 2
    scores = evidence.llr(photos.vectors[probes] @ references.vectors.T, quality, photos.model, np.inf)
    scores[~photos.usable[probes]] = MISS
    scores[:, ~references.usable] = MISS
    return scores.astype(np.float32)


def pair_scores(photos: Photos) -> tuple[np.ndarray, np.ndarray]:
    """Scores of all mated and all non-mated pairs, float32, `MISS` where a photo has no template."""
    mated, other = [], []
    for index in range(len(photos.identity) - 1):
        scores = _evidence(photos, np.array([index]), rest := _from(photos, index + 1))[0]
        same = rest.identity == photos.identity[index]
        mated.append(scores[same])
        other.append(scores[~same])
    return np.concatenate(mated), np.concatenate(other)


def _from(photos: Photos, first: int) -> Photos:
    """The photos from a row on."""
    arrays = [field.name for field in fields(Photos) if field.name not in ("model", "enrolled", "strength")]
    return replace(photos, enrolled=None, strength=None, **{name: getattr(photos, name)[first:] for name in arrays})


def report(photos: Photos) -> dict[str, Any]:
    """All figures of `limen evaluate face --json`; rates are fractions, times are milliseconds of one core."""
    mated, other = pair_scores(photos)
    trial = open_set(photos)
    other = np.sort(other)[::-1]
    return {
        "model": photos.model,
        "identities": int(photos.identity.max()) + 1,
        "images": len(photos.identity),
        "failed": int(np.count_nonzero(~photos.usable)),
        "pairs": {"mated": len(mated), "non_mated": len(other)},
        "tar": {
            name: float(np.mean(mated > other[min(int(fmr * len(other)), len(other) - 1)])) for name, fmr in FMR.items()
        },
        "open_set": _rates(trial),
        "open_set_enrolled": {str(enrol): _rates(open_set(photos, enrol)) for enrol in range(2, MOST_ENROLLED + 1)},
        "speed": {"detect_ms_p50": _median(photos.detect_ms), "embed_ms_p50": _median(photos.embed_ms)},
    }


def _rates(trial: OpenSet) -> dict[str, Any]:
    return {
        "enrolled": trial.enrolled,
        "mated_probes": len(trial.mate),
        "non_mated_probes": len(trial.alarm),
        "rank1": float(np.mean(trial.mate > trial.best_other)),
        "fnir": {name: trial.fnir(fpir) for name, fpir in FPIR.items()},
    }


def _median(values: np.ndarray) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
