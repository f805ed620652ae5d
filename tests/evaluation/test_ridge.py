"""`limen evaluate ridge`: sets found by name, pairs counted as FVC counts them, failures kept as misses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from limen.errors import BadInput
from limen.evaluation import ridge
from limen.evaluation.ridge import RATES, Sample


def drawn(finger: int, impression: int, side: int = 224) -> np.ndarray:
    """Parallel ridges with twelve minutiae (turns of the phase) that depend on the finger; impressions shift them."""
    places = np.random.default_rng(finger).uniform(45, side - 45, (12, 2)) + 3 * impression
    turns = np.where(np.arange(12) % 2, 1, -1)
    y, x = np.mgrid[0:side, 0:side]
    phase = 2 * np.pi * (y - 3 * impression) / 9 + sum(
        turn * np.arctan2(y - py, x - px) for (px, py), turn in zip(places, turns, strict=True)
    )
    inside = np.hypot(x - side / 2, y - side / 2) < side * 0.48
    return np.where(inside, 127 + 110 * np.cos(phase), 255).astype(np.uint8)


def write_set(folder: Path, fingers: int, impressions: int) -> None:
    folder.mkdir(parents=True)
    for finger in range(fingers):
        for impression in range(impressions):
            Image.fromarray(drawn(finger, impression)).save(
                folder / f"{101 + finger}_{impression + 1}.png", dpi=(500, 500)
            )


def samples_of(fingers: int, impressions: int) -> list[Sample]:
    return [Sample(str(f), i, Path(f"{f}_{i}.png")) for f in range(fingers) for i in range(impressions)]


def test_pairs_are_counted_as_fvc_counts_them() -> None:
    samples = samples_of(10, 8)
    scores = ridge.tabulate(samples, np.zeros((80, 80), np.float32), 0)
    assert len(scores.genuine) == 280
    assert len(scores.impostor) == 2880
    assert scores.first.sum() == 45
    assert len(scores.rank1) == 70


def test_table_by_hand() -> None:
    samples = samples_of(2, 2)  # 0_0, 0_1, 1_0, 1_1
    table = np.full((4, 4), np.nan, np.float32)
    table[0, 1], table[2, 3] = 9, 1  # genuine
    table[0, 2], table[0, 3], table[1, 2], table[1, 3] = 2, 3, 4, 5  # impostor
    scores = ridge.tabulate(samples, table, 0)
    assert sorted(scores.genuine) == [1, 9]
    assert sorted(scores.impostor) == [2, 3, 4, 5]
    assert scores.impostor[scores.first].tolist() == [2]
    assert scores.rank1.tolist() == [True, False]  # 0_1: own 9 over 4; 1_1: own 1 under 3
    found = ridge.summarise(scores)
    assert found["eer"] == 0.5  # FVC: at threshold 4, two impostors of four reach it, one genuine of two does not
    assert found["zerofmr"] == 0.5
    assert found["rank1"] == 0.5


def test_failures_are_misses() -> None:
    samples = samples_of(2, 3)
    table = np.zeros((6, 6), np.float32)
    for left, right in ((0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)):
        table[left, right] = 100
    table[5], table[:, 5] = -np.inf, -np.inf
    scores = ridge.tabulate(samples, table, 1)
    assert (len(scores.genuine), np.isneginf(scores.genuine).sum()) == (6, 2)
    assert ridge.summarise(scores)["fmr1000"] == pytest.approx(2 / 6)
    assert scores.rank1.tolist() == [True, True, True, False]


def test_sets_are_found_and_other_files_left_alone(tmp_path: Path) -> None:
    write_set(tmp_path / "one", 2, 1)
    write_set(tmp_path / "two", 1, 2)
    (tmp_path / "one" / "notes.txt").write_text("no image")
    (tmp_path / "one" / "thumb.png").write_bytes(b"unnamed")
    found = ridge.find(tmp_path)
    assert {name: len(members) for name, members in found.items()} == {"one": 2, "two": 2}
    assert list(ridge.find(tmp_path / "two")) == ["two"]
    (tmp_path / "empty").mkdir()
    for nothing in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(BadInput):
            ridge.find(nothing)


def test_sets_further_down_are_named_by_their_path(tmp_path: Path) -> None:
    for place in ("2002/Dbs/DB1", "2004/Dbs/DB1"):
        write_set(tmp_path / place, 1, 2)
    assert sorted(ridge.find(tmp_path)) == ["2002/Dbs/DB1", "2004/Dbs/DB1"]
    write_set(tmp_path / "own", 1, 1)
    assert list(ridge.find(tmp_path)) == ["own"], "what lies nearer is what was meant"


def test_hidden_files_are_no_fingers(tmp_path: Path) -> None:
    write_set(tmp_path / "db", 1, 2)
    (tmp_path / "db" / "._101_3.png").write_bytes(b"what some systems leave beside each file")
    assert [sample.finger for sample in ridge.find(tmp_path)["db"]] == ["101", "101"]


def test_command_measures_sets_and_draws(tmp_path: Path) -> None:
    import typer

    from limen.cli.evaluate.ridge import command  # as the dispatcher does

    write_set(tmp_path / "data" / "a", 2, 2)
    write_set(tmp_path / "data" / "b", 2, 2)
    (tmp_path / "data" / "b" / "103_1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    app = typer.Typer()
    app.command()(command)
    plot = tmp_path / "det.png"
    ran = CliRunner().invoke(app, [str(tmp_path / "data"), "--json", "--jobs", "1", "--plot", str(plot)])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert set(found) == {"sets", "pooled", "mean", "speed"}
    assert set(found["sets"]) == {"a", "b"}
    keys = {"images", "failed", "genuine", "impostor", *RATES}
    assert set(found["sets"]["a"]) == keys == set(found["pooled"])
    assert found["sets"]["a"]["failed"] == 0 and found["sets"]["b"]["failed"] == 1
    assert found["sets"]["a"]["eer"] == 0.0 and found["sets"]["a"]["rank1"] == 1.0
    assert (found["pooled"]["images"], found["pooled"]["genuine"]) == (9, 4)
    assert found["mean"]["eer"] == pytest.approx(0.0)
    assert found["speed"]["extract_ms_p50"] > 0 and found["speed"]["comparisons_per_s"] > 0
    assert plot.stat().st_size > 1000


def test_a_set_without_pairs_has_no_rates() -> None:
    scores = ridge.tabulate(samples_of(1, 1), np.zeros((1, 1), np.float32), 0)
    assert all(math.isnan(float(ridge.summarise(scores)[rate])) for rate in RATES)
