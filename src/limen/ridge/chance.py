"""What evidence two different fingers bring by chance: the law from which thresholds for prints follow.

For t >= 0 nats, P(L > t) = r(m) exp(-t), where m is the number of clear minutiae of the poorer of both prints: few
minutiae agree by chance more often than many. Beyond 0 the excess is exponential with a mean of 1 nat, whatever m
(generalised Pareto fit: shape -0.06, scale 1.05), which is also the slowest fall that a calibrated ratio can have.
Between the least evidence and 0 the logarithm of P is taken as straight.

Counted in a million comparisons of 791 real fingers (docs/accuracy.md, Fused; decision 0280).
"""

from __future__ import annotations

import numpy as np

from limen.ridge.evidence import LEAST, MOST

#: Clear minutiae of the poorer print; the share of comparisons above 0 nats, and of those above the least evidence.
CLASSES = (6, 10, 14, 18, 22, 27, 35, 45, 57)
_NEAREST = np.abs(np.arange(CLASSES[-1] + 1)[:, None] - CLASSES).argmin(axis=1).astype(np.int32)  # of each count
ABOVE_ZERO = (1.8e-2, 1.1e-2, 6.7e-3, 4.3e-3, 2.7e-3, 1.6e-3, 5.8e-4, 3.3e-4, 1.4e-4)
ABOVE_LEAST = (0.66, 0.52, 0.38, 0.28, 0.19, 0.12, 0.06, 0.04, 0.03)


def class_of(clear: int) -> int:
    """Number of the class in `CLASSES` that is nearest to a count of clear minutiae."""
    return int(classes_of(np.array([clear]))[0])


def classes_of(clear: np.ndarray) -> np.ndarray:
    """As `class_of` for each of many counts: int32 (n,)."""
    return _NEAREST[np.clip(clear, 0, CLASSES[-1])]


def survival(nats: np.ndarray, clear: float) -> np.ndarray:
    """Probability that prints of two fingers give more evidence than this; shape of `nats`.

    Args:
        clear: clear minutiae of the poorer print.
    """
    nats = np.asarray(nats, np.float64)
    zero = np.interp(clear, CLASSES, np.log(ABOVE_ZERO))
    least = np.interp(clear, CLASSES, np.log(ABOVE_LEAST))
    body = least + (zero - least) * (nats - LEAST) / -LEAST
    found = np.exp(np.where(nats >= 0, zero - nats, body))
    return np.where(nats < LEAST, 1.0, np.where(nats >= MOST, 0.0, found))
