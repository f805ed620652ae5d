"""Minutiae files of four standards: round trips, conversions within stated rounding, and what broken ones are told."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.errors import BadTemplate
from limen.exchange import minutiae
from limen.exchange.minutiae import MinutiaeFile, Standard, View
from limen.exchange.minutiae.layout import MINUTIA
from limen.ridge.template import RidgeTemplate

SHARED_SIZE = (Standard.INCITS_2004, Standard.ISO_2005)


@st.composite
def views(draw: st.DrawFn, standard: Standard, size: tuple[int, int], field_length: int, certified: bool) -> View:
    count = draw(st.integers(0, 12))
    rows = np.zeros(count, MINUTIA)
    for row in rows:
        row["kind"] = draw(st.integers(0, 2))
        row["x"], row["y"] = draw(st.integers(0, size[0])), draw(st.integers(0, size[1]))
        row["angle"] = draw(st.integers(0, standard.turn - 1))
        row["quality"] = draw(st.integers(0, 100)) if field_length == 6 else 0
    view = View(
        position=draw(st.integers(0, 10)),
        view=draw(st.integers(0, 15)),
        impression=draw(st.integers(0, 15)),
        quality=draw(st.integers(0, 255)),
        width=size[0],
        height=size[1],
        resolution=(197, 197),
        minutiae=rows,
        extended=draw(st.binary(max_size=30)),
    )
    if standard is Standard.INCITS_2009:
        return dataclasses.replace(view, qualities=draw(st.binary(min_size=4, max_size=4)))
    if standard is Standard.ISO_2011:
        blocks = draw(st.integers(0, 3))
        return dataclasses.replace(
            view,
            quality=view.quality if blocks else None,
            qualities=draw(st.binary(min_size=4 + 5 * (blocks - 1), max_size=4 + 5 * (blocks - 1))) if blocks else b"",
            capture=draw(st.binary(min_size=14, max_size=14)),
            certificates=draw(st.binary(min_size=6, max_size=6)) if certified else None,
            field_length=field_length,
            ending_type=draw(st.integers(0, 1)),
        )
    return view


@st.composite
def files(draw: st.DrawFn) -> MinutiaeFile:
    standard = draw(st.sampled_from(list(Standard)))
    size = (draw(st.integers(1, 3000)), draw(st.integers(1, 3000)))
    newest = standard is Standard.ISO_2011
    field_length = draw(st.sampled_from([5, 6])) if newest else 6
    certified = draw(st.booleans()) if newest else False
    found = draw(st.lists(views(standard, size, field_length, certified), min_size=1, max_size=3))
    incits = standard in (Standard.INCITS_2004, Standard.INCITS_2009)
    return MinutiaeFile(
        standard,
        tuple(found),
        product=draw(st.integers(0, 2**32 - 1)) if incits else 0,
        equipment=0 if newest else draw(st.integers(0, 65535)),
        reserved=0 if newest else draw(st.integers(0, 255)),
        certified=certified,
    )


def same(one: MinutiaeFile, other: MinutiaeFile) -> bool:
    def bare(file: MinutiaeFile) -> MinutiaeFile:
        return dataclasses.replace(
            file, views=tuple(dataclasses.replace(v, minutiae=v.minutiae.tobytes()) for v in file.views)
        )

    return bare(one) == bare(other)


@settings(max_examples=200, deadline=None)
@given(files())
def test_a_file_comes_back_number_by_number(file: MinutiaeFile) -> None:
    data = minutiae.write(file)
    again = minutiae.read(data)
    assert same(again, file)
    assert minutiae.write(again) == data


@settings(max_examples=150, deadline=None)
@given(files())
def test_numbers_survive_the_way_over_limens_templates(file: MinutiaeFile) -> None:
    templates = [minutiae.to_template(file, view) for view in range(len(file.views))]
    templates = [RidgeTemplate.unpack(template.pack()) for template in templates]  # as they are stored
    again = minutiae.from_templates(templates, file.standard)
    for old, new in zip(file.views, again.views, strict=True):
        assert np.array_equal(old.minutiae, new.minutiae)
        assert (old.position, old.width, old.height) == (new.position, new.width, new.height)
        assert old.quality == new.quality or (old.quality is None or old.quality > 100)


@settings(max_examples=100, deadline=None)
@given(files(), st.sampled_from(list(Standard)))
def test_conversions_between_standards_stay_within_the_stated_rounding(file: MinutiaeFile, other: Standard) -> None:
    template = minutiae.to_template(file)
    converted = minutiae.read(minutiae.write(minutiae.from_templates([template], other)))
    back = minutiae.to_template(converted)
    assert np.array_equal(back.kind, template.kind)
    assert np.array_equal(back.minutia_quality, template.minutia_quality)
    assert np.abs(back.x - template.x).max(initial=0) <= 0.5
    assert np.abs(back.y - template.y).max(initial=0) <= 0.5
    apart = np.angle(np.exp(1j * (back.angle - template.angle)))
    assert np.abs(apart).max(initial=0) <= np.pi / other.turn + 1e-5
    assert back.model == other.value


@settings(max_examples=100, deadline=None)
@given(files(), st.sampled_from(list(Standard)))
def test_another_standard_keeps_every_number_but_the_angles(file: MinutiaeFile, other: Standard) -> None:
    converted = minutiae.read(minutiae.write(minutiae.to_standard(file, other)))
    assert converted.standard is other
    for old, new in zip(file.views, converted.views, strict=True):
        for column in ("kind", "x", "y", "quality"):
            assert np.array_equal(old.minutiae[column], new.minutiae[column])
        turns = old.minutiae["angle"] / file.standard.turn - new.minutiae["angle"] / other.turn
        assert np.abs((turns + 0.5) % 1 - 0.5).max(initial=0) <= 0.5 / other.turn + 1e-9
        kept = (old.position, old.view, old.impression, old.width, old.height, old.resolution)
        assert kept == (new.position, new.view, new.impression, new.width, new.height, new.resolution)


def test_views_of_different_sizes_go_by_way_of_templates() -> None:
    file = minutiae.from_templates([template(), template(width=600)], Standard.ISO_2011)
    converted = minutiae.to_standard(file, Standard.ISO_2005)
    assert [view.width for view in converted.views] == [600, 600]
    assert np.array_equal(converted.views[0].minutiae, file.views[0].minutiae)


def template(**changes: object) -> RidgeTemplate:
    values: dict[str, object] = {
        "model": "leader", "position": 2, "quality": 60, "width": 400, "height": 500,
        "x": np.array([10.25, 399.5], np.float32), "y": np.array([20.5, 499], np.float32),
        "angle": np.array([0, 6.2831], np.float32), "kind": np.array([0, 1], np.uint8),
        "minutia_quality": np.array([90, 10], np.uint8),
    }  # fmt: skip
    return RidgeTemplate(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("standard", Standard)
def test_export_of_a_template(standard: Standard) -> None:
    file = minutiae.read(minutiae.write(minutiae.from_templates([template(), template()], standard)))
    assert [view.view for view in file.views] == [0, 1], "two views of one finger"
    rows = file.views[0].minutiae
    assert list(rows["x"]) == [10, 400]
    assert list(rows["y"]) == [20, 499]
    assert list(rows["kind"]) == [1, 2]
    assert list(rows["angle"]) == [0, 0], "an angle that rounds to a full turn is zero"


def test_only_the_best_255_minutiae_fit() -> None:
    count = 300
    many = template(
        x=np.arange(count, dtype=np.float32), y=np.zeros(count, np.float32), angle=np.zeros(count, np.float32),
        kind=np.zeros(count, np.uint8), minutia_quality=np.where(np.arange(count) < 45, 1, 50).astype(np.uint8),
    )  # fmt: skip
    rows = minutiae.from_templates([many], Standard.ISO_2011).views[0].minutiae
    assert len(rows) == 255
    assert rows["quality"].min() == 50
    assert (np.diff(rows["x"].astype(int)) > 0).all(), "in their order"


def test_an_uncomputed_quality_stays_uncomputed() -> None:
    for standard in Standard:
        file = minutiae.from_templates([template(quality=255)], standard)
        assert minutiae.to_template(minutiae.read(minutiae.write(file))).quality == 255


def test_resolution_of_other_scanners() -> None:
    file = minutiae.from_templates([template()], Standard.ISO_2005)
    doubled = dataclasses.replace(file.views[0], resolution=(394, 394), width=800, height=1000)
    assert minutiae.to_template(dataclasses.replace(file, views=(doubled,))).x[1] == 200
    nothing = dataclasses.replace(file.views[0], resolution=(0, 197))
    with pytest.raises(BadTemplate):
        minutiae.to_template(dataclasses.replace(file, views=(nothing,)))


@pytest.mark.data
def test_sample_files_of_three_standards_agree(samples: Path) -> None:
    folder = samples / "exchange" / "minutiae"
    files = {path.suffix: path.read_bytes() for path in folder.iterdir()}
    read = {suffix: minutiae.read(data) for suffix, data in files.items()}
    for suffix, file in read.items():
        assert minutiae.write(file) == files[suffix], "byte for byte"
    assert {s: (f.standard.value, [len(v.minutiae) for v in f.views], len(f.trailing)) for s, f in read.items()} == {
        ".ansi2004": ("incits378-2004", [27, 22, 28], 2),
        ".ansi2007": ("incits378-2009", [27, 22], 0),
        ".iso2005": ("iso19794-2:2005", [27, 22], 0),
    }
    # the three hold the same two fingers: the converted templates differ by the formats' angle rounding only
    for view in (0, 1):
        one, two, three = (minutiae.to_template(read[s], view) for s in (".ansi2004", ".ansi2007", ".iso2005"))
        for other in (two, three):
            assert np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)
            assert np.array_equal(one.kind, other.kind)
            apart = np.angle(np.exp(1j * (one.angle - other.angle)))
            assert np.abs(apart).max() <= np.radians(1 + 360 / 256)
    assert (read[".ansi2004"].views[0].position, read[".ansi2004"].views[0].quality) == (7, 90)


@settings(max_examples=300, deadline=None)
@given(files(), st.data())
def test_mutated_files_are_read_or_refused(file: MinutiaeFile, data: st.DataObject) -> None:
    mutated = bytearray(minutiae.write(file))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    del mutated[data.draw(st.integers(0, len(mutated))) :]
    try:
        found = minutiae.read(bytes(mutated))
        for view in range(len(found.views)):
            minutiae.to_template(found, view).pack()
    except BadTemplate:
        pass


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    for head in (b"", b"FMR\0 20\0", b"FMR\x00030\0"):
        with pytest.raises(BadTemplate):
            minutiae.read(head + tail)
            raise BadTemplate("it may also be right")


@pytest.mark.parametrize("standard", Standard)
def test_a_wrong_length_in_the_header_costs_nothing(standard: Standard) -> None:
    good = minutiae.write(minutiae.from_templates([template()], standard))
    size = 2 if standard is Standard.INCITS_2004 else 4
    wrong = good[:8] + (len(good) + 3).to_bytes(size, "big") + good[8 + size :]
    file = minutiae.read(wrong)
    assert (file.standard, file.stated) == (standard, len(good) + 3)
    assert minutiae.write(file) == good
    assert minutiae.read(good).stated is None


def test_files_over_64_kib() -> None:
    large = dataclasses.replace(
        minutiae.from_templates([template()], Standard.INCITS_2004).views[0], extended=bytes(65_000)
    )
    for standard in Standard:
        file = minutiae.read(minutiae.write(MinutiaeFile(standard, (large, large))))
        assert file.standard is standard
        assert [len(view.extended) for view in file.views] == [65_000, 65_000]


def test_what_is_no_minutiae_file() -> None:
    good = minutiae.write(minutiae.from_templates([template()], Standard.ISO_2005))
    for bad in (b"", b"FMR", b"FIR\0" + good[4:], good[:30]):
        with pytest.raises(BadTemplate):
            minutiae.read(bad)
    with pytest.raises(BadTemplate, match="type or an angle"):
        minutiae.read(good.replace(struct.pack(">HH", 1 << 14 | 10, 20), struct.pack(">HH", 3 << 14 | 10, 20)))
    with pytest.raises(BadTemplate):
        minutiae.write(dataclasses.replace(minutiae.read(good), views=(*minutiae.read(good).views,) * 300))
