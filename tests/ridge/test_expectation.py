"""What a print is expected to bring grows with its clear minutiae, and is nothing for what may be no print."""

from __future__ import annotations

import numpy as np

from limen.ridge import expectation
from limen.ridge.template import NOT_COMPUTED, RidgeTemplate


def template(clear: int, faint: int = 0, *, quality: int = NOT_COMPUTED, stated: bool = True) -> RidgeTemplate:
    count = clear + faint
    x = np.arange(count, dtype=np.float32)
    qualities = np.array([90 if stated else 0] * clear + [20] * faint, np.uint8)
    return RidgeTemplate("leader", 1, quality, 500, 500, x, x, x * 0, np.zeros(count, np.uint8), qualities)


def test_more_clear_minutiae_promise_more() -> None:
    means = [expectation.mated(template(clear))[0] for clear in (0, 4, 8, 12, 20, 40, 80)]
    assert means[0] == 0.0
    assert means == sorted(means) and len(set(means)) == len(means)


def test_faint_minutiae_promise_nothing_and_unstated_ones_count() -> None:
    assert expectation.mated(template(10, faint=200)) == expectation.mated(template(10))
    assert expectation.mated(template(10, stated=False)) == expectation.mated(template(10))


def test_what_may_be_no_print_promises_nothing() -> None:
    assert expectation.mated(template(60, quality=0)) == (0.0, 0.0)
