"""The impostor tail: how often another person's record gathers this much evidence, and thresholds that follow from it.

Faces: the law of `limen.face.evidence`, over the qualities of the probe and of the references that it meets. Fingers:
the law of `limen.ridge.chance`, over the clear minutiae of both. Palms, for which nothing was measured:
P(L > t) <= exp(-t), which holds for any calibrated ratio by Markov's inequality, because the mean of exp(L) over
non-mated comparisons is 1. Between two people, face and fingers are independent, and so are different fingers
(measured: decision 0281), so the law of a sum is the convolution. Records that hold less than others have a law of
their own; a search exceeds a threshold with at most the sum of its records' probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from limen.face.evidence import non_mated_survival
from limen.ridge import chance

STEP = 0.125  # nats, of the grid on which distributions are kept
LOWEST, HIGHEST = -40.0, 90.0  # nats; sums beyond are counted at the ends
_GRID = np.arange(LOWEST, HIGHEST + STEP / 2, STEP)


@dataclass(frozen=True)
class FaceTerms:
    """What a face was compared with.

    Attributes:
        model: of probe and references.
        quality: of the probe, 0-100.
        references: (quality, share) of the references, shares adding to 1.
        others: the same for further models, while a gallery moves from one to the next.
    """

    model: str
    quality: int
    references: tuple[tuple[float, float], ...]
    others: tuple[FaceTerms, ...] = ()


@dataclass(frozen=True)
class PrintTerms:
    """What a print was compared with.

    Attributes:
        clear: clear minutiae of the probe.
        references: (clear minutiae, share) of the references, shares adding to 1.
        repeats: how many references of the finger a record holds, on average: each is a chance.
        law: "finger", or "bound" where no law was measured.
    """

    clear: int
    references: tuple[tuple[int, float], ...]
    repeats: float = 1.0
    law: str = "finger"


BOUND = PrintTerms(0, (), law="bound")
#: A finger against an unsolved mark: few clear minutiae, and marks agree by chance as the poorest prints do.
MARK = PrintTerms(0, ((0, 1.0),))


@dataclass(frozen=True)
class Kind:
    """Records alike in what the probe meets in them.

    Attributes:
        share: of the records searched.
        face: terms if a face is compared; prints: of each print that is compared.
    """

    share: float
    face: FaceTerms | None
    prints: tuple[PrintTerms, ...] = ()


def threshold(fpir: float, records: int, kinds: Sequence[Kind]) -> float:
    """Nats that a record must exceed so that at most `fpir` of non-mated searches of `records` records do.

    Args:
        fpir: accepted false-positive identification rate, a fraction.
        records: how many records the probe is compared with.
        kinds: what it meets in them; without any it meets nothing, and nothing may exceed the threshold.
    """
    if not kinds:
        return HIGHEST
    tail = sum((kind.share * survival(kind.face, kind.prints) for kind in kinds), np.zeros_like(_GRID))
    above = np.flatnonzero(tail <= fpir / max(records, 1))
    return float(_GRID[above[0]]) if len(above) else HIGHEST


#: Of non-mated comparisons of marks, at most this share times exp(-t) exceeds t nats: clear minutiae of marks are few,
#: and seldom agree by chance. Measured on 12 turned marks and 161 made-up ones against 1,430 prints (docs/accuracy.md).
MARKS_BY_CHANCE = 0.02
LEAST_LEAD = 3.0  # nats: what speaks less than twenty to one for a record is no lead in the smallest gallery


def mark_threshold(fpir: float, records: int) -> float:
    """As `threshold`, of searches with crime-scene marks alone, or for them. At least `LEAST_LEAD`."""
    return max(LEAST_LEAD, float(np.log(MARKS_BY_CHANCE * max(records, 1) / fpir)))


@lru_cache(maxsize=512)
def survival(face: FaceTerms | None, prints: tuple[PrintTerms, ...]) -> np.ndarray:
    """P(total evidence > t) of one non-mated record, for t on the grid; of a record with nothing to compare, of 0."""
    parts = [_print(terms) for terms in prints]
    if face is not None:
        # each record is compared by one model, so the largest of their tails bounds the tail of any mixture
        parts.append(np.maximum.reduce([_face(terms) for terms in (face, *face.others)]))
    if not parts:
        return (_GRID < 0).astype(float)
    total = parts[0]
    for part in parts[1:]:
        both = _added(_mass(total), _mass(part))
        total = np.append(np.cumsum(both[::-1])[::-1][1:], 0.0)
    return total


def _print(terms: PrintTerms) -> np.ndarray:
    if terms.law == "bound":
        return _markov()
    parts = (share * chance.survival(_GRID, min(terms.clear, clear)) for clear, share in terms.references)
    return np.minimum(terms.repeats * sum(parts, np.zeros_like(_GRID)), 1.0)


def _face(face: FaceTerms) -> np.ndarray:
    return sum(
        (
            share * non_mated_survival(_GRID, (face.quality + quality) / 2, face.model)
            for quality, share in face.references
        ),
        np.zeros_like(_GRID),
    )


def _markov() -> np.ndarray:
    return np.minimum(1.0, np.exp(-np.maximum(_GRID, 0.0)))


def _mass(tail: np.ndarray) -> np.ndarray:
    """Probability of each grid cell, rounded up: the mass between two points is put on the upper one."""
    return -np.diff(tail, prepend=1.0)


def _added(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distribution of the sum of two independent values. Direct, not by FFT: masses of 1e-15 must stay exact."""
    held = np.flatnonzero(other)  # a print's evidence lies between -5.5 and 18 nats: most of the grid is empty
    first, last = int(held[0]), int(held[-1]) + 1
    full = np.concatenate([np.zeros(first), np.convolve(one, other[first:last]), np.zeros(len(other) - last)])
    zero = round(-LOWEST / STEP)
    result = full[zero : zero + len(_GRID)].copy()
    result[0] += full[:zero].sum()
    result[-1] += full[zero + len(_GRID) :].sum()
    return result
