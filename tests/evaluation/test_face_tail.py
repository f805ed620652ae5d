"""Predicted against observed false alarms, on made-up strangers."""

from __future__ import annotations

import numpy as np
import pytest

from limen.evaluation.face import Photos
from limen.evaluation.face_tail import pareto, promises
from limen.face.evidence import calibration


def _strangers(count: int, dimension: int, seed: int = 1) -> Photos:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = np.random.default_rng(2).integers(40, 95, count).astype(np.uint8)
    return Photos(np.arange(count), vectors, np.ones(count, bool), quality, np.zeros(count), np.zeros(count))


#: Cosines of random directions have a deviation of one through the root of the dimension.
DIMENSION = round(1 / calibration("sface").deviation ** 2)


def test_the_promise_is_kept_where_the_law_holds() -> None:
    for row in promises(_strangers(900, DIMENSION), sizes=(100, 400)):
        if row["accepted"] >= 0.01:
            assert row["observed"] == pytest.approx(row["accepted"], rel=0.5), row


def test_strangers_more_alike_than_the_law_says_break_it() -> None:
    rows = promises(_strangers(500, DIMENSION // 2), sizes=(100,))
    assert rows[1]["observed"] > 2 * rows[1]["accepted"]


def test_the_tail_of_bounded_scores_is_light() -> None:
    law = pareto(_strangers(900, DIMENSION))
    assert law["shape"] < 0.05
    assert law["scale"] == pytest.approx(law["normal_scale"], rel=0.35)
