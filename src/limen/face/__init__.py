"""Pixels to face template; two templates to evidence."""

from limen.face.extract import FaceExtractor, FaceResult
from limen.face.template import FaceTemplate

__all__ = ["FaceExtractor", "FaceResult", "FaceTemplate"]
