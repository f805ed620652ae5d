"""Prints that the tests draw themselves, with minutiae whose place and direction follow from a formula."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from limen.images import Image
from limen.reasons import Reason
from limen.ridge.extract import RidgeExtractor
from limen.ridge.template import RidgeTemplate

PERIOD = 9.0  # pixels at 500 ppi: 0.46 mm, an adult's ridges
PLACES = [(70, 70, 1), (190, 80, -1), (80, 190, -1), (185, 185, 1)]  # x, y, turn of the phase around it


def drawn(
    places: list[tuple[int, int, int]] = PLACES, side: int = 256, scale: float = 1.0, *, upright: bool = False
) -> np.ndarray:
    """Parallel ridges with one minutia at each place: a point around which their phase turns once."""
    y, x = np.mgrid[0 : int(side * scale), 0 : int(side * scale)] / scale
    phase = 2 * np.pi * (x if upright else y) / PERIOD + sum(
        turn * np.arctan2(y - py, x - px) for px, py, turn in places
    )
    inside = np.hypot(x - side / 2, y - side / 2) < side * 0.47
    return np.where(inside, 127 + 110 * np.cos(phase), 255).astype(np.uint8)


@pytest.fixture(scope="module")
def extractor() -> RidgeExtractor:
    return RidgeExtractor()


def near(template: RidgeTemplate, x: float, y: float) -> int:
    distance = np.hypot(template.x - x, template.y - y)
    assert distance.min() < 6, f"no minutia near {x}, {y}"
    return int(distance.argmin())


@pytest.mark.parametrize("upright", [False, True])
def test_minutiae_lie_where_the_phase_turns_and_point_along_the_extra_ridge(
    extractor: RidgeExtractor, upright: bool
) -> None:
    result = extractor.extract(Image(drawn(upright=upright), 500.0, "png"), 2)
    assert result.template is not None
    template = RidgeTemplate.unpack(result.template.pack())
    assert (template.model, template.position, template.width, template.height) == ("leader", 2, 256, 256)
    for x, y, turn in PLACES:
        # a positive turn adds a ridge right of (above) the point; ISO/IEC 19794-2's direction points along it, y up
        wanted = (math.pi / 2 if upright else 0.0) + (0.0 if turn > 0 else math.pi)
        apart = (template.angle[near(template, x, y)] - wanted + math.pi) % (2 * math.pi) - math.pi
        assert abs(apart) < math.radians(25)


def test_thousand_ppi_gives_the_template_of_five_hundred(extractor: RidgeExtractor) -> None:
    fine = extractor.extract(Image(drawn(scale=2.0), 1000.0, "png"), 2)
    assert fine.template is not None
    assert (fine.template.width, fine.template.height) == (256, 256)
    for x, y, _ in PLACES:
        near(fine.template, x, y)
    told = extractor.extract(Image(drawn(scale=2.0), None, "png"), 2, ppi=1000.0)
    assert told.template is not None
    assert told.template.pack() == fine.template.pack()
    assert Reason.RESOLUTION_UNKNOWN not in told.reasons


@pytest.mark.parametrize(
    ("ppi", "reason"), [(None, Reason.RESOLUTION_UNKNOWN), (72.0, Reason.RESOLUTION_WRONG), (500.0, None)]
)
def test_unstated_and_impossible_resolutions_are_said(
    extractor: RidgeExtractor, ppi: float | None, reason: Reason | None
) -> None:
    result = extractor.extract(Image(drawn(), ppi, "png"), 2, measure_quality=False)
    assert result.template is not None
    told = {Reason.RESOLUTION_UNKNOWN, Reason.RESOLUTION_WRONG} & set(result.reasons)
    assert told == ({reason} if reason else set())


def test_a_negative_is_read_like_its_positive(extractor: RidgeExtractor) -> None:
    positive = extractor.extract(Image(drawn(), 500.0, "png"), 2)
    negative = extractor.extract(Image(255 - drawn(), 500.0, "png"), 2)
    assert positive.template is not None and negative.template is not None
    assert negative.template.pack() == positive.template.pack()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_and_saturated_images_have_no_ridges(extractor: RidgeExtractor, level: int) -> None:
    result = extractor.extract(Image(np.full((400, 300), level, np.uint8), 500.0, "png"), 1)
    assert result.template is None
    assert Reason.NO_RIDGES in result.reasons


def test_images_that_are_too_small_or_too_large_for_a_finger_are_refused_at_once(extractor: RidgeExtractor) -> None:
    tiny = extractor.extract(Image(drawn(side=40), 500.0, "png"), 1)
    assert tiny.template is None and Reason.SMALL_AREA in tiny.reasons
    y, x = np.mgrid[0:4000, 0:4000]
    huge = Image((127 + 100 * np.sin(y * 0.7 + x * 0.01)).astype(np.uint8), 500.0, "png")
    began = time.process_time()
    for position in (1, 21):
        result = extractor.extract(huge, position)
        assert result.template is None and result.reasons == [Reason.RESOLUTION_WRONG]
    assert time.process_time() - began < 5


def test_a_print_without_minutiae_says_so(extractor: RidgeExtractor) -> None:
    result = extractor.extract(Image(drawn(places=[]), 500.0, "png"), 1)
    assert result.count < 8
    assert {Reason.NO_RIDGES, Reason.TOO_FEW_MINUTIAE} & set(result.reasons)


def test_noise_is_never_a_good_print(extractor: RidgeExtractor) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (320, 300), dtype=np.uint8)
    result = extractor.extract(Image(noise, 500.0, "png"), 1)
    assert result.reasons


def test_colour_images_are_read_by_their_luma(extractor: RidgeExtractor) -> None:
    grey = drawn()
    colour = extractor.extract(Image(np.stack([grey] * 3, axis=2), 500.0, "jpeg"), 2, measure_quality=False)
    plain = extractor.extract(Image(grey, 500.0, "png"), 2, measure_quality=False)
    assert colour.template is not None and plain.template is not None
    assert colour.template.pack() == plain.template.pack()


@pytest.mark.parametrize(("scale", "told"), [(2.0, None), (2.0, 72.0), (0.5, None)])
def test_ridges_tell_the_resolution_where_nobody_does(
    extractor: RidgeExtractor, scale: float, told: float | None
) -> None:
    result = extractor.extract(Image(drawn(scale=scale), told, "png"), 2, measure_quality=False)
    assert result.template is not None
    assert {Reason.RESOLUTION_UNKNOWN, Reason.RESOLUTION_WRONG} & set(result.reasons)
    assert abs(result.template.width - 256) < 40  # people's ridges differ, so that is all that can be told
    grown = 256 / result.template.width
    shifted = RidgeTemplate.unpack(result.template.pack())
    for x, y, _ in PLACES:
        assert np.hypot(shifted.x * grown - x, shifted.y * grown - y).min() < 8
