"""`limen evaluate search` measures what it says, on a small gallery of made-up fingers."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from limen.evaluation.crowd import FEWEST, MEAN, MOST, Crowd, impression
from limen.evaluation.search import Measure, evaluate
from limen.ridge.comparator import compare, prepare
from limen.ridge.template import RidgeTemplate


def test_made_up_fingers_are_templates_with_the_stated_statistics():
    fingers = [RidgeTemplate.unpack(packed) for packed in Crowd(seed=3).fingers(300, position=2)]
    counts = np.array([len(finger) for finger in fingers])
    assert abs(counts.mean() - MEAN) < 4 and counts.min() >= FEWEST // 2 and counts.max() <= 1.3 * MOST
    assert {finger.position for finger in fingers} == {2}
    quality = np.concatenate([finger.minutia_quality for finger in fingers])
    assert 85 < np.median(quality) < 95 and quality.min() >= 10
    assert list(Crowd(seed=3).fingers(3)) == list(Crowd(seed=3).fingers(3))


def test_made_up_fingers_are_different_and_their_impressions_alike():
    fingers = [RidgeTemplate.unpack(packed) for packed in Crowd(seed=4).fingers(12)]
    scores = np.array([[compare(prepare(a), prepare(impression(b, 1))) for b in fingers] for a in fingers])
    mated = np.diag(scores)
    assert mated.min() > scores[~np.eye(12, dtype=bool)].max()


def test_the_report_has_every_figure():
    found = evaluate(60, None, Measure(searches=2, exhaustive=10, threads=1))
    assert found["fingers"] == 600 + 40
    assert 500 < found["memory"]["per_finger"] < 20_000  # a chunk of blocks is taken at once
    assert set(found["search_ms"]) >= {"one_finger", "two_fingers", "ten_fingers", "two_fingers_unknown_position"}
    assert found["loss"] == {"probes": 10, "rank1_exhaustive": 10, "lost": 0, "fraction": 0.0}
    assert found["batch"]["two_finger_searches_per_s"] > 0


def test_the_command_prints_json():
    command = "from limen.cli import main; main()"
    arguments = ["evaluate", "search", "--persons", "20", "--searches", "1", "--probes", "3", "--json"]
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["persons"] == 20
