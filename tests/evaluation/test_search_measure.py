"""`limen evaluate search` measures what it says, on a small gallery of made-up fingers."""

from __future__ import annotations

import json
import subprocess
import sys

from limen.evaluation.search import Measure, evaluate


def test_the_report_has_every_figure():
    found = evaluate(60, None, Measure(searches=2, exhaustive=10, threads=1))
    assert found["fingers"] == 600 + 400
    assert 500 < found["memory"]["per_finger"] < 20_000  # a chunk of blocks is taken at once
    assert set(found["search_ms"]) >= {"one_finger", "two_fingers", "ten_fingers", "two_fingers_unknown_position"}
    loss = found["loss"]
    assert (loss["probes"], loss["compared_exhaustively"], loss["lost"], loss["fraction"]) == (400, 10, 0, 0.0)
    assert 390 < loss["rank1_exhaustive"] <= 400
    assert 0 < found["load"]["seconds"] < found["load"]["seconds_with_making"]
    assert found["batch"]["two_finger_searches_per_s"] > 0


def test_the_command_prints_json():
    command = "from limen.cli import main; main()"
    arguments = ["evaluate", "search", "--persons", "20", "--searches", "1", "--probes", "3", "--json"]
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["persons"] == 20
