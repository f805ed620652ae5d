"""Slaps are taken apart into the right fingers; marks are told from their ground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limen.exchange import an2
from limen.images import Image, decode
from limen.reasons import Reason
from limen.ridge import comparator, slap
from limen.ridge.extract import RidgeExtractor
from limen.terms import Modality, Position

#: Fingers of a drawn slap: middle of the tip in pixels at 500 ppi, left to right as a right hand lies.
TIPS = [(220, 420), (540, 240), (880, 280), (1200, 520)]


def drawn_slap(
    tips: list[tuple[int, int]], *, joints: bool = True, height: int = 1000, width: int = 1450
) -> np.ndarray:
    """White paper with ridged ovals, 15 x 20 mm, and below each a fainter joint; whorls with a few minutiae."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    grey = np.full((height, width), 255, np.float32)
    for number, (tip_x, tip_y) in enumerate(tips):
        turn = np.arctan2(y - tip_y, x - tip_x)
        whorl = np.hypot((x - tip_x) * 1.3, y - tip_y)
        loose = sum(np.arctan2(y - tip_y - a, x - tip_x - b) for a, b in ((60, 40 + number), (-70, 30), (90, -50)))
        ridges = 127 + 110 * np.cos(2 * np.pi * whorl / 9 + turn + loose)
        inside = ((x - tip_x) / 145) ** 2 + ((y - tip_y) / 195) ** 2 < 1
        grey = np.where(inside, ridges, grey)
        if joints:
            below = (np.abs(x - tip_x) < 110) & (y > tip_y + 240) & (y < tip_y + 430)
            grey = np.where(below, 160 + 60 * np.cos(2 * np.pi * (y + 0.2 * x) / 9), grey)
    return grey.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("position", "order"),
    [
        (Position.PLAIN_RIGHT_FOUR, [2, 3, 4, 5]),
        (Position.PLAIN_LEFT_FOUR, [10, 9, 8, 7]),
    ],
)
@pytest.mark.parametrize("joints", [False, True])
def test_four_fingers_are_named_by_their_order(position: Position, order: list[int], joints: bool) -> None:
    found = slap.fingers(drawn_slap(TIPS, joints=joints), position)
    assert [finger.position for finger in found] == order
    for finger, (x, y) in zip(found, TIPS, strict=True):
        assert abs(finger.left + finger.grey.shape[1] / 2 - x) < 40
        assert finger.top < y < finger.top + finger.grey.shape[0] < y + 370  # joints end at 430


def test_thumbs_and_missing_fingers() -> None:
    thumbs = slap.fingers(drawn_slap(TIPS[1:3]), Position.PLAIN_THUMBS)
    assert [finger.position for finger in thumbs] == [Position.LEFT_THUMB, Position.RIGHT_THUMB]
    three = slap.fingers(drawn_slap(TIPS[:3]), Position.PLAIN_RIGHT_FOUR)
    assert [finger.position for finger in three] == [Position.PLAIN_RIGHT_FOUR] * 3  # nobody can say which is missing


def test_fingers_that_touch_are_cut_apart() -> None:
    close = [(300 + 270 * number, 400 + 20 * number) for number in range(4)]
    found = slap.fingers(drawn_slap(close, joints=False), Position.PLAIN_RIGHT_FOUR)
    assert [finger.position for finger in found] == [2, 3, 4, 5]


def test_extract_all_gives_each_finger_its_template() -> None:
    found = RidgeExtractor().extract_all(
        Image(drawn_slap(TIPS), 500.0, "png"), Modality.FINGER, Position.PLAIN_RIGHT_FOUR, measure_quality=False
    )
    assert [result.template.position for result in found if result.template] == [2, 3, 4, 5]
    blank = RidgeExtractor().extract_all(
        Image(np.full((1000, 1500), 255, np.uint8), 500.0, "png"), Modality.FINGER, Position.PLAIN_RIGHT_FOUR
    )
    assert len(blank) == 1 and blank[0].template is None and Reason.NO_RIDGES in blank[0].reasons


@pytest.mark.data
def test_the_slaps_of_a_ten_print_card_find_their_rolled_mates(samples: Path) -> None:
    card = an2.read((samples / "exchange" / "an2" / "type-4-tpcard.an2").read_bytes())
    extractor = RidgeExtractor()
    images = {int(one.position): Image(decode(one.data).grey(), 500.0, one.compression) for one in an2.samples(card)}
    rolled = {}
    for position in range(1, 11):
        template = extractor.extract(images[position], position, measure_quality=False).template
        assert template is not None
        rolled[position] = comparator.prepare(template)
    hits = 0
    for position in (Position.PLAIN_RIGHT_FOUR, Position.PLAIN_LEFT_FOUR):
        found = extractor.extract_all(images[position], Modality.FINGER, position, measure_quality=False)
        assert len(found) == 4
        for result in found:
            assert result.template is not None
            probe = comparator.prepare(result.template)
            scores = {number: comparator.compare(probe, reference) for number, reference in rolled.items()}
            hits += max(scores, key=lambda number: scores[number]) == result.template.position
    assert hits >= 7  # the right little finger's slap shows its tip, its roll the rest


@pytest.mark.data
@pytest.mark.parametrize("kind", ["good", "bad"])
@pytest.mark.parametrize("turn", [0, 1])
def test_marks_find_their_mates_before_all_other_prints(samples: Path, kind: str, turn: int) -> None:
    extractor = RidgeExtractor()

    def template(file: Path, *, mark: bool = False) -> comparator.Prepared:
        image = decode(file.read_bytes())
        turned = Image(np.rot90(image.pixels, turn if mark else 0), 500.0, image.format)
        found = extractor.extract(turned, 0, mark=mark, measure_quality=False).template
        assert found is not None
        return comparator.prepare(found)

    mark = template(samples / "marks" / f"{kind}_latent.bmp", mark=True)
    mate = comparator.compare(mark, template(samples / "marks" / f"{kind}_rolled.bmp"))
    other = "bad" if kind == "good" else "good"
    others = [samples / "marks" / f"{other}_rolled.bmp", *sorted((samples / "fingerprints").glob("fvc*/*_1.tif"))]
    assert mate > max(comparator.compare(mark, template(file)) for file in others)
