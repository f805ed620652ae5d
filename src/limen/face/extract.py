"""From a photo to a face template: detect, choose, align, measure, embed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from limen import models
from limen.face import evidence, quality
from limen.face.align import CANON, SIDE, crop
from limen.face.detect import Face, detect
from limen.face.quality import Measures
from limen.face.refine import refine
from limen.face.template import FaceTemplate
from limen.reasons import Reason

if TYPE_CHECKING:
    from limen.images import Image

DETECTOR, EMBEDDER = "yunet", "sface"
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
    """

    template: FaceTemplate | None
    quality: int
    reasons: list[Reason]
    faces: list[Face]
    chosen: int = -1
    measures: Measures | None = None


class FaceExtractor:
    """Extracts face templates. Made once, in a process that may fork afterwards; not for several threads at once."""

    def __init__(self, centre: np.ndarray | None = None) -> None:
        """Load both models; `Damaged` if a file is missing or changed.

        Args:
            centre: what to take off embeddings, float32 (dimension,); default the model's calibrated centre.
        """
        self.manifest = models.manifest(EMBEDDER)
        self._centre = evidence.calibration(EMBEDDER).centre if centre is None else centre
        self._detector = models.session(DETECTOR)
        self._embedder = models.session(EMBEDDER)

    def warm(self) -> None:
        """Run both models once at every size, so that the first photo is as fast as the next."""
        blank = np.full((480, 640, 3), 128, np.uint8)
        self.detect(blank)
        refine(self._detector, blank, CANON.astype(np.float32))
        self.embed(np.full((SIDE, SIDE, 3), 128, np.uint8))

    def extract(self, image: Image) -> FaceResult:
        """The template of the person in a photo, and what is wrong with the photo.

        Never raises for what the photo shows: an unusable one gives no template, and reasons.
        """
        rgb = image.rgb()
        faces = self.detect(rgb)
        if not faces:
            reasons = [Reason.NO_CONTRAST] if quality.shows_nothing(rgb) else []
            return FaceResult(None, 0, [*reasons, Reason.NO_FACE], [])
        chosen = choose(faces, rgb.shape)
        face = replace(faces[chosen], landmarks=refine(self._detector, rgb, faces[chosen].landmarks))
        faces[chosen] = face
        aligned = crop(rgb, face.landmarks)
        measures = quality.measure(face, aligned, rgb.shape)
        vector, strength = self.embed(aligned)
        score = quality.unified(strength)
        reasons = quality.complaints(measures)
        if any(f.width * f.height > RIVAL * face.width * face.height for f in faces if f is not face):
            reasons.append(Reason.SEVERAL_FACES)
        template = FaceTemplate(EMBEDDER, vector, score) if quality.usable(measures) else None
        return FaceResult(template, score, reasons, faces, chosen, measures)

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """All faces in a photo, largest first. rgb: uint8 (height, width, 3)."""
        return detect(self._detector, rgb)

    def embed(self, aligned: np.ndarray) -> tuple[np.ndarray, float]:
        """Embedding of an aligned face and of its mirror image, added, less what all faces have in common.

        SFace's embeddings of all people point the same way a little (cosine 0.087 between strangers). What is left
        after taking that centre off tells people apart better: a quarter of the misses at FPIR 1 % go (decision 0121).

        Args:
            aligned: uint8 (112, 112, 3).

        Returns:
            Unit vector float32 (dimension,), and the mean length of the two embeddings before scaling: the model's
            own confidence, which falls with blur, occlusion and pose.
        """
        pair = np.stack([aligned, aligned[:, ::-1]]).transpose(0, 3, 1, 2).astype(np.float32)
        raw = self._embedder.run(None, {self.manifest.input: pair})[0]
        vector = _unit(_unit(raw.sum(axis=0)) - self._centre)
        return vector, float(np.linalg.norm(raw, axis=1).mean())


def _unit(vector: np.ndarray) -> np.ndarray:
    return (vector / max(float(np.linalg.norm(vector)), 1e-6)).astype(np.float32)


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
