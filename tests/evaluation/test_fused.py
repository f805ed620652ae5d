"""Fused evaluation on made-up scores whose error rates are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limen.errors import BadInput
from limen.evaluation.face import Photos
from limen.evaluation.fused import Faces, Fingers, Trial, fnir, interval, load, report, trials

SETS, FINGERS, IMPRESSIONS, PEOPLE = 2, 20, 6, 60


def _faces(random: np.random.Generator) -> Faces:
    identity = np.repeat(np.arange(2 * PEOPLE), [3] * PEOPLE + [1] * PEOPLE)
    centres = random.normal(size=(2 * PEOPLE, 128))
    vectors = centres[identity] + 0.9 * random.normal(size=(len(identity), 128))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    count = len(identity)
    photos = Photos(
        identity, vectors, np.ones(count, bool), np.full(count, 65, np.uint8), np.zeros(count), np.zeros(count)
    )
    rows = [np.flatnonzero(identity == person) for person in range(2 * PEOPLE)]
    return Faces(
        photos, rows[:PEOPLE], np.array([row[0] for row in rows[PEOPLE:]]), [f"p{n:03}" for n in range(2 * PEOPLE)]
    )


def _fingers(random: np.random.Generator, miss: float = 0.1) -> Fingers:
    rows = [list(range(f * IMPRESSIONS, (f + 1) * IMPRESSIONS)) for f in range(FINGERS)]
    evidence = random.normal(-6, 2, (FINGERS * IMPRESSIONS, FINGERS)).astype(np.float32)
    for finger, own in enumerate(rows):
        found = random.random(IMPRESSIONS) >= miss
        evidence[own, finger] = np.where(found, random.normal(15, 2, IMPRESSIONS), -6)
    return Fingers([f"set{f % SETS}" for f in range(FINGERS)], rows, evidence, np.full(len(evidence), 35))


@pytest.fixture(scope="module")
def found() -> dict[str, Trial]:
    random = np.random.default_rng(1)
    return trials(_faces(random), _fingers(random), draws=30)


def test_more_samples_miss_less(found: dict[str, Trial]) -> None:
    misses = {name: fnir(trial, 0.001) for name, trial in found.items()}
    assert misses["face + two fingers"] <= misses["two fingers"] < misses["one finger"]
    assert misses["face + one finger"] < misses["one finger"]
    assert misses["one finger"] == pytest.approx(0.1, abs=0.08)
    assert misses["two fingers"] == pytest.approx(0.01, abs=0.03)


def test_every_draw_is_searched(found: dict[str, Trial]) -> None:
    enrolled, others = 7, 3  # of ten pairs
    for trial in found.values():
        assert len(trial.mate) == 30 * enrolled * (IMPRESSIONS - 1)
        assert len(trial.alarm) == 30 * others * IMPRESSIONS
        assert trial.records == enrolled


def test_no_probe_is_of_a_finger_that_another_record_holds(found: dict[str, Trial]) -> None:
    assert found["two fingers"].alarm.max() < 15  # a mated finger's evidence


def test_intervals_hold_the_rate(found: dict[str, Trial]) -> None:
    low, high = interval(found["one finger"], 0.01)
    assert low < fnir(found["one finger"], 0.01) < high
    assert high - low > 0.02  # 20 fingers do not say more


def test_a_sample_that_failed_is_a_miss_alone_and_nothing_beside_others() -> None:
    random = np.random.default_rng(2)
    faces, fingers = _faces(random), _fingers(random, miss=0)
    evidence = fingers.evidence.copy()
    evidence[[rows[1] for rows in fingers.impressions]] = np.nan
    found = trials(faces, Fingers(fingers.sets, fingers.impressions, evidence, fingers.clear), draws=10)
    assert fnir(found["two fingers"], 0.01) == pytest.approx(1 / (IMPRESSIONS - 1), abs=0.02)
    assert fnir(found["face + two fingers"], 0.01) < 0.05


def test_the_report_names_the_law_beside_the_figures(found: dict[str, Trial]) -> None:
    figures = report(found)
    assert figures["law"]["face + two fingers"]["fpir_0.001"] == 0.01
    assert set(figures["conditions"]["face"]) == {"fpir_0.01", "fpir_0.001", "fpir_0.0001"}


def test_weights_count_probes_as_often() -> None:
    people = np.zeros((4, 3), int)
    trial = Trial(np.array([1.0, 2, 3, 4]), np.array([0.0, 1.5, 0.5, 0.2]), people, people, 1)
    assert fnir(trial, 0.25) == 0.0
    assert fnir(trial, 0.0) == 0.25
    assert fnir(trial, 0.0, mated=np.array([3.0, 1, 0, 0])) == 0.75
    assert fnir(trial, 0.0, others=np.array([1.0, 0, 1, 1])) == 0.0


def test_too_few_fingers_are_told_before_any_is_read(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for finger in range(3):  # one person's pair, and a finger left over
        for impression in (1, 2):
            (tmp_path / "set" / f"{finger}_{impression}.png").touch()
    with pytest.raises(BadInput, match="Too few fingers"):
        load(tmp_path, tmp_path)
