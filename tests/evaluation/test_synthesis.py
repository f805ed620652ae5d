"""Synthetic fingers: deterministic, like a print to the extractor and to NFIQ 2, and one finger's touches match."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limen.evaluation.synthesis import Finger, Pattern, hand, write_set
from limen.images import decode
from limen.ridge import comparator
from limen.ridge.extract import RidgeExtractor

FINGERS = 3


@pytest.fixture(scope="module")
def fingers() -> list[Finger]:
    return [Finger(100 + number, 2 + number) for number in range(FINGERS)]


@pytest.fixture(scope="module")
def touches(fingers: list[Finger]) -> list[list[np.ndarray]]:
    return [[finger.impression(number, quality=0.8) for number in range(2)] for finger in fingers]


def test_a_seed_gives_the_same_bytes(fingers: list[Finger], touches: list[list[np.ndarray]]) -> None:
    again = Finger(fingers[0].seed, fingers[0].position).impression(1, quality=0.8)
    assert np.array_equal(again, touches[0][1])


def test_touches_and_fingers_differ(touches: list[list[np.ndarray]]) -> None:
    first, second = touches[0]
    assert first.dtype == np.uint8 and first.ndim == 2
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, touches[1][0])


def test_an_extractor_sees_fingers_and_a_comparator_tells_them_apart(
    touches: list[list[np.ndarray]], tmp_path: Path
) -> None:
    extractor = RidgeExtractor()
    prepared = []
    for images in touches:
        for image in images:
            file = tmp_path / "print.png"
            Image.fromarray(image).save(file, dpi=(500, 500))
            result = extractor.extract(decode(file.read_bytes()), 0)
            assert result.template is not None
            assert 20 <= len(result.template) <= 90
            assert result.quality >= 30  # NFIQ 2
            prepared.append(comparator.prepare(result.template))
    scores = np.array([[comparator.compare(a, b) for b in prepared] for a in prepared])
    finger = np.arange(len(prepared)) // 2
    mated = scores[(finger[:, None] == finger) & ~np.eye(len(prepared), dtype=bool)]
    others = scores[finger[:, None] != finger]
    assert mated.min() > others.max()


def test_a_set_has_fvc_names_and_a_resolution(tmp_path: Path) -> None:
    files = write_set(tmp_path, 1, 2, seed=5)
    assert [file.name for file in files] == ["1_1.png", "1_2.png"]
    assert decode(files[0].read_bytes()).ppi == pytest.approx(500, abs=0.5)


def test_patterns_come_in_nature_s_proportions() -> None:
    counts = np.bincount([finger.pattern for seed in range(200) for finger in hand(seed)], minlength=len(Pattern))
    share = counts / counts.sum()
    loops = share[Pattern.LEFT_LOOP] + share[Pattern.RIGHT_LOOP]
    assert 0.55 < loops < 0.75  # Wilson et al. 1993: 65.5 % loops, 27.9 % whorls, 6.6 % arches
    assert 0.2 < share[Pattern.WHORL] < 0.36
