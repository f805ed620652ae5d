"""The gallery: changes are in force at once, and everybody sees what they may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.matcher.people import INDEX, enrol, face, print_of, reference

from limen import countries
from limen.errors import BadTemplate
from limen.matcher.faces import FaceMatrix
from limen.matcher.gallery import Gallery
from limen.terms import Modality

NOW = 1_800_000_000


def _seen(gallery: Gallery, country: str, now: int = NOW) -> set[int]:
    return {gallery.handle(int(slot)) - 10_000 for slot in np.flatnonzero(gallery.allowed(country, now))}


def test_only_the_owner_and_whom_it_shows_a_record_see_it() -> None:
    gallery = Gallery()
    enrol(gallery, 1)
    enrol(gallery, 2, visible=countries.bitmap(["BIH", "DEU"]))
    enrol(gallery, 3, visible=countries.bitmap([]))
    assert _seen(gallery, "FRA") == {1, 2, 3}
    assert _seen(gallery, "BIH") == _seen(gallery, "DEU") == {1, 2}
    assert _seen(gallery, "ITA") == {1}


def test_a_record_is_seen_only_while_it_is_valid() -> None:
    gallery = Gallery()
    enrol(gallery, 1, valid_from=NOW, valid_until=NOW + 10)
    assert [len(_seen(gallery, "ITA", now)) for now in (NOW - 1, NOW, NOW + 9, NOW + 10)] == [0, 1, 1, 0]


def test_a_sample_can_be_replaced_and_withdrawn() -> None:
    gallery = Gallery()
    enrol(gallery, 1, positions=(2, 7))
    assert (gallery.records, gallery.count(Modality.FACE), gallery.count(Modality.FINGER)) == (1, 1, 2)
    gallery.put(reference(1, print_of(1, 2, take=1), 102, position=3))
    assert gallery.count(Modality.FINGER) == 2
    assert {kept.group[1] for kept in gallery.samples(0) if kept.group[0] is Modality.FINGER} == {3, 7}
    assert gallery.withdraw(10_001, 102)
    assert not gallery.withdraw(10_001, 102)
    assert gallery.count(Modality.FINGER) == 1
    assert gallery.withdraw(10_001)
    assert (gallery.records, gallery.count(*Modality), _seen(gallery, "FRA")) == (0, 0, set())


def test_a_sample_that_moves_to_another_record_leaves_the_first() -> None:
    gallery = Gallery()
    gallery.put(reference(1, face(1), 5))
    gallery.put(reference(2, face(1), 5))
    assert _seen(gallery, "ITA") == {2}


def test_a_country_can_be_dropped_whole() -> None:
    gallery = Gallery()
    enrol(gallery, 1, positions=(2,))
    enrol(gallery, 2, owner="DEU")
    assert gallery.drop("FRA") == 1
    assert _seen(gallery, "ITA") == {2}
    assert gallery.count(*Modality) == 1


@given(st.lists(st.sampled_from(["FRA", "DEU"]), min_size=1, max_size=12), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_dropping_in_steps_leaves_what_withdrawing_one_by_one_leaves(owners: list[str], most: int) -> None:
    dropped, withdrawn = Gallery(), Gallery()
    for gallery in (dropped, withdrawn):
        for person, owner in enumerate(owners):
            enrol(gallery, person + 1, positions=INDEX[: person % 3], owner=owner)
    gone = 0
    while step := dropped.drop("FRA", most):
        assert step <= most
        gone += step
    for person, owner in enumerate(owners):
        if owner == "FRA":
            withdrawn.withdraw(10_000 + person + 1)
    assert gone == owners.count("FRA")
    for gallery in (dropped, withdrawn):
        assert gallery.records == owners.count("DEU")
    assert _seen(dropped, "ITA") == _seen(withdrawn, "ITA")
    assert dropped.makeup.records == withdrawn.makeup.records
    assert +dropped.makeup.clear == +withdrawn.makeup.clear
    for modality in Modality:
        assert dropped.count(modality) == withdrawn.count(modality)
    for person, owner in enumerate(owners):  # those that stay are found by their own faces
        if owner == "DEU":
            matrix = dropped.faces["sface"]
            (rows,) = matrix.nearest(face(person + 1).vector[None], dropped.allowed("DEU", NOW), 1)
            assert matrix.keys[rows[0]] == 100 * (person + 1) + 50


def test_a_hidden_country_is_found_by_nobody_though_it_is_still_there() -> None:
    gallery = Gallery()
    enrol(gallery, 1, positions=(2,))
    enrol(gallery, 2, owner="DEU")
    gallery.hide("FRA")
    assert gallery.records == 2
    assert [_seen(gallery, country) for country in ("FRA", "DEU", "ITA")] == [{2}] * 3
    enrol(gallery, 1, positions=(2,))  # its key is back, and the whole feed comes
    assert _seen(gallery, "ITA") == {1, 2}


def test_a_template_of_the_wrong_kind_is_refused_and_leaves_nothing() -> None:
    gallery = Gallery()
    with pytest.raises(BadTemplate):
        gallery.put(reference(1, face(1), 5, modality=Modality.FINGER))
    assert (gallery.records, gallery.count(*Modality)) == (0, 0)


def test_many_records_fit() -> None:
    gallery = Gallery()
    for person in range(2500):
        gallery.put(reference(person, face(person), person + 1))
    assert gallery.records == 2500
    matrix = gallery.faces["sface"]
    (rows,) = matrix.nearest(face(1777, photo=1).vector[None], gallery.allowed("ITA", NOW), 3)
    assert next(gallery.handle(int(slot)) for slot in matrix.slots[rows]) == 11_777
    assert gallery.memory > 2500 * 512


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12), st.integers(0, 30))))
def test_a_face_matrix_is_a_dictionary(steps: list[tuple[bool, int, int]]) -> None:
    matrix, model = FaceMatrix(4), {}
    for add, key, value in steps:
        vector = np.array([value, key, 1, 0], np.float32)
        if add:
            matrix.put(key, value, vector, value)
            model[key] = value
        else:
            assert matrix.remove(key) == (model.pop(key, None) is not None)
    assert dict(zip(matrix.keys.tolist(), matrix.slots.tolist(), strict=True)) == model
    probe = np.array([1, 100, 0, 0], np.float32)
    if model:
        vectors, qualities = matrix.of(sorted(model))
        assert (vectors @ probe).tolist() == [model[k] + 100 * k for k in sorted(model)]
        assert qualities.tolist() == [model[k] for k in sorted(model)]
