"""Made-up people for tests: faces as random unit vectors, fingers from `tests.ridge.prints`."""

from __future__ import annotations

import numpy as np
from tests.ridge.prints import finger, impression

from limen.countries import EVERYONE
from limen.face.template import FaceTemplate
from limen.matcher.gallery import Gallery
from limen.matcher.references import Reference
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality, Position

MODEL, DIMENSION = "sface", 128


def face(person: int, photo: int = 0, likeness: float = 0.72, quality: int = 70) -> FaceTemplate:
    """A photo of a made-up person: any two photos of one have a cosine of about `likeness`."""
    centre = _unit(np.random.default_rng([1, person]).normal(size=DIMENSION))
    other = np.random.default_rng([2, person, photo]).normal(size=DIMENSION)
    other -= (other @ centre) * centre
    vector = np.sqrt(likeness) * centre + np.sqrt(1 - likeness) * _unit(other)
    return FaceTemplate(MODEL, vector.astype(np.float32), quality)


def print_of(person: int, position: int, take: int = 0) -> RidgeTemplate:
    """An impression of a made-up person's finger; take 0 is the finger itself."""
    whole = finger(1000 * person + position)
    return whole if take == 0 else impression(whole, take, turn=0.1 * take, shift=(5.0 * take, -3.0))


def reference(person: int, template: FaceTemplate | RidgeTemplate, sample: int, **changes: object) -> Reference:
    """A reference that everyone may see, for ever."""
    fields: dict = {
        "record": 10_000 + person,
        "sample": sample,
        "owner": "FRA",
        "visible": EVERYONE,
        "valid_from": 0,
        "valid_until": 0,
        "modality": Modality.FACE if isinstance(template, FaceTemplate) else Modality.FINGER,
        "position": 0,
        "template": template,
    }
    return Reference(**fields | changes)


def enrol(gallery: Gallery, person: int, positions: tuple[int, ...] = (), with_face: bool = True, **changes) -> None:
    """Enrol a person: sample handles are 100 * person + position, 0 for the face."""
    if with_face:
        gallery.put(reference(person, face(person), 100 * person + 50, **changes))
    for position in positions:
        template = print_of(person, position)
        gallery.put(reference(person, template, 100 * person + position, position=position, **changes))


INDEX = (Position.RIGHT_INDEX, Position.LEFT_INDEX)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
