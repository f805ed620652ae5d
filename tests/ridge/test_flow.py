"""What is a print and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from limen.evaluation.synthesis import Finger
from limen.images import Image
from limen.reasons import Reason
from limen.ridge import flow
from limen.ridge.extract import RidgeExtractor


@pytest.mark.parametrize("name", ["astronaut", "camera", "coins", "chelsea", "page"])
def test_pictures_of_other_things_are_no_prints(name: str) -> None:
    picture = getattr(data, name)()
    grey = picture if picture.ndim == 2 else picture.mean(2).astype(np.uint8)
    assert flow.area(grey) < flow.LEAST


def test_a_print_is_one_at_any_angle_and_either_way_round() -> None:
    finger = Finger(3, 2).impression(0, quality=0.8)
    assert min(flow.area(view) for view in (finger, 255 - finger, np.rot90(finger))) > 4 * flow.LEAST


@pytest.mark.parametrize("shape", [(10, 10), (31, 400), (33, 33), (400, 32)])
def test_noise_and_blank_images_of_any_size_have_no_ridges(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert flow.area(noise) < flow.LEAST
    assert flow.area(np.full(shape, 255, np.uint8)) == 0


def test_a_photograph_sent_as_a_finger_is_never_relied_on() -> None:
    result = RidgeExtractor().extract(Image(data.astronaut(), 500.0, "PNG"), 2)
    assert Reason.NO_RIDGES in result.reasons
    assert result.template is None or result.template.quality == 0


@pytest.mark.parametrize("turn", [0, 20, 45])
@pytest.mark.parametrize("period", [6, 9, 12])
def test_rulings_and_lines_of_one_direction_are_no_finger(turn: int, period: int) -> None:
    y, x = np.mgrid[0:400, 0:400].astype(float)
    across = np.cos(np.radians(turn)) * y + np.sin(np.radians(turn)) * x
    ruled = (127 + 120 * np.sin(2 * np.pi * across / period)).astype(np.uint8)
    assert flow.ridged(ruled).mean() > 0.9
    assert flow.area(ruled) == 0
    bent = (127 + 120 * np.sin(2 * np.pi * (across + 1e-3 * (x - y) ** 2) / period)).astype(np.uint8)
    assert flow.area(bent) > flow.LEAST
