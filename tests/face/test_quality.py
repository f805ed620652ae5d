"""Pose from landmarks, and what the officer is told."""

from __future__ import annotations

import numpy as np
import pytest

from limen.face.align import CANON
from limen.face.detect import Face
from limen.face.quality import Measures, complaints, measure, pose, unified
from limen.reasons import Reason

GOOD = Measures(60.0, 0.0, 0.0, 0.0, 12.0, 130.0, 40.0, 30.0, 1.0, 0.95, 0.7, 1.1)


def test_a_frontal_face_has_no_pose() -> None:
    frontal = CANON.copy()
    frontal[2, 1] += 2.9  # the nose tip of press photos lies lower than ArcFace's
    assert pose(frontal) == pytest.approx((0, 0, 0), abs=1)


@pytest.mark.parametrize("yaw", [-40, -20, 20, 40])
def test_a_turned_head_is_told_from_its_nose(yaw: float) -> None:
    turned = _turned(np.radians(yaw), 0)
    assert pose(turned)[0] == pytest.approx(yaw, abs=8)


@pytest.mark.parametrize("pitch", [-25, 25])
def test_a_head_that_looks_up_or_down_is_told(pitch: float) -> None:
    assert np.sign(pose(_turned(0, np.radians(pitch)))[1]) == np.sign(pitch)
    assert abs(pose(_turned(0, np.radians(pitch)))[1]) > 10


@pytest.mark.parametrize("roll", [-90, -30, 10, 60])
def test_roll_is_the_slope_of_the_eyes_and_changes_nothing_else(roll: float) -> None:
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    yaw, pitch, found = pose(CANON @ np.array([[c, s], [-s, c]]))
    assert found == pytest.approx(roll, abs=1)
    assert (yaw, pitch) == pytest.approx(pose(CANON)[:2], abs=0.5)


def test_landmarks_on_one_spot_are_a_profile_not_a_crash() -> None:
    assert pose(np.ones((5, 2)))[0] == 90


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("inter_eye_distance", 12.0, Reason.FACE_TOO_SMALL),
        ("yaw", -50.0, Reason.FACE_TURNED),
        ("pitch", 45.0, Reason.FACE_TURNED),
        ("sharpness", 2.0, Reason.FACE_BLURRED),
        ("brightness", 20.0, Reason.TOO_DARK),
        ("brightness", 240.0, Reason.TOO_BRIGHT),
        ("inside", 0.7, Reason.FACE_CUT_OFF),
        ("colour", 0.0, Reason.NO_COLOUR),
        ("contrast", 5.0, Reason.NO_CONTRAST),
        ("eyes", 0.1, Reason.FACE_COVERED),
        ("mouth", 0.2, Reason.FACE_COVERED),
    ],
)
def test_each_defect_has_its_reason(field: str, value: float, reason: Reason) -> None:
    assert complaints(GOOD) == []
    assert complaints(Measures(**vars(GOOD) | {field: value})) == [reason]


def test_a_face_that_the_model_hardly_knows_is_said_to_be_unclear() -> None:
    assert complaints(GOOD, 29) == [Reason.FACE_UNCLEAR]
    assert complaints(GOOD, 30) == []


def test_a_face_at_the_rim_is_cut_off() -> None:
    crop = np.random.default_rng(1).integers(0, 255, (112, 112, 3), np.uint8)
    landmarks = CANON.astype(np.float32)
    inside = measure(Face(40, 40, 100, 130, landmarks, 0.9), crop, (300, 300, 3)).inside
    rim = measure(Face(-30, 40, 100, 130, landmarks, 0.9), crop, (300, 300, 3)).inside
    assert (inside, round(rim, 2)) == (1.0, 0.69)


def test_unified_quality_stays_in_range() -> None:
    assert [unified(length, 7, 15) for length in (0, 7, 11, 15, 99)] == [0, 0, 50, 100, 100]


def _turned(yaw: float, pitch: float) -> np.ndarray:
    """The canonical face as a relief whose nose stands 0.55 inter-eye distances out, seen from another side."""
    depth = np.array([0, 0, 0.55 * 35.2, 0, 0])
    points = np.column_stack([CANON - CANON.mean(axis=0), depth])
    x = points[:, 0] * np.cos(yaw) + points[:, 2] * np.sin(yaw)
    z = points[:, 2] * np.cos(yaw) - points[:, 0] * np.sin(yaw)
    return np.column_stack([x, points[:, 1] * np.cos(pitch) - z * np.sin(pitch)])
