"""Similarity transforms and crops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.face.align import CANON, crop, similarity

angles = st.floats(-np.pi, np.pi)
scales = st.floats(0.05, 20)
shifts = st.floats(-500, 500)


@given(angles, scales, shifts, shifts)
def test_a_similarity_is_recovered_exactly(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = similarity(CANON, CANON @ turn.T + (x, y))
    assert found[:, :2] == pytest.approx(turn, abs=1e-6 * max(1, scale))
    assert found[:, 2] == pytest.approx([x, y], abs=1e-3)


def test_a_mirrored_target_is_not_met_by_reflection() -> None:
    found = similarity(CANON, CANON * (-1, 1))
    assert np.linalg.det(found[:, :2]) > 0


@pytest.mark.parametrize("factor", [0.5, 1, 3, 8])
def test_each_landmark_lands_on_its_place(factor: float) -> None:
    marks = np.add(CANON, (40, 30)) * factor
    picture = np.zeros((int(180 * factor), int(200 * factor), 3), np.uint8)
    for x, y in marks:
        rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
        picture[np.hypot(columns - x, rows - y) <= 4 * factor] = 255
    aligned = crop(picture, marks)[:, :, 0].astype(float)
    for x, y in CANON:
        rows, columns = np.mgrid[:112, :112]
        near = aligned * (np.hypot(columns - x, rows - y) < 8)
        centre = (near * columns).sum() / near.sum(), (near * rows).sum() / near.sum()
        assert centre == pytest.approx((x, y), abs=0.5)


def test_beyond_the_photo_is_black() -> None:
    aligned = crop(np.full((60, 60, 3), 200, np.uint8), CANON - (60, 60))
    assert aligned[0, 0].max() == 0
    assert aligned.max() >= 199
