"""New prints find unsolved marks, new marks find prints, for the countries that may know."""

from __future__ import annotations

import numpy as np
import pytest
from tests.matcher.people import enrol, print_of, reference

from limen import countries
from limen.errors import BadTemplate
from limen.matcher.decision import Policy
from limen.matcher.gallery import Gallery
from limen.matcher.search import Probe, identify
from limen.matcher.unsolved import leads
from limen.ridge.template import RidgeTemplate
from limen.ridge.views import surest
from limen.terms import Answer, Modality

NOW = 1000


def mark_of(person: int, position: int) -> RidgeTemplate:
    return surest(print_of(person, position, 1), 18)


def a_mark(number: int, template: RidgeTemplate, **changes):
    return reference(number, template, 5000 + number, **{"modality": Modality.MARK, "owner": "BIH", **changes})


def packed(one, **changes):
    """The reference as the feed brings it."""
    return type(one)(**{**one.__dict__, "template": one.template.pack(), **changes})


@pytest.fixture
def gallery() -> Gallery:
    gallery = Gallery()
    for person in range(20):
        enrol(gallery, person, (2, 7), with_face=False)
    for number in range(100, 110):
        gallery.put(a_mark(number, mark_of(number, 2)))
    gallery.put(a_mark(200, mark_of(3, 7)))
    return gallery


def records(found) -> list[int]:
    return [match.record for match in found]


def new_print(person: int, position: int, **changes):
    return packed(reference(person, print_of(person, position, 2), 9000, position=position, **changes))


def test_a_new_print_finds_the_mark_it_left(gallery: Gallery) -> None:
    assert records(leads(gallery, new_print(3, 7, record=77), now=NOW)) == [10_200]
    assert leads(gallery, new_print(3, 2, record=77), now=NOW) == (), "another finger"
    assert leads(gallery, new_print(50, 7, record=77), now=NOW) == ()


def test_a_new_mark_finds_the_print(gallery: Gallery) -> None:
    found = leads(gallery, packed(a_mark(300, mark_of(5, 2))), now=NOW)
    assert records(found) == [10_005]
    assert found[0].strength == 1
    assert leads(gallery, packed(a_mark(300, mark_of(60, 2))), now=NOW) == ()


def test_only_what_the_marks_owner_may_see(gallery: Gallery) -> None:
    hidden = new_print(3, 7, record=77, visible=countries.bitmap(["DEU"]))
    assert leads(gallery, hidden, now=NOW) == ()
    shown = new_print(3, 7, record=77, visible=countries.bitmap(["DEU", "BIH"]))
    assert records(leads(gallery, shown, now=NOW)) == [10_200]
    own = new_print(3, 7, record=77, owner="BIH", visible=countries.bitmap([]))
    assert records(leads(gallery, own, now=NOW)) == [10_200]
    hiding = Gallery()
    enrol(hiding, 5, (2,), with_face=False, visible=countries.bitmap(["DEU"]))
    assert leads(hiding, packed(a_mark(300, mark_of(5, 2))), now=NOW) == ()
    assert records(leads(hiding, packed(a_mark(300, mark_of(5, 2), owner="DEU")), now=NOW)) == [10_005]


def test_neither_its_own_record_nor_what_is_over_nor_withdrawn(gallery: Gallery) -> None:
    assert leads(gallery, new_print(3, 7, record=10_200), now=NOW) == ()
    gallery.put(a_mark(200, mark_of(3, 7), valid_until=NOW))
    assert leads(gallery, new_print(3, 7, record=77), now=NOW) == ()
    gallery.put(a_mark(200, mark_of(3, 7)))
    assert records(leads(gallery, new_print(3, 7, record=77), now=NOW)) == [10_200]
    assert gallery.withdraw(10_200)
    assert leads(gallery, new_print(3, 7, record=77), now=NOW) == ()
    assert not gallery.with_marks()[gallery.slot(10_003)]


def test_faces_empty_galleries_and_broken_templates(gallery: Gallery) -> None:
    assert leads(Gallery(), new_print(3, 7), now=NOW) == ()
    assert leads(gallery, reference(3, print_of(3, 7), 9000), now=NOW) == (), "faces come unpacked"
    with pytest.raises(BadTemplate):
        leads(gallery, packed(reference(3, print_of(3, 7), 9000, record=77), template=b"x"), now=NOW)


def test_a_search_with_a_mark_gives_leads_and_never_a_hit(gallery: Gallery) -> None:
    outcome = identify(gallery, Probe.of([(Modality.MARK, 0, mark_of(5, 2))]), "BIH", Policy(), now=NOW)
    assert outcome.answer is Answer.REFER
    assert records(outcome.matches) == [10_005]
    strong = identify(gallery, Probe.of([(Modality.MARK, 0, print_of(5, 2))]), "BIH", Policy(), now=NOW)
    assert (strong.answer, strong.matches[0].strength) == (Answer.REFER, 1)
    as_finger = identify(gallery, Probe.of([(Modality.FINGER, 0, print_of(5, 2))]), "BIH", Policy(), now=NOW)
    assert as_finger.answer is Answer.HIT
    stranger = identify(gallery, Probe.of([(Modality.MARK, 0, mark_of(60, 2))]), "BIH", Policy(), now=NOW)
    assert not stranger.matches


def test_a_mark_of_another_palm_or_finger_is_not_compared() -> None:
    gallery = Gallery()
    enrol(gallery, 1, (2,), with_face=False)
    template = packed(a_mark(300, mark_of(1, 2), position=7))
    assert leads(gallery, template, now=NOW) == (), "an examiner who says which finger is believed"
    assert np.count_nonzero(gallery.with_marks()) == 0
