"""The impostor tail: how often another person's record gathers this much evidence, and thresholds that follow from it.

The distribution of a non-mated face comparison's evidence is known (`limen.face.evidence`: the normal law with an
exponential end). For prints, however many, the bound holds that holds for any calibrated ratio: P(L > t) <= exp(-t), by
Markov's inequality, because the mean of exp(L) over non-mated comparisons is 1. Face and prints of two people are
independent, so the distribution of their sum is the convolution; and the bound holds for the sum as well, so the
smaller of both counts. A search of N records exceeds a threshold with at most N times one record's probability.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from limen.face.evidence import non_mated_survival

STEP = 0.125  # nats, of the grid on which distributions are kept
LOWEST, HIGHEST = -40.0, 90.0  # nats; sums beyond are counted at the ends
_GRID = np.arange(LOWEST, HIGHEST + STEP / 2, STEP)


def ridge_survival(evidence: np.ndarray) -> np.ndarray:
    """P(L > t) of a non-mated comparison of prints, at most exp(-t)."""
    return np.minimum(1.0, np.exp(-np.maximum(evidence, 0.0)))


@lru_cache(maxsize=4)
def survival(face: bool, prints: bool) -> np.ndarray:
    """P(total evidence > t) of one non-mated record on the grid, for a probe with or without face and prints."""
    if not face:
        return ridge_survival(_GRID)
    if not prints:
        return non_mated_survival(_GRID)
    total = _added(_mass(non_mated_survival(_GRID)), _mass(ridge_survival(_GRID)))
    return np.minimum(np.append(np.cumsum(total[::-1])[::-1][1:], 0.0), ridge_survival(_GRID))


def threshold(fpir: float, records: int, face: bool, prints: bool) -> float:
    """Nats that a record must exceed so that at most `fpir` of non-mated searches of `records` records do.

    Args:
        fpir: accepted false-positive identification rate, a fraction.
        records: how many records the probe is compared with.
        face, prints: what the probe has.
    """
    wanted = fpir / max(records, 1)
    above = np.flatnonzero(survival(face, prints) <= wanted)
    return float(_GRID[above[0]]) if len(above) else HIGHEST


def _mass(tail: np.ndarray) -> np.ndarray:
    """Probability of each grid cell, rounded up: the mass between two points is put on the upper one."""
    return -np.diff(tail, prepend=1.0)


def _added(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distribution of the sum of two independent values. Direct, not by FFT: masses of 1e-15 must stay exact."""
    full = np.convolve(one, other)
    zero = _index(0.0)
    result = full[zero : zero + len(_GRID)].copy()
    result[0] += full[:zero].sum()
    result[-1] += full[zero + len(_GRID) :].sum()
    return result


def _index(value: float) -> int:
    return round((value - LOWEST) / STEP)
