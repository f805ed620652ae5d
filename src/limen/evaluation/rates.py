"""Error rates of comparison scores, as ISO/IEC 19795-1 and the FVC competitions define them.

Scores are float arrays, higher for more alike; -inf for a sample that could not be processed. A pair is declared mated
if its score reaches the threshold. Rates are fractions; NaN where there is nothing to measure.
"""

from __future__ import annotations

import math

import numpy as np


def det(genuine: np.ndarray, impostor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detection error trade-off at every threshold that changes anything.

    Args:
        genuine, impostor: scores of mated (n,) and non-mated (m,) pairs, both at least one.

    Returns:
        (thresholds, fmr, fnmr), each float64 (k,), thresholds rising from -inf to inf: the false match rate is the
        share of impostor scores that reach the threshold, the false non-match rate that of genuine scores that do
        not. At -inf every pair matches, except those of samples that could not be processed, which never do.
    """
    genuine, impostor = np.sort(np.asarray(genuine, float)), np.sort(np.asarray(impostor, float))
    scores = np.unique(np.concatenate([genuine, impostor]))
    thresholds = np.concatenate([[-np.inf], scores[np.isfinite(scores)], [np.inf]])
    fmr = (len(impostor) - np.searchsorted(impostor, thresholds, side="left")) / len(impostor)
    fnmr = np.searchsorted(genuine, thresholds, side="left") / len(genuine)
    fmr[0], fnmr[0] = np.isfinite(impostor).mean(), np.isneginf(genuine).mean()
    return thresholds, fmr, fnmr


def eer(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Equal error rate, as FVC2000 does it for rates that jump (Maio et al., T-PAMI 24(3), 2002, section 4.1).

    Of the last threshold at which FNMR <= FMR and the first at which FNMR >= FMR, the one with the smaller sum of
    both rates; half that sum.
    """
    if not (len(genuine) and len(impostor)):
        return math.nan
    _, fmr, fnmr = det(genuine, impostor)
    below, above = np.flatnonzero(fnmr <= fmr), np.flatnonzero(fnmr >= fmr)
    candidates = [*below[-1:], *above[:1]]
    return float(min((fmr[at] + fnmr[at]) / 2 for at in candidates))


def fnmr_at_fmr(genuine: np.ndarray, impostor: np.ndarray, fmr: float) -> float:
    """Lowest false non-match rate at a false match rate of at most `fmr` (FMR100: 0.01, FMR1000: 0.001, ZeroFMR: 0)."""
    if not (len(genuine) and len(impostor)):
        return math.nan
    _, rates, misses = det(genuine, impostor)
    return float(misses[rates <= fmr].min())


def rank_one(scores: np.ndarray, mate: np.ndarray) -> np.ndarray:
    """Which probes have their mate strictly first in a closed set; ties and failures count as misses.

    Args:
        scores: (probes, references); mate: (probes,), index of each probe's mate among the references.

    Returns:
        bool (probes,).
    """
    if not scores.size:
        return np.zeros(len(scores), bool)
    own = scores[np.arange(len(scores)), mate]
    others = scores.copy()
    others[np.arange(len(scores)), mate] = -np.inf
    return np.isfinite(own) & (own > others.max(1))
