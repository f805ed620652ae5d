"""From a comparator's score to evidence: the log-likelihood ratio of one finger against two."""

from __future__ import annotations

from typing import overload

import numpy as np

# Calibrated on scores of four FVC sets and a set of 51 plain fingers, each scored by weights that never saw it
# (docs/accuracy.md). Logistic regression, both kinds of comparison weighing alike, gives intercept 0.01 and slope 0.83.
# The impostors' tail says the same: beyond 0, of 180,000 comparisons across fingers, exp(-0.6 score) remain.
INTERCEPT, SLOPE = 0.0, 0.83
# Nats. Below: one mated comparison in 1,500 shows nothing in common, however unlike. Above: the tail is seen up to
# 8 nats and carried on from there; 18 nats are one false match in 65 million comparisons.
LEAST, MOST = -5.5, 18.0


@overload
def llr(score: float) -> float: ...
@overload
def llr(score: np.ndarray) -> np.ndarray: ...
def llr(score: float | np.ndarray) -> float | np.ndarray:
    """Log-likelihood ratio (nats) of "one finger" against "two fingers", for scores of `limen.ridge.comparator`."""
    values = np.clip(INTERCEPT + SLOPE * np.asarray(score, np.float64), LEAST, MOST)
    return float(values) if np.ndim(values) == 0 else values
