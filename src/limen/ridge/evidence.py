"""From a comparator's score to evidence: the log-likelihood ratio of one finger against two."""

from __future__ import annotations

from typing import overload

import numpy as np

# Logistic calibration with equal weight for mated and non-mated comparisons, all pairs within and across the fingers
# of four FVC sets (docs/accuracy.md): slope and intercept in nats per unit of score.
INTERCEPT, SLOPE = -6.80, 2.99
LEAST, MOST = -7.0, 25.0  # nats; beyond them the sets have no data to speak from


@overload
def llr(score: float) -> float: ...
@overload
def llr(score: np.ndarray) -> np.ndarray: ...
def llr(score: float | np.ndarray) -> float | np.ndarray:
    """Log-likelihood ratio (nats) of "one finger" against "two fingers", for scores of `limen.ridge.comparator`."""
    values = np.clip(INTERCEPT + SLOPE * np.asarray(score, np.float64), LEAST, MOST)
    return float(values) if np.ndim(values) == 0 else values
