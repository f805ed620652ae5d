"""The impostor tail and thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from limen.face.evidence import calibration, llr, non_mated_survival
from limen.matcher.tail import HIGHEST, FaceTerms, threshold

FACE = FaceTerms("sface", 70, ((55.0, 0.4), (75.0, 0.6)))


@pytest.mark.parametrize(("face", "prints"), [(FACE, False), (None, True), (FACE, True)])
def test_thresholds_rise_with_gallery_and_demand(face: FaceTerms | None, prints: bool) -> None:
    by_size = [threshold(1e-3, records, face, prints) for records in (1, 100, 10_000, 1_000_000)]
    by_rate = [threshold(rate, 1000, face, prints) for rate in (0.1, 1e-2, 1e-3, 1e-5)]
    assert by_size == sorted(by_size) and len(set(by_size)) == 4
    assert by_rate == sorted(by_rate) and len(set(by_rate)) == 4
    assert by_rate[-1] < HIGHEST


def test_the_bound_for_prints_is_markovs() -> None:
    assert threshold(1e-3, 1000, None, True) == pytest.approx(np.log(1e6), abs=0.126)


def test_a_face_threshold_keeps_its_rate_on_drawn_impostors() -> None:
    random = np.random.default_rng(5)
    draws = random.normal(0, calibration("sface").deviation, (20_000, 100))
    quality = (70 + random.choice([55, 75], draws.shape, p=[0.4, 0.6])) / 2
    observed = np.mean(llr(draws, quality).max(axis=1) > threshold(1e-2, 100, FACE, False))
    assert 0.006 < observed <= 0.0115


def test_adding_prints_that_say_nothing_loosens_no_threshold() -> None:
    assert threshold(1e-3, 1000, FACE, True) >= threshold(1e-3, 1000, FACE, False)


@pytest.mark.parametrize("quality", [0, 40, 70, 100])
def test_survival_and_evidence_are_monotone(quality: int) -> None:
    evidence = llr(np.linspace(-1, 1, 400), quality)
    assert (np.diff(evidence) >= 0).all()
    assert (np.diff(non_mated_survival(evidence, quality)) <= 0).all()
    assert evidence.min() >= np.log(0.01)


def test_a_likeness_says_more_about_poor_photos() -> None:
    assert llr(0.45, 45) > llr(0.45, 75)
