"""A golden table: what fingers of the real sets must reach. It fails if extraction or comparison gets worse.

Four of eight impressions of each FVC set, which keeps it to some ten seconds; docs/accuracy.md has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from limen.evaluation import rates, ridge
from limen.evaluation.ridge import Sample, Scores
from limen.images import Image, decode
from limen.ridge.extract import RidgeExtractor
from limen.ridge.template import RidgeTemplate

SETS = ("fvc2002_db1_b", "fvc2002_db3_b", "fvc2004_db1_b", "fvc2004_db2_b")
IMPRESSIONS = 4
pytestmark = [pytest.mark.data, pytest.mark.slow]


@dataclass(frozen=True)
class Extracted:
    """Images of one set with their templates, as they are and (every second impression) upside down."""

    samples: list[Sample]
    plain: list[RidgeTemplate | None]
    turned: list[RidgeTemplate | None]


@pytest.fixture(scope="module")
def extracted(samples: Path) -> Iterator[dict[str, Extracted]]:
    extractor = RidgeExtractor()

    def template(image: Image) -> RidgeTemplate | None:
        return extractor.extract(image, 0, measure_quality=False).template

    found = {}
    for name in SETS:
        (members,) = ridge.find(samples / "fingerprints" / name).values()
        members = [member for member in members if member.impression <= IMPRESSIONS]
        images = [decode(member.file.read_bytes()) for member in members]
        plain = [template(image) for image in images]
        turned = [
            template(Image(np.rot90(image.pixels, 2), image.ppi, image.format)) if member.impression % 2 == 0 else one
            for member, image, one in zip(members, images, plain, strict=True)
        ]
        found[name] = Extracted(members, plain, turned)
    yield found


def scores(one: Extracted, templates: list[RidgeTemplate | None]) -> Scores:
    return ridge.compare(one.samples, templates)[0]


@pytest.mark.parametrize(
    ("name", "eer", "fnmr"),  # largest: equal error rate, and FNMR at FMR 1 in 1,000; one pair is 1.7 % of a set
    [
        ("fvc2002_db1_b", 0.005, 0.0),
        ("fvc2002_db3_b", 0.005, 0.017),
        ("fvc2004_db1_b", 0.012, 0.034),
        ("fvc2004_db2_b", 0.012, 0.034),
    ],
)
def test_each_set_keeps_its_error_rates(extracted: dict[str, Extracted], name: str, eer: float, fnmr: float) -> None:
    one = extracted[name]
    assert all(template is not None for template in one.plain)
    result = scores(one, one.plain)
    assert rates.eer(result.genuine, result.impostor) <= eer
    assert rates.fnmr_at_fmr(result.genuine, result.impostor, 0.001) <= fnmr
    assert result.rank1.mean() == 1


def test_prints_upside_down_are_found_as_well(extracted: dict[str, Extracted]) -> None:
    pooled = ridge.pool([scores(one, one.turned) for one in extracted.values()])
    assert rates.eer(pooled.genuine, pooled.impostor) <= 0.01
    assert pooled.rank1.mean() >= 0.99
