"""What can be measured of a face photo's quality, in the terms of ISO/IEC 29794-5, and what to tell the officer.

The measures come from five landmarks and the aligned crop, so pose and occlusion are estimates: good enough to ask for
another photo, not for a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limen.face.detect import Face
from limen.reasons import Reason

NOSE = 0.55  # how far the nose tip stands before the plane of eyes and mouth, in inter-eye distances (anthropometry)
NOSE_DROP = 0.565  # where it lies between the eyes' and the mouth's line: median of lfw_dev's press photos

# Limits at which the officer is told: outside what 99 % of lfw_dev's press photos have.
SMALLEST_EYES = 20.0  # pixels between the eyes
TURNED = 35.0  # degrees of yaw
TILTED = 30.0  # degrees of pitch
BLURRED = 4.5  # grey levels: standard deviation of the Laplacian over the crop
DARK, BRIGHT = 50.0, 215.0  # grey levels: mean over the face
FLAT = 12.0  # grey levels: standard deviation over the face
EMPTY_FLAT = 3.0  # grey levels: standard deviation over the whole photo, below which it shows nothing
GREY = 2.0  # levels: mean difference between the colour channels, below which a photo has no colour
EYES_DARK = 0.2  # light on the eyes as a share of that on the cheeks: below, sunglasses (or deep shade)
MOUTH_FLAT = 0.4  # vertical detail at the mouth as a share of that at the eyes: below, a mask, a hand, a scarf
SURE = 0.8  # confidence of the detector; the least on lfw_dev is 0.86, drawings have less
UNCLEAR = 30  # unified quality below which the model does not see a face as it knows them
INSIDE, RIM = 0.99, 0.03  # share of the box, widened by this on each side, that must lie in the photo; the detector
# fits boxes to what it sees

#: Pixels between the eyes below which a face is not read. Photos of lfw_dev shrunk until they have 7 bring 86 % of
#: their mates above 4 nats, and strangers no higher than sharp ones (docs/accuracy.md, Small and turned photos).
UNREADABLE_EYES = 6.0
DARKEST = 8.0  # grey levels: keeps the eyes' share of the cheeks' light finite
BLANK = 4.0  # grey levels of contrast: below, a "face" is a plain surface
MIDDLING = 50  # unified quality where a model's embeddings do not tell


@dataclass(frozen=True)
class Measures:
    """Quality components of one face.

    Attributes:
        inter_eye_distance: pixels of the photo.
        yaw, pitch, roll: degrees, 0 = towards the camera; estimates from landmarks. Yaw is positive to the image's
            right, pitch is positive upwards, roll is positive clockwise.
        sharpness: standard deviation of the Laplacian over the aligned crop, grey levels.
        brightness, contrast: mean and standard deviation of luminance over the face, grey levels 0-255.
        colour: mean absolute difference between the colour channels over the face, levels 0-255.
        inside: share of the face's box that lies in the photo, 0-1.
        confidence: of the detector, 0-1; falls with occlusion.
        eyes: light on the eyes as a share of that on the cheeks, the larger of both sides; 0.7 in the middle.
        mouth: vertical detail at the mouth as a share of that at the eyes; 1.1 in the middle.
    """

    inter_eye_distance: float
    yaw: float
    pitch: float
    roll: float
    sharpness: float
    brightness: float
    contrast: float
    colour: float
    inside: float
    confidence: float
    eyes: float
    mouth: float


def measure(face: Face, crop: np.ndarray, shape: tuple[int, ...]) -> Measures:
    """Quality components of a face.

    Args:
        face: as detected.
        crop: uint8 (112, 112, 3), aligned.
        shape: (height, width, ...) of the photo.
    """
    yaw, pitch, roll = pose(face.landmarks)
    middle = crop[24:104, 24:88].astype(np.float32)  # forehead to chin, cheek to cheek
    luma = crop.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    grey = luma[24:104, 24:88]
    spread = np.abs(middle - middle.mean(axis=2, keepdims=True)).mean() * 1.5
    laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return Measures(
        inter_eye_distance=face.inter_eye_distance,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        sharpness=float(laplacian.std()),
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        colour=float(spread),
        inside=_inside(face, shape),
        confidence=face.confidence,
        eyes=_eyes(luma),
        mouth=_mouth(luma),
    )


def pose(landmarks: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees, from where the nose tip stands between eyes and mouth.

    Args:
        landmarks: float (5, 2), order of `detect.Face`.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = np.asarray(landmarks, np.float64)
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    across, down = left_eye - right_eye, mouth - eyes
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    basis = np.stack([across, down], axis=1)
    if abs(np.linalg.det(basis)) < 1e-6:
        return 90.0, 0.0, roll
    sideways, drop = np.linalg.solve(basis, nose - eyes)
    length = float(np.linalg.norm(down)) / max(float(np.linalg.norm(across)), 1e-6)
    yaw = float(np.degrees(np.arctan2(sideways, NOSE)))
    pitch = float(np.degrees(np.arctan2((NOSE_DROP - drop) * length, NOSE)))
    return yaw, pitch, roll


def complaints(found: Measures, unified: int = 100) -> list[Reason]:
    """What is wrong with a face photo, as far as the measures and its unified quality tell; empty if nothing."""
    checks = {
        Reason.FACE_TOO_SMALL: found.inter_eye_distance < SMALLEST_EYES,
        Reason.FACE_TURNED: abs(found.yaw) > TURNED or abs(found.pitch) > TILTED,
        Reason.FACE_BLURRED: found.sharpness < BLURRED,
        Reason.TOO_DARK: found.brightness < DARK,
        Reason.TOO_BRIGHT: found.brightness > BRIGHT,
        Reason.FACE_COVERED: found.eyes < EYES_DARK or found.mouth < MOUTH_FLAT,
        Reason.FACE_UNCLEAR: unified < UNCLEAR,
        Reason.FACE_CUT_OFF: found.inside < INSIDE,
        Reason.NO_COLOUR: found.colour < GREY,
        Reason.NO_CONTRAST: found.contrast < FLAT,
    }
    return [reason for reason, applies in checks.items() if applies]


def unified(strength: float, weak: float, strong: float) -> int:
    """Unified quality, 0-100, from the length of the embedding before it is scaled to one.

    Of all measures here it foretells mated scores best: on lfw_dev their mean rises from 0.50 in the weakest 2 % to
    0.73 in the strongest 2 %, and 37 % against none of them are missed at FPIR 1 %.

    Args:
        strength: that length.
        weak, strong: the lengths that stand for 0 and 100, by the model's calibration; where they are equal, the
            model's embeddings are all of one length and tell nothing.
    """
    if strong <= weak:
        return MIDDLING
    return round(100 * float(np.clip((strength - weak) / (strong - weak), 0, 1)))


def believed(unified: int, found: Measures) -> int:
    """Unified quality as far as the detector agrees that this is a face: a drawing can look good to the embedder."""
    return unified if found.confidence >= SURE else min(unified, UNCLEAR - 1)


def usable(found: Measures) -> bool:
    """Whether a face is worth a template at all."""
    return found.inter_eye_distance >= UNREADABLE_EYES and found.contrast >= BLANK


def shows_nothing(rgb: np.ndarray) -> bool:
    """Whether a photo has no content: a covered or dead camera. rgb: uint8 (height, width, 3)."""
    sample = rgb[:: max(1, rgb.shape[0] // 256), :: max(1, rgb.shape[1] // 256)].astype(np.float32)
    return bool(sample.mean(axis=2).std() < EMPTY_FLAT)


def _eyes(luma: np.ndarray) -> float:
    """Light on the eyes against the cheeks below them, in an aligned crop."""
    sides = [
        luma[47:57, across - 9 : across + 10].mean() / max(luma[66:78, across - 9 : across + 10].mean(), DARKEST)
        for across in (38, 73)  # columns of the eyes' centres (`align.CANON`)
    ]
    return float(max(sides))


def _mouth(luma: np.ndarray) -> float:
    """How much changes from row to row at the mouth, against the eyes, in an aligned crop."""
    steps = np.diff(luma, axis=0) ** 2
    eyes = np.sqrt(steps[42:60, 28:84].mean())
    return float(np.sqrt(steps[82:104, 42:70].mean()) / max(eyes, 1.0))


def _inside(face: Face, shape: tuple[int, ...]) -> float:
    rim, width, height = RIM * face.width, (1 + 2 * RIM) * face.width, face.height
    across = min(face.x - rim + width, shape[1]) - max(face.x - rim, 0)
    down = min(face.y + height, shape[0]) - max(face.y, 0)
    return float(np.clip(across, 0, None) * np.clip(down, 0, None) / max(width * height, 1e-6))
