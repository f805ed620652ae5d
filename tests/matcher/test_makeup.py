"""What the gallery is made of, as samples come and go."""

from __future__ import annotations

import pytest
from tests.matcher.people import enrol, print_of, reference

from limen.matcher.gallery import Gallery
from limen.matcher.tail import MARK, FaceTerms
from limen.ridge import chance
from limen.terms import Modality

FACE = FaceTerms("sface", 70, ((65.0, 1.0),))
INDEX, THUMB = (Modality.FINGER, 2), (Modality.FINGER, 1)


def _gallery() -> Gallery:
    gallery = Gallery()
    for person in range(1, 11):
        enrol(gallery, person, (2, 7) if person <= 4 else (), with_face=person > 2)
    return gallery


def _shares(gallery: Gallery, face: FaceTerms | None, *prints) -> dict[tuple[bool, int], float]:
    return {(kind.face is not None, len(kind.prints)): kind.share for kind in gallery.makeup.kinds(face, prints)}


def test_records_count_by_what_the_probe_meets_in_them() -> None:
    both = _shares(_gallery(), FACE, (INDEX, 40), ((Modality.FINGER, 7), 30))
    assert both == {(False, 2): 0.2, (True, 2): 0.2, (True, 0): 0.6}
    assert _shares(_gallery(), None, (INDEX, 40)) == {(False, 1): 0.4}
    assert _shares(_gallery(), None, (THUMB, 40)) == {}
    assert _shares(_gallery(), None, ((Modality.FINGER, 0), 40)) == {(False, 1): 0.4}


def test_a_record_with_one_of_two_fingers_gets_the_heavier_law() -> None:
    gallery = _gallery()
    gallery.withdraw(10_001, 107)
    laws = {kind.prints for kind in gallery.makeup.kinds(None, [(INDEX, 60), ((Modality.FINGER, 7), 9)])}
    assert sorted([terms.clear for terms in prints] for prints in laws) == [[10], [10, 57]]


def test_what_is_withdrawn_counts_no_more() -> None:
    gallery = _gallery()
    for person in range(1, 11):
        gallery.withdraw(10_000 + person)
    assert not gallery.makeup.records and not sum(gallery.makeup.clear.values())
    assert gallery.makeup.kinds(FACE, [(INDEX, 40)]) == ()


def test_a_sample_put_again_counts_once_and_a_second_impression_is_a_second_chance() -> None:
    gallery = Gallery()
    enrol(gallery, 1, (2,))
    enrol(gallery, 1, (2,))
    assert gallery.makeup.repeats() == 1.0
    gallery.put(reference(1, print_of(1, 2, 1), 999, position=2))
    assert gallery.makeup.repeats() == 2.0
    assert sum(gallery.makeup.records.values()) == 1


def test_marks_are_compared_with_fingers_by_their_own_law() -> None:
    gallery = Gallery()
    gallery.put(reference(1, print_of(1, 2), 5, modality=Modality.MARK))
    (kind,) = gallery.makeup.kinds(None, [(INDEX, 40)])
    assert kind.prints == (MARK,)


def test_chance_agreement_falls_from_all_to_none() -> None:
    assert chance.survival(0.0, 35) == pytest.approx(5.8e-4)
    assert [float(chance.survival(t, 35)) for t in (-5.6, 18.0)] == [1.0, 0.0]
