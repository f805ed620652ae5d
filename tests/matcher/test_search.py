"""Searches over made-up people, from templates to answer."""

from __future__ import annotations

import numpy as np
import pytest
from tests.matcher.people import enrol, face, print_of, reference

from limen import countries
from limen.matcher.decision import Policy
from limen.matcher.gallery import Gallery
from limen.matcher.search import Outcome, Probe, identify
from limen.reasons import Reason
from limen.terms import Answer, Modality

PEOPLE = 300
FACE, FINGER = Modality.FACE, Modality.FINGER


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    made = Gallery()
    for person in range(1, PEOPLE):
        hidden = countries.bitmap(["DEU"]) if person % 10 == 0 else countries.EVERYONE
        enrol(made, person, (2, 7) if person % 3 else (), with_face=person % 4 != 0, visible=hidden)
    return made


def _search(gallery: Gallery, *samples, country: str = "BIH", **options) -> Outcome:
    return identify(gallery, Probe.of(samples), country, Policy(), **options)


def _takes(person: int, *positions: int, said: int | None = None):
    return [(FINGER, position if said is None else said, print_of(person, position, 1)) for position in positions]


def test_face_and_fingers_find_a_person(gallery: Gallery) -> None:
    outcome = _search(gallery, (FACE, 0, face(5, 1)), *_takes(5, 2, 7))
    assert outcome.answer is Answer.HIT
    (match,) = outcome.matches
    assert (match.record, match.strength) == (10_005, 2)
    assert match.modalities == 1 << FACE | 1 << FINGER
    assert match.fingers == 1 << 2 | 1 << 7
    assert match.sample in (502, 507, 550)


def test_two_fingers_find_a_person(gallery: Gallery) -> None:
    outcome = _search(gallery, *_takes(4, 2, 7))
    assert (outcome.answer, outcome.matches[0].record) == (Answer.HIT, 10_004)


def test_fingers_of_unknown_position_find_a_person(gallery: Gallery) -> None:
    outcome = _search(gallery, *_takes(4, 7, 2, said=0))
    assert (outcome.answer, outcome.matches[0].record) == (Answer.HIT, 10_004)


def test_a_finger_under_a_wrong_position_is_not_found(gallery: Gallery) -> None:
    assert _search(gallery, *_takes(4, 2, said=7)).matches == ()


def test_a_face_alone_is_a_lead(gallery: Gallery) -> None:
    outcome = _search(gallery, (FACE, 0, face(7, 1)))
    assert (outcome.answer, outcome.reasons) == (Answer.REFER, {Reason.FACE_LEAD_ONLY})
    assert outcome.matches[0].record == 10_007


def test_strangers_are_no_hit(gallery: Gallery) -> None:
    answers = {_search(gallery, (FACE, 0, face(p, 1)), *_takes(p, 2, 7)).answer for p in range(5000, 5020)}
    assert answers == {Answer.NO_HIT}


def test_a_record_is_found_only_by_those_who_may_see_it(gallery: Gallery) -> None:
    probe = (FACE, 0, face(10, 1)), *_takes(10, 2, 7)
    assert [_search(gallery, *probe, country=c).answer for c in ("BIH", "DEU", "FRA")] == [
        Answer.NO_HIT,
        Answer.HIT,
        Answer.HIT,
    ]


def test_a_withdrawn_record_is_not_found_any_more() -> None:
    gallery = Gallery()
    for person in range(1, 30):
        enrol(gallery, person, (2,))
    probe = (FACE, 0, face(5, 1)), *_takes(5, 2)
    assert _search(gallery, *probe).answer is Answer.HIT
    gallery.withdraw(10_005)
    assert _search(gallery, *probe).answer is Answer.NO_HIT


def test_a_poor_photo_cannot_rule_anyone_out(gallery: Gallery) -> None:
    strict, probe = Policy(fpir_refer=1e-6), Probe.of([(FACE, 0, face(5000, 1, quality=3))])
    outcome = identify(gallery, probe, "BIH", strict)
    assert (outcome.answer, outcome.reasons) == (Answer.CANNOT_TELL, {Reason.PROBE_TOO_POOR})


def test_good_fingers_do_not_rule_out_records_that_hold_none() -> None:
    gallery = Gallery()
    for person in range(1, 100):
        enrol(gallery, person)
    assert _search(gallery, *_takes(5000, 2, 7)).answer is Answer.CANNOT_TELL
    assert _search(gallery, (FACE, 0, face(5000, 1)), *_takes(5000, 2, 7)).answer is Answer.NO_HIT


def test_an_empty_gallery_that_is_complete_is_no_hit() -> None:
    outcome = _search(Gallery(), (FACE, 0, face(1)))
    assert (outcome.answer, outcome.records, outcome.samples) == (Answer.NO_HIT, 0, 0)
    assert _search(Gallery(), (FACE, 0, face(1)), complete=False).answer is Answer.CANNOT_TELL


def test_a_probe_without_usable_samples_cannot_tell(gallery: Gallery) -> None:
    assert _search(gallery).answer is Answer.CANNOT_TELL


def test_several_photos_of_the_probe_count_as_one_person(gallery: Gallery) -> None:
    weak = [(FACE, 0, face(7, photo, likeness=0.5)) for photo in range(1, 5)]
    outcome = _search(gallery, *weak)
    assert outcome.matches[0].record == 10_007


def test_several_photos_of_a_record_count_together() -> None:
    gallery = Gallery()
    for person in range(1, 200):
        for photo in range(8):
            template = face(person, 10 + photo, likeness=0.33)
            gallery.put(reference(person, template, 10 * person + photo))
    alone = Gallery()
    for person in range(1, 200):
        alone.put(reference(person, face(person, 10, likeness=0.33), 10 * person))
    probe = (FACE, 0, face(7, 1, likeness=0.33))
    assert _search(gallery, probe).matches[0].record == 10_007
    assert not _search(alone, probe).matches


def test_hidden_records_do_not_push_out_visible_ones() -> None:
    gallery = Gallery()
    template = print_of(1, 2)
    for person in range(2, 300):  # near copies that the searcher may not see
        gallery.put(_hidden(person, template))
    enrol(gallery, 1, (2,), with_face=False)
    outcome = _search(gallery, *_takes(1, 2))
    assert [match.record for match in outcome.matches] == [10_001]


@pytest.mark.parametrize("shown", [3, 600])
def test_hidden_copies_that_take_every_place_lose_no_mate(shown: int) -> None:
    """More hidden near copies than prints that a search compares exactly, among few and many visible records."""
    gallery, mate = Gallery(), print_of(1, 2)
    takes = [print_of(1, 2, take) for take in range(1, 9)]
    for person in range(1001, 1700):
        gallery.put(_hidden(person, takes[person % 8]))
    for person in range(2000, 2000 + shown):
        gallery.put(reference(person, print_of(person % 40 + 50, 2), 10_000 + person, position=2))
    gallery.put(reference(1, mate, 5, position=2))
    outcome = _search(gallery, *_takes(1, 2))
    assert [match.record for match in outcome.matches] == [10_001]


def test_a_wiped_probe_holds_nothing() -> None:
    template, vector = print_of(1, 2), face(1)
    probe = Probe.of([(FINGER, 2, template), (FACE, 0, vector)])
    probe.wipe()
    assert not vector.vector.any() and not template.x.any() and not template.angle.any()
    assert (probe.faces, probe.prints) == ([], [])


def _hidden(person: int, template):
    return reference(person, template, person, position=2, owner="DEU", visible=countries.bitmap([]))


def test_searching_leaves_the_probe_as_it_was(gallery: Gallery) -> None:
    vector = face(5, 1)
    before = vector.vector.copy()
    _search(gallery, (FACE, 0, vector))
    assert np.array_equal(vector.vector, before)
