"""Two prints' minutiae to a score, and to an account of which minutiae paired.

The kernel (native/ridge/comparator.inc) works in five steps: local structures that are alike, those that agree with
one another, where the one print lies on the other, which minutiae pair there (skin stretches smoothly), and how
likely that is for one finger against two. Any rotation; partial overlap; at most `MAX_MINUTIAE` minutiae.
`limen.ridge.evidence` turns a score into a log-likelihood ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limen.errors import BadTemplate
from limen.ridge import _native
from limen.ridge.template import RidgeTemplate

#: A template made ready to be compared many times. Read-only; safe to share between threads.
Prepared = _native.Prepared


@dataclass(frozen=True)
class Comparison:
    """What two prints have in common.

    Attributes:
        score: as `compare` gives it.
        pairs: int32 (k, 2), indices of paired minutiae in the first and second template.
        rotation: radians counter-clockwise, in (-pi, pi], that the first print is turned to lie on the second.
        translation: (x, y) pixels at 500 ppi, x to the right and y down, after the rotation about the top left corner.
    """

    score: float
    pairs: np.ndarray
    rotation: float
    translation: tuple[float, float]


def prepare(template: RidgeTemplate) -> Prepared:
    """A template made ready for comparison; `BadTemplate` if a field is out of range."""
    try:
        return _native.prepare(template.pack())
    except ValueError as error:
        raise BadTemplate(str(error)) from None


def compare(a: Prepared, b: Prepared) -> float:
    """How alike two prints are: more is more alike, 0 where nothing can be said (fewer than two minutiae).

    Nearly a log-likelihood ratio in nats; `limen.ridge.evidence.llr` calibrates it.
    """
    return float(_native.compare(a, b))


def compare_many(probe: Prepared, references: list[Prepared]) -> np.ndarray:
    """Scores of one probe against each reference: float32 (n,). Other threads run meanwhile."""
    return _native.compare_many(probe, references)


def explain(a: Prepared, b: Prepared) -> Comparison:
    """The comparison with the pairs that speak for it."""
    score, pairs, cosine, sine, x, y = _native.explain(a, b)
    return Comparison(float(score), pairs, float(np.arctan2(sine, cosine)), (float(x), float(-y)))
