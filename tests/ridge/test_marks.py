"""An examiner's minutiae of a mark, beside those that are found on it."""

from __future__ import annotations

import numpy as np
from tests.ridge.prints import finger, impression, template

from limen.images import Image
from limen.reasons import Reason
from limen.ridge import comparator, marks
from limen.ridge.extract import RidgeExtractor, of_plotted
from limen.terms import Modality, Position


def test_both_count_and_none_twice() -> None:
    found = template([100, 200, 300], [100, 200, 300], [0, 0, 0], quality=[30, 40, 90])
    plotted = template([104, 500], [97, 500], [3, 3], kind=[1, 1], quality=[100, 0])
    both = marks.with_plotted(found, plotted)
    assert sorted(zip(both.x, both.y, both.minutia_quality, strict=True)) == [
        (104, 97, 100),
        (200, 200, 40),
        (300, 300, 90),
        (500, 500, 0),
    ]
    assert marks.with_plotted(found, template([], [], [])) is found
    assert len(marks.with_plotted(template([], [], []), plotted)) == 2


def test_what_the_examiner_adds_finds_the_mate() -> None:
    mate = finger(1, 50)
    seen = impression(mate, 2, lost=0.85, found=2)
    plotted = impression(mate, 3, lost=0.55, found=0)
    reference = comparator.prepare(mate)
    both = comparator.compare(comparator.prepare(marks.with_plotted(seen, plotted)), reference)
    assert both > comparator.compare(comparator.prepare(seen), reference) + 3
    assert both > 7


def test_an_image_without_ridges_leaves_the_plotted_minutiae() -> None:
    blank = Image(np.full((300, 300), 200, np.uint8), 500.0, "png")
    plotted = finger(4, 20)
    extractor = RidgeExtractor()
    for modality in (Modality.MARK, Modality.FINGER):
        (result,) = extractor.extract_all(blank, modality, Position.UNKNOWN, plotted=plotted, measure_quality=False)
        assert result.template is not None and len(result.template) == 20
        assert result.reasons == []
    few = of_plotted(finger(5, 4))
    assert few.template is not None and few.reasons == [Reason.TOO_FEW_MINUTIAE]
    assert of_plotted(template([], [], [])).template is None
