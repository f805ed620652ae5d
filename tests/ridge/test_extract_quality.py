"""NFIQ 2 against the scores that NIST publishes for its conformance images."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from limen.images import decode
from limen.ridge import quality
from limen.ridge.extract import RidgeExtractor
from limen.ridge.template import NOT_COMPUTED

PUBLISHED = {1: 54, 2: 45, 3: 53, 4: 52, 5: 57}


@pytest.mark.data
@pytest.mark.parametrize(("number", "score"), PUBLISHED.items())
def test_published_scores(samples: Path, number: int, score: int) -> None:
    image = decode((samples / "exchange" / "nfiq2" / f"SFinGe_Test{number:02}.pgm").read_bytes())
    assert quality.nfiq2(image.grey()) == score
    if number == 1:
        assert RidgeExtractor().extract(image, 1).quality == score


@pytest.mark.parametrize("shape", [(20, 20), (99, 400), (100, 100), (300, 300), (1600, 100)])
def test_what_cannot_be_measured_is_not_computed(shape: tuple[int, int]) -> None:
    assert quality.nfiq2(np.full(shape, 255, np.uint8)) == NOT_COMPUTED


def test_a_forked_child_measures_what_its_parent_does() -> None:
    y, x = np.mgrid[0:300, 0:300]
    grey = (127 + 100 * np.cos(0.7 * np.hypot(x - 150, y - 150))).astype(np.uint8)
    quality.warm()
    here = quality.nfiq2(grey)
    child = os.fork()
    if child == 0:
        os._exit(quality.nfiq2(grey))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == here
