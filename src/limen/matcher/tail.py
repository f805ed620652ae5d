"""The impostor tail: how often another person's record gathers this much evidence, and thresholds that follow from it.

Faces: the law of `limen.face.evidence`, over the qualities of the probe and of the references that it meets. Prints,
however many: P(L > t) <= exp(-t), which holds for any calibrated ratio by Markov's inequality, because the mean of
exp(L) over non-mated comparisons is 1. Face and prints of two people are independent, so the distribution of their sum
is the convolution; Markov's bound holds for the sum as well, so the smaller of both counts. A search of N records
exceeds a threshold with at most N times one record's probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from limen.face.evidence import non_mated_survival

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


def threshold(fpir: float, records: int, face: FaceTerms | None, prints: bool) -> float:
    """Nats that a record must exceed so that at most `fpir` of non-mated searches of `records` records do.

    Args:
        fpir: accepted false-positive identification rate, a fraction.
        records: how many records the probe is compared with.
        face, prints: what the probe has.
    """
    above = np.flatnonzero(survival(face, prints) <= fpir / max(records, 1))
    return float(_GRID[above[0]]) if len(above) else HIGHEST


#: Of non-mated comparisons of marks, at most this share times exp(-t) exceeds t nats: clear minutiae of marks are few,
#: and seldom agree by chance. Measured on 12 turned marks and 161 made-up ones against 1,430 prints (docs/accuracy.md).
MARKS_BY_CHANCE = 0.02
LEAST_LEAD = 3.0  # nats: what speaks less than twenty to one for a mark's record is no lead in the smallest gallery


def mark_threshold(fpir: float, records: int) -> float:
    """As `threshold`, of searches with crime-scene marks alone, or for them. At least `LEAST_LEAD`."""
    return max(LEAST_LEAD, float(np.log(MARKS_BY_CHANCE * max(records, 1) / fpir)))


@lru_cache(maxsize=256)
def survival(face: FaceTerms | None, prints: bool) -> np.ndarray:
    """P(total evidence > t) of one non-mated record, for t on the grid."""
    if face is None:
        return _markov()
    # each record is compared by one model, so the largest of their tails bounds the tail of any mixture
    alone = np.maximum.reduce([_face(terms) for terms in (face, *face.others)])
    if not prints:
        return alone
    both = _added(_mass(alone), _mass(_markov()))
    return np.minimum(np.append(np.cumsum(both[::-1])[::-1][1:], 0.0), _markov())


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
    full = np.convolve(one, other)
    zero = round(-LOWEST / STEP)
    result = full[zero : zero + len(_GRID)].copy()
    result[0] += full[:zero].sum()
    result[-1] += full[zero + len(_GRID) :].sum()
    return result
