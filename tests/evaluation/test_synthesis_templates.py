"""Synthetic templates: valid, the same in any batch, found by their other touch and not by other fingers."""

from __future__ import annotations

import numpy as np
import pytest

from limen.evaluation.synthesis import minutiae_template, minutiae_templates
from limen.ridge import comparator
from limen.ridge.template import RidgeTemplate

COUNT = 40


@pytest.fixture(scope="module")
def fingers() -> list[RidgeTemplate]:
    return list(minutiae_templates(np.arange(COUNT), positions=2))


def test_a_finger_is_the_same_alone_and_in_any_batch(fingers: list[RidgeTemplate]) -> None:
    alone = minutiae_template(17, position=2)
    among = list(minutiae_templates(np.array([900, 17]), positions=np.array([5, 2])))[1]
    assert alone.pack() == among.pack() == fingers[17].pack()


def test_seed_position_and_impression_all_count(fingers: list[RidgeTemplate]) -> None:
    others = [minutiae_template(3, position=7), minutiae_template(3, position=2, impression=1)]
    assert len({template.pack() for template in [fingers[3], *others]}) == 3


def test_counts_and_distances_are_those_of_real_prints() -> None:
    plain = [len(template) for template in minutiae_templates(np.arange(300))]
    rolled = [len(template) for template in minutiae_templates(np.arange(300), kind="rolled")]
    assert 35 < np.median(plain) < 55  # LEADER on FVC and Crossmatch: 31 to 65 by set
    assert np.percentile(plain, 5) > 15
    assert 90 < np.median(rolled) < 150


def test_a_second_touch_finds_its_finger_among_all(fingers: list[RidgeTemplate]) -> None:
    gallery = [comparator.prepare(template) for template in fingers]
    again = minutiae_templates(np.arange(COUNT), positions=2, impression=1)
    scores = np.array([comparator.compare_many(comparator.prepare(probe), gallery) for probe in again])
    assert np.mean(scores.argmax(axis=1) == np.arange(COUNT)) >= 0.97
    others = scores[~np.eye(COUNT, dtype=bool)]
    assert np.median(np.diag(scores)) > others.max()


def test_many_are_made_without_overflow_or_warning() -> None:
    with np.errstate(all="raise"):
        batch = minutiae_templates(np.array([0, 2**62, 2**63 - 1]))
    assert len(list(batch)) == len(batch) == 3
