"""`limen compare` tells how strongly two prints speak for one finger, and draws why."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tests.ridge.prints import finger, impression

from limen.ridge.comparator import explain, prepare
from limen.ridge.picture import GAP, draw


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from limen.cli import main; main()", "compare", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_picture_has_both_prints_and_a_colour_for_each_pair():
    a, b = finger(1), impression(finger(1), 2, turn=0.3)
    comparison = explain(prepare(a), prepare(b))
    white = np.full((800, 800), 255, np.uint8)
    picture = np.asarray(draw(white, white, a, b, comparison))
    assert picture.shape == (800, 1600 + GAP, 3)
    coloured = picture[np.ptp(picture.astype(int), axis=2) > 100]
    assert len(np.unique(coloured, axis=0)) >= len(comparison.pairs) > 20


@pytest.mark.data
def test_two_impressions_of_one_finger_are_compared_and_drawn(samples, tmp_path):
    folder = samples / "fingerprints" / "fvc2002_db1_b"
    done = run(folder / "101_1.tif", folder / "101_2.tif", "--picture", tmp_path / "pairs.png", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["llr"] > 5 and len(answer["pairs"]) > 8
    assert Image.open(tmp_path / "pairs.png").width > 700


@pytest.mark.data
def test_prints_of_unstated_resolution_are_drawn_at_the_scale_of_their_minutiae(samples, tmp_path):
    file = samples / "fingerprints" / "socofing_thumbs" / "100__M_Left_thumb_finger.png"  # near 190 ppi, not stated
    assert run(file, file, "--picture", tmp_path / "pairs.png").returncode == 0
    assert Image.open(tmp_path / "pairs.png").width > 2 * 2.5 * Image.open(file).width


@pytest.mark.data
def test_a_palm_is_compared_either_way(samples, tmp_path):
    """What is larger than any finger is a palm; here one put together from fingers, and a mark of one of them."""
    palm = Image.new("L", (1530, 1600), "white")
    prints = sorted((samples / "fingerprints" / "crossmatch").glob("*_1.tif"))[:9]
    for place, file in enumerate(prints):
        palm.paste(Image.open(file).convert("L"), (place % 3 * 510, place // 3 * 530))
    palm.save(tmp_path / "palm.png", dpi=(500, 500))
    mark = prints[4].with_name(prints[4].name.replace("_1", "_2"))
    for pair in ((tmp_path / "palm.png", mark), (mark, tmp_path / "palm.png")):
        done = run(*pair, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["llr"] > 7


def test_what_is_no_image_is_refused_with_a_reason(tmp_path):
    file = tmp_path / "print.png"
    file.write_bytes(b"no image")
    done = run(file, file)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "print.png" in done.stderr.replace("\n", "")


def test_a_missing_file_is_named(tmp_path):
    done = run(tmp_path / "absent.png", tmp_path / "absent.png")
    assert done.returncode == 1 and "absent.png" in done.stderr.replace("\n", "")
