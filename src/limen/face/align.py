"""Alignment: a face turned, scaled and moved so that its landmarks lie where the embedding model expects them."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

#: Where the five landmarks lie in a crop of 112 x 112 pixels (x, y): J. Deng et al., "ArcFace", 2019.
CANON = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)
SIDE = 112  # pixels


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation, scale and shift that move `source` nearest to `target` (S. Umeyama, 1991; no reflection).

    Args:
        source, target: float (n, 2), n >= 2, not all points alike.

    Returns:
        float64 (2, 3): target = matrix[:, :2] @ source + matrix[:, 2].
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_centre, to_centre = source - source.mean(0), target - target.mean(0)
    u, spread, v = np.linalg.svd(to_centre.T @ from_centre / len(source))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v)) or 1.0])
    rotation = u @ np.diag(sign) @ v
    scale = float(spread @ sign) / max(float(from_centre.var(0).sum()), 1e-12)
    return np.hstack([scale * rotation, (target.mean(0) - scale * rotation @ source.mean(0))[:, None]])


def crop(rgb: np.ndarray, landmarks: np.ndarray, *, side: int = SIDE, zoom: float = 1.0) -> np.ndarray:
    """The aligned face, uint8 (side, side, 3); black where the photo ends.

    Args:
        rgb: uint8 (height, width, 3).
        landmarks: float (5, 2), pixels of `rgb`.
        side: of the crop, pixels.
        zoom: share of the crop that `CANON` fills, about its centre; below 1 shows more around the face.
    """
    return warp(rgb, placement(landmarks, side, zoom), side)


def placement(landmarks: np.ndarray, side: int = SIDE, zoom: float = 1.0) -> np.ndarray:
    """The transform that moves a face into a crop: float64 (2, 3), from pixels of the photo to pixels of the crop."""
    return similarity(landmarks, (CANON - (SIDE - 1) / 2) * zoom * (side / SIDE) + (side - 1) / 2)


def warp(rgb: np.ndarray, forward: np.ndarray, side: int) -> np.ndarray:
    """A photo under a similarity transform: uint8 (side, side, 3)."""
    rgb, forward = _reduced(rgb, forward)
    back = inverse(forward)
    # Pillow counts from pixel corners, landmarks count from pixel centres: shift by half a pixel on both sides
    back[:, 2] += 0.5 - back[:, :2] @ (0.5, 0.5)
    picture = Pillow.fromarray(rgb).transform(
        (side, side), Pillow.Transform.AFFINE, tuple(back.ravel()), Pillow.Resampling.BILINEAR
    )
    return np.asarray(picture)


def inverse(transform: np.ndarray) -> np.ndarray:
    """The transform back: float64 (2, 3)."""
    return np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2]


def _reduced(rgb: np.ndarray, forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Photo and transform, averaged down by a whole factor where the crop would skip pixels."""
    scale = float(np.sqrt(np.linalg.det(forward[:, :2])))
    factor = int(1 / scale) if scale > 0 else 1
    if factor < 2:
        return rgb, forward
    smaller = np.asarray(Pillow.fromarray(rgb).reduce(factor))
    # centre of smaller pixel p lies at factor * p + (factor - 1) / 2 of the larger
    shift = forward[:, :2] @ np.full(2, (factor - 1) / 2)
    return smaller, np.hstack([forward[:, :2] * factor, (forward[:, 2] + shift)[:, None]])
