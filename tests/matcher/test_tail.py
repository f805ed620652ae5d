"""The impostor tail and thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from limen.face.evidence import calibration, llr, non_mated_survival
from limen.matcher.tail import BOUND, HIGHEST, MARK, FaceTerms, Kind, PrintTerms, threshold
from limen.ridge import chance

FACE = FaceTerms("sface", 70, ((55.0, 0.4), (75.0, 0.6)))
GOOD, POOR = PrintTerms(57, ((57, 1.0),)), PrintTerms(10, ((57, 1.0),))
BOTH = Kind(1.0, FACE, (GOOD, GOOD))
NATS = np.linspace(-8, 20, 2241)


def _prints(random: np.random.Generator, clear: float, size: tuple[int, ...]) -> np.ndarray:
    """Evidence of different fingers, drawn from the law."""
    tail = chance.survival(NATS, clear)
    return np.interp(random.random(size), 1 - tail, NATS)


def _faces(random: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    quality = (70 + random.choice([55, 75], size, p=[0.4, 0.6])) / 2
    return llr(random.normal(0, calibration("sface").deviation, size), quality)


@pytest.mark.parametrize(
    "kind", [Kind(1.0, FACE), Kind(1.0, None, (POOR,)), BOTH, Kind(1.0, None, (MARK,)), Kind(1.0, FACE, (BOUND,))]
)
def test_thresholds_rise_with_gallery_and_demand(kind: Kind) -> None:
    by_size = [threshold(1e-3, records, [kind]) for records in (1, 100, 10_000, 1_000_000)]
    by_rate = [threshold(rate, 1000, [kind]) for rate in (0.1, 1e-2, 1e-3, 1e-5)]
    assert by_size == sorted(by_size) and len(set(by_size)) == 4
    assert by_rate == sorted(by_rate) and len(set(by_rate)) == 4
    assert by_rate[-1] < HIGHEST


def test_where_nothing_was_measured_the_bound_is_markovs() -> None:
    assert threshold(1e-3, 1000, [Kind(1.0, None, (BOUND,))]) == pytest.approx(np.log(1e6), abs=0.126)


def test_a_clear_print_needs_less_than_a_poor_one() -> None:
    good, poor = (threshold(1e-3, 1000, [Kind(1.0, None, (terms,))]) for terms in (GOOD, POOR))
    assert poor - good == pytest.approx(np.log(1.1e-2 / 1.4e-4), abs=0.15)


def test_two_impressions_of_the_finger_are_two_chances() -> None:
    once = threshold(1e-3, 1000, [Kind(1.0, None, (GOOD,))])
    twice = threshold(1e-3, 1000, [Kind(1.0, None, (PrintTerms(57, ((57, 1.0),), repeats=2.0),))])
    assert twice - once == pytest.approx(np.log(2), abs=0.13)


def test_nothing_exceeds_where_nothing_is_compared() -> None:
    assert threshold(0.1, 100, []) == HIGHEST


def test_a_face_threshold_keeps_its_rate_on_drawn_impostors() -> None:
    highest = _faces(np.random.default_rng(5), (20_000, 100)).max(axis=1)
    assert 0.006 < np.mean(highest > threshold(1e-2, 100, [Kind(1.0, FACE)])) <= 0.0115


@pytest.mark.parametrize("fingers_share", [0.0, 0.5, 1.0])
def test_the_rate_holds_whatever_records_lack(fingers_share: float) -> None:
    """Records with a face alone and records with face and two fingers under one threshold."""
    random, records = np.random.default_rng(6), 100
    evidence = _faces(random, (20_000, records))
    both = round(fingers_share * records)
    evidence[:, :both] += _prints(random, 10, (20_000, both, 2)).sum(axis=2)
    kinds = [Kind(1 - fingers_share, FACE), Kind(fingers_share, FACE, (POOR, POOR))]
    found = np.mean(evidence.max(axis=1) > threshold(1e-2, records, kinds))
    assert 0.005 < found <= 0.0115
    if fingers_share == 0.5:  # a threshold for records that hold both lets the others' faces pass too often
        assert np.mean(evidence.max(axis=1) > threshold(1e-2, records, [Kind(1.0, FACE, (POOR, POOR))])) > 0.015


@pytest.mark.parametrize("quality", [0, 40, 70, 100])
def test_survival_and_evidence_are_monotone(quality: int) -> None:
    evidence = llr(np.linspace(-1, 1, 400), quality)
    assert (np.diff(evidence) >= 0).all()
    assert (np.diff(non_mated_survival(evidence, quality)) <= 0).all()
    assert evidence.min() >= np.log(0.01)


def test_a_likeness_says_more_about_poor_photos() -> None:
    assert llr(0.45, 45) > llr(0.45, 75)
