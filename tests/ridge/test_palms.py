"""Palms: ten times a finger's minutiae, compared whole and in parts; marks found on them."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from tests.ridge.prints import impression

from limen.images import Image
from limen.reasons import Reason
from limen.ridge import evidence, views
from limen.ridge.extract import RidgeExtractor
from limen.ridge.index import RidgeIndex
from limen.ridge.template import MAX_SIDE, RidgeTemplate
from limen.terms import Position

HEIGHT, WIDTH, COUNT = 2500, 2000, 1100


def palm(seed: int) -> RidgeTemplate:
    """A made-up palm of full size: minutiae at least 20 pixels apart, directions along a smooth flow."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(30, WIDTH - 30, 60), np.arange(30, HEIGHT - 30, 60)), -1).reshape(-1, 2)
    places = grid[random.permutation(len(grid))[:COUNT]] + random.uniform(-20, 20, (COUNT, 2))
    x, y = places.T
    angle = 2 * np.sin(x / 300 + seed) + y / 400 + np.pi * random.integers(0, 2, COUNT) + random.normal(0, 0.1, COUNT)
    return RidgeTemplate(
        "test", 21, 255, WIDTH, HEIGHT, x.astype(np.float32), y.astype(np.float32),
        np.mod(angle, 2 * np.pi).astype(np.float32), random.integers(0, 2, COUNT).astype(np.uint8),
        random.integers(60, 100, COUNT).astype(np.uint8),
    )  # fmt: skip


def mark_on(whole: RidgeTemplate, seed: int, x: float, y: float, half: float = 210.0) -> RidgeTemplate:
    """A mark of a finger's size that a palm has left, turned."""
    inside = (abs(whole.x - x) < half) & (abs(whole.y - y) < half)
    names = ("x", "y", "angle", "kind", "minutia_quality")
    part = dataclasses.replace(whole, **{name: getattr(whole, name)[inside] for name in names})
    middle = dataclasses.replace(part, x=part.x - np.float32(x - 400), y=part.y - np.float32(y - 400))
    return impression(middle, seed, turn=0.5 + seed, lost=0.2, noise=1.2, found=2)


@pytest.fixture(scope="module")
def palms() -> RidgeIndex:
    index = RidgeIndex()
    for number in range(6):
        index.put(number + 1, palm(number))
    return index


@pytest.mark.parametrize(("number", "x", "y"), [(0, 400, 500), (3, 1000, 1300), (5, 1700, 2200)])
def test_a_mark_finds_the_palm_that_left_it(palms: RidgeIndex, number: int, x: float, y: float) -> None:
    keys, scores = palms.search(mark_on(palm(number), number, x, y), 6)
    ratios = evidence.llr(scores)
    assert keys[0] == number + 1
    assert ratios[0] > 7 and ratios[1] < 3


def test_a_palm_finds_itself_again(palms: RidgeIndex) -> None:
    again = palm(2)
    random = np.random.default_rng(1)
    keep = random.random(COUNT) > 0.2
    moved = dataclasses.replace(
        again,
        x=(again.x + random.normal(0, 1.5, COUNT)).clip(0, WIDTH).astype(np.float32)[keep],
        y=(again.y + random.normal(0, 1.5, COUNT)).clip(0, HEIGHT).astype(np.float32)[keep],
        angle=again.angle[keep],
        kind=again.kind[keep],
        minutia_quality=again.minutia_quality[keep],
    )
    began = time.process_time()
    keys, scores = palms.search(moved, 6)
    assert time.process_time() - began < 2, "15 ms a palm, alone on a core"
    assert keys[0] == 3 and evidence.llr(scores)[0] > 10 > 0 > evidence.llr(scores)[1]


def test_only_large_prints_have_parts() -> None:
    whole = palm(1)
    pieces = views.parts(whole)
    assert 20 < len(pieces) < 50
    assert all(max(np.ptp(piece.x), np.ptp(piece.y)) <= views.PART for piece in pieces)
    seen = {(float(x), float(y)) for piece in pieces for x, y in zip(piece.x, piece.y, strict=True)}
    assert len(seen) == len(whole), "every minutia lies in one"
    assert len(views.views(whole)) == len(pieces) + 1 and len(views.probe_views(whole)) == 1
    assert not views.is_whole(whole.pack())
    small = mark_on(whole, 1, 1000, 1000)
    assert views.parts(small) == [small] and len(views.views(small)) == 1 and views.is_whole(small.pack())


def test_minutiae_all_over_the_largest_image_are_bounded() -> None:
    random = np.random.default_rng(1)
    x, y = random.uniform(0, MAX_SIDE, (2, 4096)).astype(np.float32)
    zeros = np.zeros(4096, np.uint8)
    strewn = RidgeTemplate("test", 21, 255, MAX_SIDE, MAX_SIDE, x, y, np.zeros(4096, np.float32), zeros, zeros)
    index = RidgeIndex()
    began = time.process_time()
    index.put_stored(1, strewn.pack())
    assert time.process_time() - began < 2
    assert len(index.search(palm(1), 1)[0]) == 1


def test_a_full_palm_is_read_in_bounded_time_and_noise_is_none() -> None:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    flow = np.hypot(x - 900, y - 3500) / 9 + np.arctan2(y - 900, x - 700) / np.pi / 2 * 3
    ridges = (127 + 110 * np.cos(2 * np.pi * flow)).astype(np.uint8)
    extractor = RidgeExtractor()
    began = time.process_time()
    result = extractor.extract(Image(ridges, 500.0, "png"), Position.RIGHT_FULL_PALM)
    assert time.process_time() - began < 20, "1.2 s on AMX tiles"
    assert result.template is not None and (result.template.width, result.template.height) == (WIDTH, HEIGHT)
    assert result.area > 6000  # mm2
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    nothing = extractor.extract(Image(noise, 500.0, "png"), Position.RIGHT_FULL_PALM)
    assert nothing.template is None and Reason.NO_RIDGES in nothing.reasons
