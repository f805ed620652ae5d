"""Fits the face calibration (`limen/face/calibration`) to photos: `python -m limen.evaluation.face_calibration DIR`.

DIR holds identity/image, as for `limen evaluate face`. Kept are a mean vector and six numbers; no photo, no template.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

import numpy as np
from rich.progress import track
from scipy.special import ndtri

from limen.evaluation.face import Photos, embed, find
from limen.face.extract import EMBEDDER

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
    slope, mean = np.polyfit(points - middle, score, 1)
    kept = (residual := score - mean - slope * (points - middle)) > np.quantile(residual, MISLABELLED)
    slope, mean = np.polyfit(points[kept] - middle, score[kept], 1)
    size = np.abs(score - mean - slope * (points - middle))[kept] * np.sqrt(np.pi / 2)  # of a normal law: mean |x|
    deviation_slope, mated_deviation = np.polyfit(points[kept] - middle, size, 1)
    return {
        "deviation": float(deviation),
        "quality": middle,
        "mated_mean": float(mean),
        "mated_deviation": float(mated_deviation),
        "mean_slope": float(slope),
        "deviation_slope": float(deviation_slope),
    }


def main(folder: Path) -> None:
    """Embed the photos in a folder, fit, and write the calibration into the installed package."""
    found = find(folder)
    steps = iter(track(range(len(found)), "photos"))
    photos = embed(found, lambda: next(steps, None), centred=False)
    centre = centre_of(photos)
    numbers = fit(photos.identity, centred(photos, centre), photos.quality)
    place = Path(str(resources.files("limen.face") / "calibration"))
    np.save(place / f"{EMBEDDER}-centre.npy", centre)
    text = [f"# python -m limen.evaluation.face_calibration {folder.name}: {len(found)} photos; see docs/accuracy.md"]
    text += [f"{name} = {value:.5f}" for name, value in numbers.items()]
    (place / f"{EMBEDDER}.toml").write_text("\n".join(text) + "\n")
    print("\n".join(text))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
