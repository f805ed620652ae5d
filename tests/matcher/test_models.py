"""Galleries with faces of two models: each record is searched by its own, and never by the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.face import variant
from tests.matcher.people import face, print_of, reference

from limen import models
from limen.errors import BadTemplate
from limen.face.template import FaceTemplate
from limen.matcher.decision import Policy
from limen.matcher.gallery import Gallery
from limen.matcher.opening import known_face
from limen.matcher.search import Outcome, Probe, identify
from limen.matcher.tail import FaceTerms, Kind, survival, threshold
from limen.reasons import Reason
from limen.terms import Answer, Modality

PEOPLE = 200
MOVED = 80  # the first of them have templates of the new model already


@pytest.fixture(scope="module", autouse=True)
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("models")
    variant.describe(folder)
    models.look_in(folder)
    yield
    models.look_in(None)


def new_face(person: int, photo: int = 0) -> FaceTemplate:
    """What the new model makes of a photo: 512 numbers, as much alike as the old model's."""
    old = face(person, photo)
    return FaceTemplate(variant.NAME, old.vector @ variant.rotation(), old.quality)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    made = Gallery()
    for person in range(1, PEOPLE):
        made.put(reference(person, (new_face if person < MOVED else face)(person), 100 * person))
    return made


def _search(gallery: Gallery, *faces: FaceTemplate) -> Outcome:
    return identify(gallery, Probe.of([(Modality.FACE, 0, one) for one in faces]), "BIH", Policy())


@pytest.mark.parametrize("person", [5, MOVED - 1, MOVED, PEOPLE - 1])
def test_everyone_is_found_while_a_gallery_moves(gallery: Gallery, person: int) -> None:
    outcome = _search(gallery, new_face(person, 1), face(person, 1))
    assert (outcome.answer, [match.record for match in outcome.matches]) == (Answer.REFER, [10_000 + person])


def test_a_stranger_is_no_hit_while_a_gallery_moves(gallery: Gallery) -> None:
    assert _search(gallery, new_face(999), face(999)).answer is Answer.NO_HIT


def test_a_probe_of_one_model_finds_its_records_and_rules_nobody_else_out(gallery: Gallery) -> None:
    assert _search(gallery, new_face(5, 1)).matches[0].record == 10_005
    for probe in (new_face(PEOPLE - 1, 1), face(5, 1)):  # each is there, under the other model
        outcome = _search(gallery, probe)
        assert (outcome.answer, outcome.reasons) == (Answer.CANNOT_TELL, {Reason.GALLERY_INCOMPLETE})


def test_templates_of_two_models_are_never_compared() -> None:
    gallery, old = Gallery(), face(1)
    same = FaceTemplate(variant.NAME, np.pad(old.vector, (0, 384)), old.quality)  # equal where both have numbers
    gallery.put(reference(1, same, 100))
    outcome = _search(gallery, old)
    assert (outcome.answer, outcome.matches) == (Answer.CANNOT_TELL, ())


def test_a_record_with_photos_by_both_models_is_searched_by_the_first() -> None:
    gallery = Gallery()
    gallery.put(reference(1, face(1), 100))
    gallery.put(reference(1, new_face(1, 2), 101))
    outcome = _search(gallery, new_face(1, 1), face(1, 1))
    assert (outcome.answer, outcome.matches[0].sample) == (Answer.REFER, 101)
    assert _search(gallery, face(1, 1)).matches[0].sample == 100  # nobody is left out: the record has both


def test_a_sample_that_moves_to_the_new_model_replaces_the_old_at_once() -> None:
    gallery = Gallery()
    gallery.put(reference(1, face(1), 100))
    gallery.put(reference(1, new_face(1), 100))
    assert (len(gallery.faces["sface"]), len(gallery.faces[variant.NAME])) == (0, 1)
    assert _search(gallery, new_face(1, 1)).answer is Answer.REFER


def test_records_that_a_country_cannot_see_leave_nothing_out() -> None:
    gallery = Gallery()
    gallery.put(reference(1, face(1), 100, visible=bytes(32)))
    gallery.put(reference(2, new_face(2), 200))
    assert _search(gallery, new_face(3)).answer is Answer.NO_HIT


def test_fingers_alone_are_searched_whatever_the_faces_are(gallery: Gallery) -> None:
    probe = Probe.of([(Modality.FINGER, 2, print_of(1, 2))])
    assert Reason.GALLERY_INCOMPLETE not in identify(gallery, probe, "BIH", Policy()).reasons


def test_thresholds_hold_for_the_worse_of_two_models() -> None:
    one, other = FaceTerms("sface", 70, ((65.0, 1.0),)), FaceTerms(variant.NAME, 40, ((45.0, 1.0),))
    both = replace(one, others=(other,))
    assert (survival(both, ()) >= survival(one, ())).all()
    assert (survival(both, ()) >= survival(other, ())).all()
    alone = [threshold(1e-3, 1000, [Kind(1.0, terms)]) for terms in (one, other)]
    assert threshold(1e-3, 1000, [Kind(1.0, both)]) == max(alone)


def test_a_template_of_an_unknown_model_or_of_another_dimension_is_refused() -> None:
    assert known_face(new_face(1)).model == variant.NAME
    with pytest.raises(BadTemplate, match="does not know"):
        known_face(FaceTemplate("nobody", face(1).vector, 70))
    with pytest.raises(BadTemplate, match="does not know"):
        known_face(FaceTemplate("leader", face(1).vector, 70))
    with pytest.raises(BadTemplate, match="dimension"):
        known_face(FaceTemplate(variant.NAME, face(1).vector, 70))
    gallery = Gallery()
    gallery.put(reference(1, face(1), 100))
    with pytest.raises(BadTemplate, match="dimension"):
        gallery.put(reference(2, FaceTemplate("sface", np.ones(4, np.float32) / 2, 70), 200))
    assert gallery.records == 1
