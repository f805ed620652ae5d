"""Error rates against cases small enough to be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.evaluation import rates

FAILED = -np.inf


def test_det_by_hand() -> None:
    # genuine 2 4 4 8, impostor 1 2 3 5: at threshold 4, one genuine of four is below, one impostor of four reaches it
    thresholds, fmr, fnmr = rates.det(np.array([4, 2, 8, 4]), np.array([3, 1, 5, 2]))
    assert thresholds.tolist() == [-np.inf, 1, 2, 3, 4, 5, 8, np.inf]
    assert fmr.tolist() == [1, 1, 0.75, 0.5, 0.25, 0.25, 0, 0]
    assert fnmr.tolist() == [0, 0, 0, 0.25, 0.25, 0.75, 0.75, 1]


@pytest.mark.parametrize(
    ("genuine", "impostor", "expected"),
    [
        ([4, 2, 8, 4], [3, 1, 5, 2], 0.25),  # equal at threshold 4
        ([5, 6], [1, 2], 0.0),  # apart
        ([1, 2], [5, 6], 1.0),  # the wrong way round
        # rates jump past each other: FNMR 0, FMR 1/2 at 1; FNMR 1/3, FMR 0 at 2: the second pair has the smaller sum
        ([1, 2, 3], [0, 1], 1 / 6),
        ([FAILED, 5, 5, 5], [1, 1, 1, 1], 0.125),  # a failure is a miss at every threshold: (1/4 + 0) / 2
        ([FAILED, FAILED], [FAILED, 1], 0.75),  # nothing but failures: FNMR 1, FMR at most 1/2
    ],
)
def test_equal_error_rate_by_hand(genuine: list[float], impostor: list[float], expected: float) -> None:
    assert rates.eer(np.array(genuine), np.array(impostor)) == pytest.approx(expected)


def test_fnmr_at_fmr_by_hand() -> None:
    impostor = np.arange(100.0)  # exactly one reaches 99
    genuine = np.array([98.5, 99, 99.5, 120])
    assert rates.fnmr_at_fmr(genuine, impostor, 0.01) == 0.0  # threshold 98.5: one impostor in a hundred
    assert rates.fnmr_at_fmr(genuine, impostor, 0.001) == 0.5  # threshold over 99: none of a hundred
    assert rates.fnmr_at_fmr(genuine, impostor, 0.0) == 0.5
    assert rates.fnmr_at_fmr(np.array([FAILED, 200.0]), impostor, 0.5) == 0.5


def test_nothing_to_measure_is_not_a_rate() -> None:
    empty, some = np.array([]), np.array([1.0])
    assert math.isnan(rates.eer(empty, some)) and math.isnan(rates.eer(some, empty))
    assert math.isnan(rates.fnmr_at_fmr(empty, some, 0.01))


def test_rank_one_counts_ties_and_failures_as_misses() -> None:
    scores = np.array([[3.0, 1, 2], [1, 1, 0], [0, 5, 4], [FAILED, FAILED, FAILED]])
    assert rates.rank_one(scores, np.array([0, 1, 2, 0])).tolist() == [True, False, False, False]


scores_ = st.lists(st.integers(-5, 5).map(float) | st.just(FAILED), min_size=1, max_size=30).map(np.array)


@given(scores_, scores_)
def test_det_is_monotone_and_agrees_with_counting(genuine: np.ndarray, impostor: np.ndarray) -> None:
    thresholds, fmr, fnmr = rates.det(genuine, impostor)
    assert (np.diff(fmr) <= 0).all() and (np.diff(fnmr) >= 0).all()
    for threshold, match, miss in zip(thresholds[1:], fmr[1:], fnmr[1:], strict=True):
        assert match == pytest.approx((impostor >= threshold).mean())
        assert miss == pytest.approx((genuine < threshold).mean())
    assert 0 <= rates.eer(genuine, impostor) <= 1


@given(scores_, scores_)
def test_a_lower_fmr_never_misses_less(genuine: np.ndarray, impostor: np.ndarray) -> None:
    misses = [rates.fnmr_at_fmr(genuine, impostor, fmr) for fmr in (0.1, 0.01, 0.001, 0.0)]
    assert misses == sorted(misses)
