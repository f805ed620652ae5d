"""Promised and observed error rates of fingers, on evidence drawn from the law."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.test_fused import _faces

from limen.evaluation import fused_tail
from limen.evaluation.fused import Fingers
from limen.ridge import chance

FINGERS, CLEAR = 240, 18
NATS = np.linspace(-8, 20, 2241)


@pytest.fixture(scope="module")
def fingers() -> Fingers:
    random = np.random.default_rng(3)
    drawn = np.interp(random.random((2 * FINGERS, FINGERS)), 1 - chance.survival(NATS, CLEAR), NATS)
    rows = [[2 * finger, 2 * finger + 1] for finger in range(FINGERS)]
    for finger, own in enumerate(rows):
        drawn[own, finger] = 16.0
    drawn[0, 7] = 17.0  # one finger under two names
    return Fingers(["one"] * FINGERS, rows, drawn.astype(np.float32), np.full(2 * FINGERS, CLEAR))


def test_one_finger_under_two_names_is_set_aside_and_said(fingers: Fingers) -> None:
    evidence, aliases = fused_tail._without_aliases(fingers)
    assert aliases == 1
    assert np.isnan(evidence[0, 7]) and np.isnan(evidence[1, 0])


def test_the_law_is_found_again_and_holds_for_fingers_that_were_left_out(fingers: Fingers) -> None:
    found = fused_tail.law(fingers, fused_tail._without_aliases(fingers)[0])
    assert abs(found["pareto"]["all"]["shape"]) < 0.12
    assert found["pareto"]["all"]["scale"] == pytest.approx(1.0, abs=0.15)
    (only,) = found["classes"]
    assert only["above_0"]["observed"] == pytest.approx(only["above_0"]["law"], rel=0.2)
    for side in found["held_out"]:
        assert side["observed"] == pytest.approx(side["expected"], rel=0.7)


def test_observed_rates_are_near_the_accepted_ones(fingers: Fingers) -> None:
    faces = _faces(np.random.default_rng(4))
    rows = fused_tail.promises(faces, fingers, fused_tail._without_aliases(fingers)[0])
    one = next(row for row in rows if row["searched_with"] == "one finger" and row["accepted"] == 0.1)
    assert 0.03 < one["observed"] < 0.16
