"""A small picture for people's eyes: what a hit page shows of a record."""

from __future__ import annotations

import io

from PIL import Image as Pillow

from limen.images.decoding import Image

MAX_HEIGHT = 480  # pixels: fills a phone's screen, and is no forensic copy
_MAX_WIDTH = 960  # pixels, for slaps
_QUALITY = 85  # of JPEG; artefacts stay invisible at this size


def portrait(image: Image, *, max_height: int = MAX_HEIGHT) -> bytes:
    """JPEG of a face or print, at most `max_height` pixels high, never enlarged, without any metadata."""
    picture = Pillow.fromarray(image.pixels)
    picture.thumbnail((_MAX_WIDTH, max_height), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()
