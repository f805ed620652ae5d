"""Minutiae files as Type-9 records and back: exact in what the INCITS block holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.made import file, text_record
from tests.exchange.test_minutiae import files

from limen.errors import BadFile
from limen.exchange import an2, conversion, minutiae
from limen.exchange.an2 import examiner, incits
from limen.exchange.an2.rules import check
from limen.exchange.minutiae import MinutiaeFile, Standard
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality


def through_a_file(source: MinutiaeFile) -> MinutiaeFile | None:
    written = an2.write(an2.Header("CPS", "A", "B"), incits.records(source))
    transaction = an2.read(written)
    assert check(transaction) == []
    return incits.file(transaction.of_type(9))


@settings(max_examples=60, deadline=None)
@given(files())
def test_what_the_block_holds_survives(source: MinutiaeFile) -> None:
    back = through_a_file(source)
    wanted = minutiae.to_standard(source, Standard.INCITS_2009)
    assert back is not None
    assert back.product == wanted.product
    assert back.equipment == wanted.equipment & 0x8FFF, "compliance with Appendix F, and the equipment's number"
    for view, expected in zip(back.views, wanted.views, strict=True):
        assert np.array_equal(view.minutiae, expected.minutiae)
        for name in ("position", "view", "impression", "quality", "width", "height", "resolution"):
            assert getattr(view, name) == getattr(expected, name), name
        assert view.extended == b""
        if source.standard is Standard.INCITS_2009:
            assert view.qualities == expected.qualities


@settings(max_examples=30, deadline=None)
@given(files())
def test_a_template_of_the_record_is_the_files_template(source: MinutiaeFile) -> None:
    source = minutiae.to_standard(source, Standard.INCITS_2009)
    for number, record in enumerate(incits.records(source)):
        if not len(source.views[number].minutiae):
            continue
        found, wanted = examiner.template(record), minutiae.to_template(source, number)
        assert found is not None
        assert found.pack() == dataclasses.replace(wanted, model="type-9").pack()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([3, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137]),
            st.text(alphabet="0123456789~|AB.- ", max_size=24),
        ),
        max_size=14,
        unique_by=lambda pair: pair[0],
    )
)
def test_any_block_is_read_or_left(fields: list[tuple[int, str]]) -> None:
    [record] = an2.read(file([(9, 1, text_record(9, [(2, "01"), *sorted(fields)]))])).of_type(9)
    found = incits.file([record])
    if found is not None:
        minutiae.write(found)
    template = examiner.template(record)
    assert template is None or isinstance(RidgeTemplate.unpack(template.pack()), RidgeTemplate)


def two_fingers(standard: Standard) -> bytes:
    templates = [
        RidgeTemplate("leader", position, 60, 400, 500, np.array([10, 20], np.float32), np.array([30, 40], np.float32),
                      np.array([0, 1], np.float32), np.array([0, 1], np.uint8), np.full(2, 50, np.uint8))
        for position in (2, 7)
    ]  # fmt: skip
    return minutiae.write(minutiae.from_templates(templates, standard))


@pytest.mark.parametrize(("standard", "suffix"), [(named, suffix) for suffix, named in conversion.MINUTIAE.items()])
def test_files_of_every_standard_there_and_back(standard: Standard, suffix: str) -> None:
    source = two_fingers(standard)
    traditional = conversion.convert(source, "x.an2")
    transaction = an2.read(traditional)
    assert ([r.type for r in transaction.records], check(transaction)) == ([1, 2, 9, 9], [])
    back = minutiae.read(conversion.convert(traditional, f"x{suffix}"))
    assert back.standard is standard and [view.position for view in back.views] == [2, 7]
    before, after = (minutiae.to_template(f, 1) for f in (minutiae.read(source), back))
    assert np.array_equal(before.x, after.x) and np.array_equal(before.kind, after.kind)
    turned = np.abs(np.degrees(before.angle - after.angle))
    assert turned.max() <= (1.7 if standard.turn == 256 else 1e-3), "1/256 turn to 2 degrees and back"
    if standard.turn == 180:
        assert conversion.convert(traditional, f"x{suffix}") == source
    [one] = minutiae.read(conversion.convert(traditional, "x.fmr", record=3)).views
    assert one.position == 7


def test_minutiae_of_a_mark() -> None:
    marked = an2.read(conversion.convert(two_fingers(Standard.ISO_2005), "x.an2", modality=Modality.MARK))
    assert (marked.kind, [sample.modality for sample in an2.plotted(marked)]) == ("MPS", [Modality.MARK] * 2)


def test_a_file_numbers_only_so_many() -> None:
    view = minutiae.read(two_fingers(Standard.ISO_2011)).views[0]
    many = MinutiaeFile(Standard.ISO_2011, (view,) * 100)
    with pytest.raises(BadFile, match="99"):
        incits.records(many)


@pytest.mark.data
def test_other_makers_files(samples: Path) -> None:
    for path in (samples / "exchange" / "minutiae").iterdir():
        source = minutiae.read(path.read_bytes())
        back = through_a_file(source)
        wanted = minutiae.to_standard(source, Standard.INCITS_2009)
        assert back is not None
        for view, expected in zip(back.views, wanted.views, strict=True):
            assert np.array_equal(view.minutiae, expected.minutiae) and view.position == expected.position
