"""From a face score to evidence: the log-likelihood ratio (nats) of one person against two.

Non-mated scores are normal around 0, whatever the photos' quality. Mated scores are normal around a mean that rises
with the mean quality of the two photos, and lie closer together the better they are: a likeness of 0.5 says more about
two poor photos than about two good ones. One mated pair in a hundred may look like anyone's (a mislabelled record, a
mask, a profile), so a face never speaks strongly against. Figures and fits: docs/accuracy.md, Faces.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from limen import models
from limen.errors import Damaged
from limen.models.catalogue import operators_folder

REACH = 4.5  # standard deviations up to which the normal law was checked (1 pair in 300,000); beyond, the density falls
# exponentially at the rate it has there, which claims less evidence than the normal law would
STRANGE = 0.01  # share of mated pairs that look non-mated; the least evidence is its logarithm, -4.6 nats
MOST = 25.0  # nats; more was not seen between two photos of different days
_LEAST_DEVIATION, _MOST_DEVIATION = 0.05, 0.16  # of mated scores, where the line would leave what was measured


@dataclass(frozen=True)
class Calibration:
    """A model's score distributions, and the centre of its embeddings.

    Attributes:
        deviation: of non-mated scores (their mean is 0, as the centre is taken off).
        mated_mean, mated_deviation: of mated scores at quality `quality`.
        mean_slope, deviation_slope: what they gain a point of quality (the mean of both photos').
        weak, strong: lengths of the raw embedding that stand for quality 0 and 100.
        centre: float32 (dimension,), mean over people of their unit embeddings.
    """

    deviation: float
    quality: float
    mated_mean: float
    mated_deviation: float
    mean_slope: float
    deviation_slope: float
    weak: float
    strong: float
    centre: np.ndarray

    def mated(self, quality: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of mated scores at a quality, 0-100."""
        points = np.asarray(quality, np.float64) - self.quality
        deviation = self.mated_deviation + self.deviation_slope * points
        return self.mated_mean + self.mean_slope * points, np.clip(deviation, _LEAST_DEVIATION, _MOST_DEVIATION)


def calibration(model: str) -> Calibration:
    """Calibration of a model: in `limen/face/calibration` for shipped ones, else the file that its manifest names.

    Raises:
        NotFound: there is no such model.
        Damaged: it was never calibrated, or the file does not fit it.
    """
    return _calibration(model, operators_folder())


@cache
def _calibration(model: str, _folder: Path | None) -> Calibration:
    manifest = models.manifest(model)
    place = resources.files("limen.face") / "calibration" / f"{model}.toml"
    file = place if manifest.folder is None else manifest.folder / manifest.calibration
    try:
        return parse_calibration(file.read_text("utf-8"), manifest.dimension)
    except FileNotFoundError:
        raise Damaged(
            f"Model '{model}' is not calibrated, so nobody knows what its scores mean.",
            advice=f"Measure it: limen evaluate face FOLDER --model {model} --calibrate FILE.",
            code="not-calibrated",
        ) from None
    except (OSError, ValueError) as error:
        raise Damaged(f"The calibration of model '{model}' cannot be used: {error}.") from None


def parse_calibration(text: str, dimension: int) -> Calibration:
    """A calibration from its TOML text; `ValueError` says what is wrong with it.

    Args:
        text: a number for each attribute of `Calibration`, and `centre` as a list.
        dimension: of the model's templates.
    """
    table = tomllib.loads(text)
    wanted = {field.name for field in fields(Calibration)}
    if set(table) != wanted:
        raise ValueError(f"it must have {', '.join(sorted(wanted))} and nothing else")
    centre = np.array(table.pop("centre"), np.float32)
    numbers = {name: float(value) for name, value in table.items()}
    if centre.shape != (dimension,) or not np.isfinite(centre).all():
        raise ValueError(f"its centre has not {dimension} numbers")
    if not all(map(math.isfinite, numbers.values())):
        raise ValueError("not all of its numbers are finite")
    if not 0 < numbers["deviation"] < 1 or not numbers["deviation"] < numbers["mated_mean"] <= 1:
        raise ValueError("its mated scores do not stand out from its non-mated ones")
    return Calibration(centre=centre, **numbers)


def llr(
    scores: np.ndarray | float, quality: np.ndarray | float, model: str = "sface", most: float = MOST
) -> np.ndarray:
    """Log-likelihood ratio, nats: float64, between ln `STRANGE` and `most`.

    Args:
        scores: cosines.
        quality: mean of the two photos' qualities, 0-100; broadcast against the scores.
    """
    fit = calibration(model)
    scores = np.maximum(np.asarray(scores, np.float64), 0)  # no face is less alike than a stranger's
    z = scores / fit.deviation
    non_mated = -0.5 * np.minimum(z, REACH) ** 2 - REACH * np.maximum(z - REACH, 0) - np.log(fit.deviation)
    mean, deviation = fit.mated(quality)
    mated = -0.5 * ((scores - mean) / deviation) ** 2 - np.log(deviation)
    return np.minimum(np.logaddexp(np.log1p(-STRANGE) + mated - non_mated, np.log(STRANGE)), most)


def non_mated_survival(evidence: np.ndarray, quality: float, model: str = "sface") -> np.ndarray:
    """Probability that photos of two people, of this mean quality, give more than this evidence (nats).

    The law is that of `llr`: normal to `REACH` deviations, then falling exponentially. Shape of `evidence`.
    """
    fit = calibration(model)
    cosines = np.linspace(0, 1, 2001)
    table = np.maximum.accumulate(llr(cosines, quality, model, np.inf))
    z = np.interp(evidence, table, cosines, left=-1.0, right=1.0) / fit.deviation
    tail = np.where(z <= REACH, ndtr(-z), ndtr(-REACH) * np.exp(-REACH * np.maximum(z - REACH, 0)))
    return np.where(np.asarray(evidence) >= MOST, 0.0, tail)
