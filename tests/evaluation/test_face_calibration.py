"""Calibration of an operator's model, on made-up embeddings whose distributions are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limen.errors import BadInput
from limen.evaluation.face import Photos
from limen.evaluation.face_calibration import calibrated, strengths
from limen.face.evidence import parse_calibration

PEOPLE, PHOTOS, DIMENSION = 200, 4, 256
COMMON = 0.3  # length of what all faces share


def _photos(likeness: float = 0.6, lengths: float = 3.0, people: int = PEOPLE, seed: int = 1) -> Photos:
    """Raw embeddings: a common part, and unit vectors of which two of one person have a cosine of about `likeness`."""
    random = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), PHOTOS)
    own = _unit(random.normal(size=(people, DIMENSION)))[identity]
    other = _unit(random.normal(size=(len(identity), DIMENSION)))
    vectors = np.sqrt(likeness) * own + np.sqrt(1 - likeness) * other
    vectors[:, 0] += COMMON
    count = len(identity)
    strength = (20 + lengths * random.normal(size=count)).astype(np.float32)
    none = np.full(count, np.nan)
    found = Photos(
        identity, _unit(vectors).astype(np.float32), np.ones(count, bool), np.zeros(count, np.uint8), none, none
    )
    return replace(found, strength=strength)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_calibration_states_the_distributions_that_were_there() -> None:
    found = parse_calibration(calibrated(_photos()), DIMENSION)
    assert found.deviation == pytest.approx(DIMENSION**-0.5, rel=0.1)
    assert found.mated_mean == pytest.approx(0.6, abs=0.03)
    assert found.centre[0] == pytest.approx(COMMON, rel=0.1)
    assert np.abs(found.centre[1:]).max() < 0.05
    assert abs(found.mean_slope) < 0.001


def test_better_photos_that_are_more_alike_get_a_slope() -> None:
    photos = _photos()
    assert photos.strength is not None
    good = photos.strength > 20
    blurred = photos.vectors + np.where(good, 0, 0.05)[:, None] * np.random.default_rng(2).normal(
        size=photos.vectors.shape
    )
    found = parse_calibration(calibrated(replace(photos, vectors=_unit(blurred).astype(np.float32))), DIMENSION)
    assert found.mean_slope > 0.002


def test_lengths_give_qualities_as_sfaces_have_and_no_lengths_give_none() -> None:
    weak, strong = strengths(np.linspace(10, 30, 1001))
    low, high = ((value - weak) / (strong - weak) * 100 for value in (10.2, 29.8))
    assert (low, high) == (pytest.approx(35, abs=0.5), pytest.approx(95, abs=0.5))
    found = parse_calibration(calibrated(_photos(lengths=0.0)), DIMENSION)
    assert found.weak == found.strong
    assert (found.mean_slope, found.deviation_slope) == (0, 0)


def test_failed_photos_do_not_count() -> None:
    photos = _photos()
    photos.usable[::5] = False
    photos.vectors[::5] = 0
    found = parse_calibration(calibrated(photos), DIMENSION)
    assert found.mated_mean == pytest.approx(0.6, abs=0.03)


def test_too_few_people_are_not_enough() -> None:
    with pytest.raises(BadInput, match="at least 50 people"):
        calibrated(_photos(people=49))


def test_a_model_that_tells_nobody_apart_is_not_calibrated() -> None:
    with pytest.raises(BadInput, match="does not tell"):
        calibrated(_photos(likeness=0.0))
