"""Evidence of several samples for one record."""

from __future__ import annotations

import numpy as np
import pytest

from limen.matcher.fusion import Finding, assign, fuse
from limen.terms import Modality

FACE = (Modality.FACE, 0)


def _finger(probe: int, sample: int, position: int, llr: float) -> Finding:
    return Finding(probe, sample, (Modality.FINGER, position), llr)


def test_evidence_is_added() -> None:
    found = fuse(0, Finding(-1, 2, FACE, 9.0), [_finger(0, 3, 2, 12.0), _finger(1, 4, 7, -3.0)])
    assert (found.face, found.ridge, found.total) == (9.0, 9.0, 18.0)
    assert found.best == _finger(0, 3, 2, 12.0)


def test_what_is_missing_adds_nothing() -> None:
    nothing = fuse(0, None, [])
    assert (nothing.total, nothing.has_face, nothing.best) == (0.0, False, None)


def test_several_impressions_of_one_finger_are_one_chance() -> None:
    (counted,) = assign([_finger(0, 1, 2, 8.0), _finger(0, 2, 2, 11.0)])
    assert counted == _finger(0, 2, 2, 11.0)


def test_a_print_of_unknown_position_pays_for_its_chances() -> None:
    findings = [_finger(0, position, position, 10.0 if position == 4 else -5.0) for position in range(1, 11)]
    (counted,) = assign(findings)
    assert counted.sample == 4
    assert counted.llr == pytest.approx(10 - np.log(10))


def test_one_reference_finger_does_not_count_for_two_probe_fingers() -> None:
    findings = [
        _finger(probe, position, position, 9.0 - probe if position == 4 else -5.0)
        for probe in (0, 1)
        for position in (4, 5)
    ]
    first, second = assign(findings)
    assert (first.sample, second.sample) == (4, 5)
