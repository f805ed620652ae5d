"""The impostor tail and thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from limen.face.evidence import llr, non_mated_survival
from limen.matcher.tail import HIGHEST, threshold


@pytest.mark.parametrize(("face", "prints"), [(True, False), (False, True), (True, True)])
def test_thresholds_rise_with_gallery_and_demand(face: bool, prints: bool) -> None:
    by_size = [threshold(1e-3, records, face, prints) for records in (1, 100, 10_000, 1_000_000)]
    by_rate = [threshold(rate, 1000, face, prints) for rate in (0.1, 1e-2, 1e-3, 1e-5)]
    assert by_size == sorted(by_size) and len(set(by_size)) == 4
    assert by_rate == sorted(by_rate) and len(set(by_rate)) == 4
    assert by_rate[-1] < HIGHEST


def test_the_bound_for_prints_is_markovs() -> None:
    assert threshold(1e-3, 1000, False, True) == pytest.approx(np.log(1e6), abs=0.126)


def test_a_face_threshold_keeps_its_rate_on_drawn_impostors() -> None:
    draws = np.random.default_rng(5).normal(0.0867, 0.0886, 2_000_000)  # evidence.toml
    observed = np.mean(llr(draws).reshape(-1, 100).max(axis=1) > threshold(1e-2, 100, True, False))
    assert 0.006 < observed <= 0.0115


def test_adding_prints_that_say_nothing_loosens_no_threshold() -> None:
    assert threshold(1e-3, 1000, True, True) >= threshold(1e-3, 1000, True, False)


def test_survival_and_evidence_are_monotone() -> None:
    evidence = llr(np.linspace(-1, 1, 400))
    assert (np.diff(evidence) >= 0).all()
    assert (np.diff(non_mated_survival(evidence)) <= 0).all()
    assert evidence.min() == pytest.approx(np.log(0.01), abs=0.02)
