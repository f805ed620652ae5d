"""From a photo to a face template: detect, choose, align, measure, embed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from limen import models
from limen.face import quality
from limen.face.align import CANON, SIDE, crop
from limen.face.detect import Face, detect, first_look
from limen.face.embed import Embedder
from limen.face.quality import Measures
from limen.face.refine import refine
from limen.face.template import FaceTemplate
from limen.models.in_use import DEFAULT
from limen.reasons import Reason

if TYPE_CHECKING:
    from limen.images import Image

DETECTOR = "yunet"
RIVAL = 0.5  # a second face of this share of the chosen one's area makes it doubtful who is meant


@dataclass(frozen=True)
class FaceResult:
    """What a photo gave.

    Attributes:
        template: of the chosen face, or None where there is no usable one.
        quality: 0-100, unified quality of the chosen face; 0 without one.
        reasons: what is wrong, worst first where a template is missing; may be set beside a usable template.
        faces: all faces found, largest first; the chosen one is `chosen`.
        chosen: index into `faces`, -1 if there is none.
        measures: quality components of the chosen face.
        further: templates of the same face by the extractor's other models.
        strength: length of the raw embedding that the template was made from; 0 without one.
    """

    template: FaceTemplate | None
    quality: int
    reasons: list[Reason]
    faces: list[Face]
    chosen: int = -1
    measures: Measures | None = None
    further: tuple[FaceTemplate, ...] = ()
    strength: float = 0.0


class FaceExtractor:
    """Extracts face templates. Made once, in a process that may fork afterwards; not for several threads at once.

    Attributes:
        mirrored: whether a face's mirror image is embedded too, and both are added. References are made so; a probe is
            searched without, in half the time (decision 0270).
    """

    def __init__(self, names: Sequence[str] = (DEFAULT,), *, centred: bool = True) -> None:
        """Load the detector and the embedding models.

        Args:
            names: of the embedding models; the first makes the template, the others `FaceResult.further`.
            centred: False leaves embeddings as they come, for calibration.

        Raises:
            NotFound: there is no such model.
            Damaged: a file is missing or changed, or a model is not calibrated.
        """
        self.mirrored = True
        self._detector = models.session(DETECTOR)
        self._embedders = [Embedder.load(name, centred=centred) for name in names]

    @property
    def names(self) -> list[str]:
        """Names of the embedding models in use."""
        return [embedder.name for embedder in self._embedders]

    def use(self, names: Sequence[str]) -> None:
        """Change the embedding models; if one cannot be used, nothing changes. Raises as `__init__`."""
        known = {embedder.name: embedder for embedder in self._embedders}
        self._embedders = [known.get(name) or Embedder.load(name) for name in names]

    def warm(self) -> None:
        """Run all models once at every size, so that the first photo is as fast as the next."""
        blank = np.full((480, 640, 3), 128, np.uint8)
        self.detect(blank)
        refine(self._detector, blank, CANON.astype(np.float32))
        for embedder in self._embedders:
            for mirrored in (True, False):
                embedder.template(blank, CANON, np.full((SIDE, SIDE, 3), 128, np.uint8), mirrored=mirrored)

    def rehearse(self, image: Image) -> None:
        """Do with a picture what `extract` does with a portrait, as if a face were in the middle. Nothing is found."""
        rgb = image.rgb()
        first_look(self._detector, rgb)
        left, top = (rgb.shape[1] - SIDE) / 2, (rgb.shape[0] - SIDE) / 2
        landmarks = refine(self._detector, rgb, np.add(CANON, (left, top)).astype(np.float32))
        aligned = crop(rgb, landmarks)
        quality.measure(Face(left, top, SIDE, SIDE, landmarks, 1.0), aligned, rgb.shape)
        for embedder in self._embedders:
            embedder.template(rgb, landmarks, aligned, mirrored=self.mirrored)

    def extract(self, image: Image, *, face: int = 0) -> FaceResult:
        """The template of the person in a photo, and what is wrong with the photo.

        Never raises for what the photo shows: an unusable one gives no template, and reasons.

        Args:
            image: upright.
            face: number of the face that is meant, from 1, largest first; 0 takes the most prominent, and warns of
                others that are nearly as large.
        """
        rgb = image.rgb()
        faces = self.detect(rgb)
        if not faces:
            reasons = [Reason.NO_CONTRAST] if quality.shows_nothing(rgb) else []
            return FaceResult(None, 0, [*reasons, Reason.NO_FACE], [])
        if face > len(faces):
            return FaceResult(None, 0, [Reason.NO_SUCH_FACE], faces)
        chosen = face - 1 if face else choose(faces, rgb.shape)
        taken = replace(faces[chosen], landmarks=refine(self._detector, rgb, faces[chosen].landmarks))
        faces[chosen] = taken
        aligned = crop(rgb, taken.landmarks)
        measures = quality.measure(taken, aligned, rgb.shape)
        made = [e.template(rgb, taken.landmarks, aligned, mirrored=self.mirrored) for e in self._embedders]
        template, *further = (replace(one, quality=quality.believed(one.quality, measures)) for one, _ in made)
        strength = made[0][1]
        reasons = quality.complaints(measures, template.quality)
        if not face and any(f.width * f.height > RIVAL * taken.width * taken.height for f in faces if f is not taken):
            reasons.append(Reason.SEVERAL_FACES)
        if not quality.usable(measures):
            return FaceResult(None, template.quality, reasons, faces, chosen, measures)
        return FaceResult(template, template.quality, reasons, faces, chosen, measures, tuple(further), strength)

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """All faces in a photo, largest first. rgb: uint8 (height, width, 3)."""
        return detect(self._detector, rgb)


def choose(faces: list[Face], shape: tuple[int, ...]) -> int:
    """Which face is meant: large and near the middle of the photo. Index into `faces`, which must not be empty.

    Each face's area counts less the farther its centre lies from the photo's, by the square of one minus that distance
    in units of the photo's mean side.
    """
    height, width = shape[:2]

    def weight(face: Face) -> float:
        offset = np.hypot(face.x + face.width / 2 - width / 2, face.y + face.height / 2 - height / 2)
        return float(face.width * face.height * max(0.01, 1 - offset / np.sqrt(width * height)) ** 2)

    return max(range(len(faces)), key=lambda index: weight(faces[index]))
