"""What workers work with: models and decoders, loaded and used once in the zygote, inherited by every fork."""

from __future__ import annotations

from dataclasses import dataclass

from limen import images
from limen.face.extract import FaceExtractor
from limen.ridge.extract import RidgeExtractor


@dataclass(frozen=True)
class Tools:
    """The extractors."""

    face: FaceExtractor
    ridge: RidgeExtractor


def load() -> Tools:
    """Load and warm everything, so that no worker opens a file or pays for a first use; takes seconds.

    Raises:
        Damaged: a model's file is missing or changed.
    """
    tools = Tools(FaceExtractor(), RidgeExtractor())
    tools.face.warm()
    tools.ridge.warm()
    images.warm()
    return tools
