"""Landmarks found again on the face itself, upright, at one size and also mirrored, and averaged.

YuNet looks at a photo once and places landmarks to about 7 % of the distance between the eyes, a little to the right.
On a normalised crop it is surer, and the mean over the crop and its mirror image is free of the shift. On lfw_dev this
saves two fifths of the misses at FPIR 1 % (decision 0122).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limen.face.align import inverse, placement, warp
from limen.face.detect import decode

if TYPE_CHECKING:
    import onnxruntime

SIDE = 256  # pixels of the crop that is searched
ZOOM = 0.95  # the face is then about 175 pixels wide
MIRRORED = [1, 0, 2, 4, 3]  # landmarks of a mirrored face in the order of the face
FAR = 0.5  # inter-eye distances: a landmark found farther off belongs to another face


def refine(session: onnxruntime.InferenceSession, rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Better landmarks of a detected face: float32 (5, 2), pixels of the photo; the same if nothing better is found.

    Args:
        session: of the model `yunet`.
        rgb: uint8 (height, width, 3).
        landmarks: float32 (5, 2), as detected.
    """
    forward = placement(landmarks, SIDE, ZOOM)
    picture, back = warp(rgb, forward, SIDE), inverse(forward)
    both = _central(session, picture), _mirrored(_central(session, picture[:, ::-1]))
    found = [points @ back[:, :2].T + back[:, 2] for points in both if points is not None]
    reach = FAR * float(np.linalg.norm(landmarks[1] - landmarks[0]))
    near = [points for points in found if np.abs(points - landmarks).max() < reach]
    return np.mean(near, axis=0).astype(np.float32) if near else landmarks


def _central(session: onnxruntime.InferenceSession, picture: np.ndarray) -> np.ndarray | None:
    """Landmarks of the surest face near the middle of a crop."""
    chw = np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)  # YuNet takes BGR
    outputs = dict(zip((o.name for o in session.get_outputs()), session.run(None, {"input": chw}), strict=True))
    boxes, points, confidence = decode(outputs, SIDE)
    if not len(boxes):
        return None
    offset = np.hypot(*(boxes[:, :2] + boxes[:, 2:] / 2 - SIDE / 2).T) / SIDE
    return points[int(np.argmax(confidence - 2 * offset))]


def _mirrored(points: np.ndarray | None) -> np.ndarray | None:
    if points is None:
        return None
    return np.stack([SIDE - 1 - points[:, 0], points[:, 1]], axis=1)[MIRRORED]
