"""Decisions leave at fixed steps."""

import math

from hypothesis import given
from hypothesis import strategies as st

from limen.matcher.steps import STEP, wait


@given(st.floats(0, 100, allow_nan=False))
def test_search_and_wait_make_whole_steps(elapsed):
    pause = wait(elapsed)
    steps = (elapsed + pause) / STEP
    assert 0 <= pause <= STEP and math.isclose(steps, round(steps), abs_tol=1e-6)


@given(st.integers(1, 1000), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_within_a_step_times_cannot_be_told_apart(step, one, other):
    left, right = ((step + part) * STEP for part in (one, other))
    assert math.isclose(left + wait(left), right + wait(right), abs_tol=1e-9)
