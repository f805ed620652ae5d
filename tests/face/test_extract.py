"""From photo to template, on the portrait that ships with scikit-image (public domain, NASA)."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from limen.face import FaceExtractor, FaceTemplate
from limen.face.extract import FaceResult, choose
from limen.images import Image
from limen.reasons import Reason


@pytest.fixture(scope="module")
def extractor() -> FaceExtractor:
    made = FaceExtractor()
    made.warm()
    return made


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return skimage.data.astronaut()


def _extract(extractor: FaceExtractor, pixels: np.ndarray) -> FaceResult:
    return extractor.extract(Image(np.ascontiguousarray(pixels), None, "png"))


def _scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    size = round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)
    return np.asarray(Pillow.fromarray(pixels).resize(size, Pillow.Resampling.LANCZOS))


def _likeness(one: FaceResult, other: FaceResult) -> float:
    assert one.template is not None and other.template is not None
    return float(one.template.vector @ other.template.vector)


@pytest.fixture(scope="module")
def original(extractor: FaceExtractor, portrait: np.ndarray) -> FaceResult:
    return _extract(extractor, portrait)


def test_a_good_portrait_gives_a_template_and_no_complaint(original: FaceResult) -> None:
    assert original.template is not None
    assert original.reasons == []
    assert original.quality >= 50
    assert len(original.faces) == 1
    assert FaceTemplate.unpack(original.template.pack()).vector == pytest.approx(original.template.vector)


def test_the_landmarks_lie_where_the_face_is(original: FaceResult) -> None:
    right_eye, left_eye, nose, right_mouth, left_mouth = original.faces[0].landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert right_eye == pytest.approx([200, 101], abs=4)
    assert left_eye == pytest.approx([247, 102], abs=4)


@pytest.mark.parametrize("factor", [0.3, 0.7, 2.0, 6.0])
def test_the_same_photo_at_another_size_is_the_same_face(extractor, portrait, original, factor: float) -> None:
    assert _likeness(_extract(extractor, _scaled(portrait, factor)), original) > 0.7


def test_a_tilted_or_mirrored_photo_is_the_same_face(extractor, portrait, original) -> None:
    tilted = np.asarray(Pillow.fromarray(portrait).rotate(20, Pillow.Resampling.BICUBIC))
    assert _likeness(_extract(extractor, tilted), original) > 0.8
    assert _likeness(_extract(extractor, portrait[:, ::-1]), original) > 0.95


def test_a_face_that_fills_the_photo_is_found(extractor, portrait, original) -> None:
    result = _extract(extractor, _scaled(portrait[60:190, 165:285], 4))
    assert _likeness(result, original) > 0.7


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((480, 640, 3), np.uint8),
        np.full((300, 300, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((2000, 3, 3), np.uint8),
        np.zeros((200, 200), np.uint8),
    ],
)
def test_a_photo_of_nothing_says_so(extractor, pixels: np.ndarray) -> None:
    result = _extract(extractor, pixels)
    assert result.template is None
    assert set(result.reasons) == {Reason.NO_FACE, Reason.NO_CONTRAST}


def test_a_picture_without_a_face_says_so(extractor) -> None:
    result = _extract(extractor, skimage.data.coffee())
    assert (result.template, result.reasons) == (None, [Reason.NO_FACE])


def test_noise_is_no_face(extractor) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)
    assert _extract(extractor, noise).reasons == [Reason.NO_FACE]


def test_defects_are_named(extractor, portrait) -> None:
    grey = np.repeat(portrait.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    assert Reason.NO_COLOUR in _extract(extractor, grey).reasons
    assert Reason.NO_COLOUR in _extract(extractor, grey[:, :, 0]).reasons
    assert Reason.TOO_DARK in _extract(extractor, portrait // 5).reasons
    small = _extract(extractor, _scaled(portrait, 0.35))
    assert Reason.FACE_TOO_SMALL in small.reasons
    soft = _scaled(_scaled(portrait, 0.18), 1 / 0.18)
    assert Reason.FACE_BLURRED in _extract(extractor, soft).reasons
    cut = _extract(extractor, portrait[:, 215:])
    assert cut.template is None or Reason.FACE_CUT_OFF in cut.reasons or Reason.FACE_TURNED in cut.reasons


def test_quality_falls_with_blur(extractor, portrait, original) -> None:
    soft = _extract(extractor, _scaled(_scaled(portrait, 0.25), 4))
    assert soft.quality < original.quality - 10


def test_two_people_are_warned_of_and_the_nearer_to_the_middle_is_taken(extractor, portrait) -> None:
    pair = np.concatenate([portrait[:300, 100:350], portrait[:300, 100:350]], axis=1)
    result = _extract(extractor, pair)
    assert len(result.faces) == 2
    assert Reason.SEVERAL_FACES in result.reasons


def test_the_officer_chooses_among_faces_by_number(extractor, portrait, original) -> None:
    other = _scaled(skimage.data.astronaut()[:300, 100:350][:, ::-1] // 2 + 60, 0.8)
    scene = np.concatenate([portrait[:240, 100:350], other], axis=1)
    first, second = (_chosen(extractor, scene, number) for number in (1, 2))
    assert first.faces[0].width > second.faces[1].width
    assert (first.chosen, second.chosen) == (0, 1)
    for result in (first, second):  # nothing to warn of: somebody looked
        assert result.template is not None and Reason.SEVERAL_FACES not in result.reasons
    assert _likeness(first, original) > _likeness(second, original)
    none = _chosen(extractor, scene, 3)
    assert (none.template, none.reasons, len(none.faces)) == (None, [Reason.NO_SUCH_FACE], 2)
    assert _chosen(extractor, portrait, 1).reasons == []


def _chosen(extractor: FaceExtractor, pixels: np.ndarray, number: int) -> FaceResult:
    return extractor.extract(Image(np.ascontiguousarray(pixels), None, "png"), face=number)


def test_a_small_face_in_the_background_is_no_rival(extractor, portrait) -> None:
    scene = portrait.copy()
    scene[:100, 400:500] = _scaled(portrait[40:240, 120:320], 0.5)
    result = _extract(extractor, scene)
    assert Reason.SEVERAL_FACES not in result.reasons
    chosen = result.faces[choose(result.faces, scene.shape)]
    assert chosen.landmarks[2] == pytest.approx([227, 135], abs=15)


def test_a_rehearsal_goes_all_the_way_with_a_picture_of_nothing(extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    (embedder,) = extractor._embedders
    real = type(embedder).template
    monkeypatch.setattr(type(embedder), "template", lambda *args, **how: asked.append(how) or real(*args, **how))
    extractor.rehearse(Image(np.full((480, 640, 3), 128, np.uint8), None, "jpeg"))
    assert asked == [{"mirrored": extractor.mirrored}]
