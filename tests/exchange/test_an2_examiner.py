"""Minutiae of Type-9 records, in three ways of writing them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.exchange.made import file, text_record

from limen.exchange import an2
from limen.exchange.an2 import examiner
from limen.ridge.template import BIFURCATION, ENDING, OTHER, RidgeTemplate
from limen.terms import Modality


def type9(fields: list[tuple[int, str | bytes]]) -> RidgeTemplate | None:
    transaction = an2.read(file([(9, 1, text_record(9, [(2, "01"), *fields]))]))
    return examiner.template(transaction.of_type(9)[0], 500, 600)


def test_the_standards_own_format_counts_from_the_bottom_and_points_the_other_way() -> None:
    found = type9(
        [(5, "BKA~M"), (6, "02"), (10, "3"),
         (12, "001~02540508090~0~A|002~12701270000~63~B~1,2|003~00000000359~2~D|nonsense|004~1~2~3")]
    )  # fmt: skip
    assert found is not None
    assert (found.model, found.position, found.width, found.height) == ("examiner", 2, 500, 600)
    assert found.x == pytest.approx([50, 250, 0])
    assert found.y == pytest.approx([500, 350, 600])
    assert np.degrees(found.angle) == pytest.approx([270, 180, 179], abs=1e-3)
    assert list(found.kind) == [ENDING, BIFURCATION, OTHER]
    assert list(found.minutia_quality) == [100, 0, 100]
    assert len(RidgeTemplate.unpack(found.pack())) == 3


def test_the_incits_block() -> None:
    found = type9(
        [(126, "0~0"), (128, "1000"), (129, "1200"), (130, "2"), (131, "394"), (132, "394"), (134, "7"), (136, "1"),
         (137, "1~100~200~45~1~80")]
    )  # fmt: skip
    assert found is not None
    assert (found.x, found.y) == (pytest.approx([50]), pytest.approx([100])), "394 pixels a centimetre are 1,000 ppi"
    assert np.degrees(found.angle) == pytest.approx([90])
    assert (list(found.kind), list(found.minutia_quality), found.position) == ([ENDING], [80], 7)


def test_extended_features() -> None:
    found = type9([(300, "983~983~75~100"), (331, "1270~2540~30~B~5~2|254~254~0~X~~")])
    assert found is not None
    assert found.x == pytest.approx([250, 50])
    assert found.y == pytest.approx([500, 50])
    assert np.degrees(found.angle) == pytest.approx([30, 0])
    assert list(found.kind) == [BIFURCATION, OTHER]


def test_records_without_minutiae_have_no_template() -> None:
    assert type9([(12, "001~abc~0~A")]) is None
    assert type9([(137, "1~1~1~1~1~1")]) is None, "no scale"
    assert type9([(331, "99999~99999~0~E")]) is None, "larger than any palm"
    assert type9([(331, "5~5~99~E")] * 2) is not None


@pytest.mark.data
def test_a_mark_brings_its_examiners_minutiae(samples: Path) -> None:
    transaction = an2.read((samples / "exchange" / "an2" / "type9-13.an2k").read_bytes())
    (mark,) = an2.samples(transaction)
    assert mark.minutiae is not None
    assert (len(mark.minutiae), mark.minutiae.width, mark.minutiae.height) == (28, 191, 357)
    assert (mark.minutiae.kind == ENDING).sum() == 19
    alone = an2.read((samples / "exchange" / "an2" / "type9.an2k").read_bytes())
    assert an2.samples(alone) == []
    assert len(examiner.template(alone.of_type(9)[0]) or ()) == 28


def test_minutiae_without_an_image_are_samples_of_their_own() -> None:
    rows = [(3, "4"), (331, "5~5~99~E|900~900~20~B")]
    palm = [(3, "13"), (331, "5~5~99~E"), (6, "21")]
    records = [(9, n, text_record(9, [(2, f"{n:02}"), *fields])) for n, fields in ((1, rows), (2, palm), (3, []))]
    image = text_record(13, [(2, "02"), (3, "13"), (11, "NONE")], b"some")
    alone = an2.plotted(an2.read(file([*records, (13, 2, image)])))
    assert [(one.modality, one.idc, one.data, len(one.minutiae or ())) for one in alone] == [(Modality.MARK, 1, b"", 2)]
    both = an2.plotted(an2.read(file(records)))
    assert [(one.modality, int(one.position)) for one in both] == [(Modality.MARK, 0), (Modality.MARK, 21)]
