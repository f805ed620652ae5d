"""Whether thresholds keep their promise: predicted against observed FPIR of faces, by gallery size.

Thresholds come from `limen.matcher.tail`, as in a search: from the accepted rate, the gallery's size, and the qualities
of probe and references. The gallery is a random choice of everyone's first photos; probes are the photos of people with
one photo, who are never in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import genpareto

from limen.evaluation.face import Photos
from limen.face import evidence
from limen.matcher.tail import FaceTerms, Kind, threshold

SIZES = (100, 300, 1000)  # and all that there are
RATES = (0.1, 0.01, 0.001)
CHOICES = 10  # random galleries of each size
EXCESS = 1e-3  # share of the highest non-mated scores to which the generalised Pareto law is fitted
ALIASES = 1e-5  # share of the very highest that is left out: the data holds copies of photos and people under two names


def promises(photos: Photos, sizes: Sequence[int] = SIZES, seed: int = 3) -> list[dict[str, float]]:
    """One row for each gallery size and accepted rate: records, accepted, observed."""
    random = np.random.default_rng(seed)
    first = np.flatnonzero(np.diff(photos.identity, prepend=-1))
    first = first[photos.usable[first]]
    alone = first[np.bincount(photos.identity)[photos.identity[first]] == 1]
    quality = (photos.quality[alone].astype(float)[:, None] + photos.quality[first]) / 2
    scores = evidence.llr(photos.vectors[alone] @ photos.vectors[first].T, quality, photos.model)
    scores[alone[:, None] == first] = -np.inf
    rows = []
    for size in [*(size for size in sizes if size < len(first) - 1), len(first) - 1]:
        picks = [random.choice(len(first), size, replace=False) for _ in range(CHOICES if size < len(first) - 1 else 1)]
        alarms = [(scores[:, pick].max(axis=1), _shares(photos.quality[first[pick]])) for pick in picks]
        for rate in RATES:
            over = [
                best > threshold(rate, size, [Kind(1.0, FaceTerms(photos.model, int(photos.quality[probe]), shares))])
                for highest, shares in alarms
                for probe, best in zip(alone, highest, strict=True)
            ]
            rows.append({"records": size, "accepted": rate, "observed": float(np.mean(over))})
    return rows


def pareto(photos: Photos) -> dict[str, float]:
    """Generalised Pareto law of the highest non-mated scores, in units of the calibrated deviation.

    Returns:
        threshold: where it begins; shape, scale: its parameters; normal_scale: the mean excess that the normal law has
        there, to compare the scale with (a shape of 0 is an exponential end, below 0 a lighter one).
    """
    scores = []
    for index in range(len(photos.identity) - 1):
        others = photos.identity[index + 1 :] != photos.identity[index]
        scores.append((photos.vectors[index + 1 :] @ photos.vectors[index])[others])
    z = np.concatenate(scores) / evidence.calibration(photos.model).deviation
    start, end = np.quantile(z, [1 - EXCESS, 1 - ALIASES])
    shape, _, scale = genpareto.fit(z[(z > start) & (z < end)][:: max(1, len(z) // 10_000_000)] - start, floc=0)
    grid = np.linspace(start, start + 6, 6001)
    density = np.exp(-0.5 * (grid**2 - start**2))
    normal = float(np.trapezoid((grid - start) * density, grid) / np.trapezoid(density, grid))
    return {"threshold": float(start), "shape": float(shape), "scale": float(scale), "normal_scale": normal}


def report(photos: Photos) -> dict[str, Any]:
    """Both, for `limen evaluate face --json`."""
    return {"fpir": promises(photos), "pareto": pareto(photos)}


def _shares(quality: np.ndarray) -> tuple[tuple[float, float], ...]:
    counts = np.bincount(quality // 10, minlength=11)
    return tuple((min(10.0 * c + 5, 100.0), float(n) / len(quality)) for c, n in enumerate(counts) if n)
