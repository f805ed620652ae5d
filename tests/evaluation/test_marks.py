"""`limen evaluate marks`, on the two marks of the test data and a few other prints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limen.cli.evaluate.marks import command
from limen.errors import BadInput
from limen.evaluation import marks
from limen.evaluation.synthesis import Finger, write


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a_latent.png")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInput, match="no marks"):
            marks.find(folder)


@pytest.mark.data
@pytest.mark.slow
def test_both_marks_and_both_prints_find_each_other(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        write(Finger(900 + number, 2).impression(0, quality=0.8), tmp_path / f"{number}_1.png")
    write(np.full((300, 300), 255, np.uint8), tmp_path / "blank_1.png")
    command(samples / "marks", tmp_path, json=True, jobs=1)
    found = json.loads(capsys.readouterr().out)
    assert found["prints"] == 6, "two mates and four others; nothing is to be seen on the blank one"
    assert [row["mark"] for row in found["marks"]] == ["bad", "good"] * len(marks.TURNS)
    read = [row for row in found["marks"] if row["minutiae"]]
    assert len(read) >= 9, "of ten; turned by 135 degrees the bad one has nothing clear left"
    assert {(row["rank"], row["back"]) for row in read} == {(1, 1)}
    assert all(row["nats"] > row["others"] for row in read)
