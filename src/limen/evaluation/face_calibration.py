"""Fits a model's calibration to labelled photos: `limen evaluate face DIR --model NAME --calibrate FILE`.

DIR holds identity/image. Kept are a mean vector and eight numbers; no photo, no template.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from limen.errors import BadImage, BadInput
from limen.evaluation.face import Photos, blank
from limen.face import quality
from limen.face.evidence import parse_calibration
from limen.face.extract import FaceExtractor
from limen.images import decode

LEAST_PEOPLE, LEAST_MATED = 50, 200  # people and mated pairs below which the numbers would be guesses
FLAT = 1e-3  # spread of the embeddings' lengths, as a share of their mean, below which they say nothing of quality
#: Quantiles of the lengths of raw embeddings, and the quality that they shall have: as SFace's have on lfw_dev.
WEAKER, STRONGER = (0.01, 35.0), (0.99, 95.0)
MISLABELLED = 0.005  # share of mated pairs, the least alike for their quality, that the fit leaves out
QUANTILES = (1e-2, 1e-3, 1e-4)  # of non-mated scores: far enough out to matter, before aliases of one person set in


def centre_of(photos: Photos) -> np.ndarray:
    """Mean over identities of the mean of their unit embeddings: float32 (dimension,)."""
    sums = np.zeros((photos.identity.max() + 1, photos.vectors.shape[1]))
    np.add.at(sums, photos.identity[photos.usable], photos.vectors[photos.usable])
    counts = np.bincount(photos.identity[photos.usable], minlength=len(sums))
    return (sums[counts > 0] / counts[counts > 0, None]).mean(axis=0).astype(np.float32)


def centred(photos: Photos, centre: np.ndarray) -> np.ndarray:
    """Unit embeddings less the centre, scaled to unit length again: float32 (n, dimension)."""
    moved = photos.vectors - centre
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)


def fit(identity: np.ndarray, vectors: np.ndarray, quality: np.ndarray) -> dict[str, float]:
    """The numbers of `limen.face.evidence.Calibration` from centred embeddings.

    Mated: least squares of score on mean quality, and of the residuals' size on it. Non-mated: the deviation that a
    normal law with the same upper quantiles has.
    """
    mated, qualities, quantiles = [], [], []
    for index in range(len(vectors) - 1):
        scores = vectors[index + 1 :] @ vectors[index]
        same = identity[index + 1 :] == identity[index]
        mated.append(scores[same])
        qualities.append((quality[index + 1 :][same].astype(float) + quality[index]) / 2)
        quantiles.append(scores[~same][:: max(1, len(vectors) // 1000)])
    other = np.concatenate(quantiles)
    deviation = np.mean([np.quantile(other, 1 - share) / -ndtri(share) for share in QUANTILES])
    score, points = np.concatenate(mated), np.concatenate(qualities)
    middle = float(points.mean())
    slope, mean = _line(points - middle, score)
    kept = (residual := score - mean - slope * (points - middle)) > np.quantile(residual, MISLABELLED)
    slope, mean = _line(points[kept] - middle, score[kept])
    size = np.abs(score - mean - slope * (points - middle))[kept] * np.sqrt(np.pi / 2)  # of a normal law: mean |x|
    deviation_slope, mated_deviation = _line(points[kept] - middle, size)
    return {
        "deviation": float(deviation),
        "quality": middle,
        "mated_mean": float(mean),
        "mated_deviation": float(mated_deviation),
        "mean_slope": float(slope),
        "deviation_slope": float(deviation_slope),
    }


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and value at 0 of the line of least squares; level where all x are one."""
    if float(np.ptp(x)) == 0:
        return 0.0, float(y.mean())
    slope, value = np.polyfit(x, y, 1)
    return float(slope), float(value)


def raw(photos: Sequence[tuple[str, Path]], model: str, step: Callable[[], object] = lambda: None) -> Photos:
    """Embeddings as the model gives them, with their lengths; `step` is called after each photo."""
    extractor = FaceExtractor([model], centred=False)
    found = replace(blank(photos, model), strength=np.zeros(len(photos), np.float32))
    assert found.strength is not None
    for index, (_, path) in enumerate(photos):
        try:
            result = extractor.extract(decode(path.read_bytes()))
        except BadImage:
            result = None
        if result is not None and result.template is not None:
            found.vectors[index], found.strength[index] = result.template.vector, result.strength
            found.usable[index] = True
        step()
    return found


def strengths(lengths: np.ndarray) -> tuple[float, float]:
    """The lengths of raw embeddings that stand for quality 0 and 100; equal where all are of one length."""
    if float(lengths.std()) < FLAT * float(lengths.mean()):
        return float(lengths.mean()), float(lengths.mean())
    low, high = np.quantile(lengths, [WEAKER[0], STRONGER[0]])
    a_point = (high - low) / (STRONGER[1] - WEAKER[1])
    weak = low - WEAKER[1] * a_point
    return float(weak), float(weak + 100 * a_point)


def calibrated(photos: Photos, limits: tuple[float, float] | None = None) -> str:
    """A calibration file's text for a model, from its raw embeddings.

    Args:
        photos: of `raw`.
        limits: lengths that stand for quality 0 and 100; default by `strengths`.

    Raises:
        BadInput: too few people or mated pairs, or the model does not tell people apart.
    """
    assert photos.strength is not None
    kept = photos.usable
    counts = np.bincount(photos.identity[kept])
    pairs = int((counts * (counts - 1) // 2).sum())
    if np.count_nonzero(counts) < LEAST_PEOPLE or pairs < LEAST_MATED:
        raise BadInput(
            f"A calibration needs at least {LEAST_PEOPLE} people and {LEAST_MATED} pairs of photos of one person.",
            advice="Add photos: two or more of many people, one of many others.",
        )
    weak, strong = strengths(photos.strength[kept]) if limits is None else limits
    scores = np.array([quality.unified(float(one), weak, strong) for one in photos.strength[kept]], np.uint8)
    centre = centre_of(photos)
    numbers = {**fit(photos.identity[kept], centred(photos, centre)[kept], scores), "weak": weak, "strong": strong}
    head = f"# {photos.model}: {np.count_nonzero(kept)} photos of {np.count_nonzero(counts)} people"
    rows = [", ".join(repr(float(str(one))) for one in centre[at : at + 8]) for at in range(0, len(centre), 8)]
    lines = [head, *(f"{name} = {value!r}" for name, value in numbers.items())]
    text = "\n".join([*lines, "centre = [", *(f"    {row}," for row in rows), "]", ""])
    try:
        parse_calibration(text, len(centre))
    except ValueError as error:
        raise BadInput(f"Model '{photos.model}' does not tell these people apart: {error}.") from None
    return text
