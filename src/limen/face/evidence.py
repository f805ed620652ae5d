"""From a face score to evidence: the log-likelihood ratio (nats) of one person against two.

Non-mated scores are normal as far as the data reach; beyond, their density is taken to fall exponentially at the rate
it has there, which claims less evidence than the normal would. Mated scores are skew normal, and one in a hundred is
allowed to look like anyone's: a mislabelled record, a mask, a profile. So a face can never speak strongly against.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from scipy.special import log_ndtr, ndtr

REACH = 5.0  # standard deviations to which the normal law is checked: 1 in 3.5 million pairs
STRANGE = 0.01  # share of mated pairs that look non-mated; bounds the evidence against from below: ln 0.01 = -4.6 nats
MOST = 25.0  # nats; more was never seen between two photos of different days
_LOG_ROOT = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True)
class Calibration:
    """Parameters of a model's score distributions; see `evidence.toml`."""

    non_mated_mean: float
    non_mated_deviation: float
    mated_location: float
    mated_scale: float
    mated_shape: float
    mated_per_quality: float
    mated_mean_quality: float


@cache
def calibration(model: str) -> Calibration:
    """Calibration of a model; `KeyError` if it was never measured."""
    return Calibration(**tomllib.loads((resources.files("limen.face") / "evidence.toml").read_text("utf-8"))[model])


def llr(scores: np.ndarray | float, model: str = "sface") -> np.ndarray:
    """Log-likelihood ratio (nats) for cosines: float64, same shape, between ln `STRANGE` and `MOST`."""
    fit = calibration(model)
    scores = np.maximum(np.asarray(scores, np.float64), fit.non_mated_mean)  # no face is less alike than a stranger's
    z = (scores - fit.non_mated_mean) / fit.non_mated_deviation
    beyond = np.maximum(z - REACH, 0)
    near = np.minimum(z, REACH)
    non_mated = -0.5 * near**2 - REACH * beyond - _LOG_ROOT - np.log(fit.non_mated_deviation)
    u = (np.minimum(scores, fit.mated_location) - fit.mated_location) / fit.mated_scale
    mated = np.log(2 / fit.mated_scale) - 0.5 * u**2 - _LOG_ROOT + log_ndtr(fit.mated_shape * u)
    ratio = np.logaddexp(np.log1p(-STRANGE) + mated - non_mated, np.log(STRANGE))
    return np.minimum(ratio, MOST)


def non_mated_survival(evidence: np.ndarray, model: str = "sface") -> np.ndarray:
    """Probability that two people's photos give more than this evidence (nats); the impostor tail.

    Normal to `REACH` deviations, then falling exponentially at the rate it has there. Shape and order of `evidence`.
    """
    fit = calibration(model)
    grid = np.linspace(-0.4, 1.0, 2801)  # cosines, monotone in evidence above the floor
    table = np.maximum.accumulate(llr(grid, model))
    scores = np.interp(evidence, table, grid, left=-1.0, right=2.0)
    z = (scores - fit.non_mated_mean) / fit.non_mated_deviation
    return np.where(z <= REACH, ndtr(-z), ndtr(-REACH) * np.exp(-REACH * np.maximum(z - REACH, 0)))


def expected_mated(quality: int, model: str = "sface") -> tuple[float, float]:
    """Mean and standard deviation of mated scores for a probe of this quality (0-100)."""
    fit = calibration(model)
    delta = fit.mated_shape / np.sqrt(1 + fit.mated_shape**2)
    mean = fit.mated_location + fit.mated_scale * delta * np.sqrt(2 / np.pi)
    deviation = fit.mated_scale * np.sqrt(1 - 2 * delta**2 / np.pi)
    return float(mean + fit.mated_per_quality * (quality - fit.mated_mean_quality)), float(deviation)
