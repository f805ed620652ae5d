"""Which prints are compared with which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.matcher.positions import comparable, group
from limen.terms import Modality, Position

FINGER, PALM, MARK, FACE = Modality.FINGER, Modality.PALM, Modality.MARK, Modality.FACE
EVERY = [(modality, int(position)) for modality in (FINGER, PALM, MARK) for position in Position]


@pytest.mark.parametrize(
    ("probe", "reference", "expected"),
    [
        ((FINGER, 2), (FINGER, 2), True),
        ((FINGER, 2), (FINGER, 7), False),
        ((FINGER, 2), (FINGER, 0), True),
        ((FINGER, 0), (FINGER, 7), True),
        ((FINGER, 2), (FINGER, 13), True),
        ((FINGER, 7), (FINGER, 13), False),
        ((FINGER, 6), (FINGER, 15), True),
        ((FINGER, 13), (FINGER, 14), False),
        ((FINGER, 2), (PALM, 21), False),
        ((FINGER, 2), (MARK, 0), True),
        ((MARK, 0), (FINGER, 9), True),
        ((MARK, 0), (PALM, 23), True),
        ((PALM, 21), (PALM, 25), True),
        ((PALM, 21), (PALM, 28), False),
        ((PALM, 20), (PALM, 28), True),
    ],
)
def test_positions_that_may_overlap_are_compared(probe, reference, expected: bool) -> None:
    assert (reference in comparable(probe, [reference])) is expected


def test_a_plain_thumb_is_a_thumb() -> None:
    assert group(FINGER, Position.PLAIN_RIGHT_THUMB) == group(FINGER, Position.RIGHT_THUMB)


def test_faces_are_no_ridges() -> None:
    assert comparable((FINGER, 0), [(FACE, 0)]) == []


@given(st.sampled_from(EVERY), st.sampled_from(EVERY))
def test_comparability_is_symmetric(one, other) -> None:
    assert (other in comparable(one, [other])) == (one in comparable(other, [one]))
