"""What is looked for: every form that a probe takes inside the hub, and nothing that any image has."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from limen.capture.container import Sample
from limen.evaluation.forgetting import Needles
from limen.evaluation.forgetting.needles import EACH, Thing
from limen.evaluation.forgetting.things import Tracer
from limen.evaluation.synthesis import Finger
from limen.terms import Modality, Position


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", dpi=(500, 500))
    return out.getvalue()


@pytest.fixture(scope="module")
def tracer() -> Tracer:
    return Tracer()


def test_a_face_is_looked_for_in_all_its_forms(tracer: Tracer) -> None:
    face = Sample(Modality.FACE, Position.UNKNOWN, png(pictures.astronaut()))
    kinds = set(Needles.cut(tracer.things([face])).kinds)
    assert kinds == {"file", "pixels", "tensor", "embedding", "template", "code"}


def test_a_finger_is_looked_for_in_all_its_forms(tracer: Tracer) -> None:
    finger = Sample(Modality.FINGER, Position.RIGHT_INDEX, png(Finger(5, 2).impression(0, quality=0.9)))
    kinds = set(Needles.cut(tracer.things([finger])).kinds)
    assert kinds >= {"file", "pixels", "embedding", "template"}


def test_an_unreadable_image_is_looked_for_by_its_bytes(tracer: Tracer) -> None:
    noise = np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    assert set(Needles.cut(tracer.things([Sample(Modality.FACE, Position.UNKNOWN, noise)])).kinds) == {"file"}


def test_numbers_are_cut_where_numbers_begin() -> None:
    numbers = np.random.default_rng(2).integers(0, 256, 4000).astype(np.float32)
    needles = Needles.cut([Thing("tensor", numbers.tobytes(), numbers=True)])
    assert 100 < len(needles) <= EACH
    assert set(np.frombuffer(needles.windows.tobytes(), np.float32)) <= set(numbers)


def test_what_was_known_before_is_left_out() -> None:
    needles = Needles.cut([Thing("a", np.random.default_rng(3).bytes(2000))])
    known = {bytes(needles.windows[0]), bytes(needles.windows[5])}
    rest = needles.without_windows(known)
    assert len(rest) == len(needles) - 2 == len(rest.kinds)
    assert not known & set(map(bytes, rest.windows))
