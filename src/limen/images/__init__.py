"""Bytes to pixels with resolution: WSQ, JPEG, JPEG 2000, PNG, TIFF, BMP and PGM/PPM.

Strangers' bytes: to be called only where a crash harms nobody else (the opener's workers, a child of the command line).
"""

from limen.images.decoding import MAX_BYTES, MAX_PIXELS, Image, decode, warm
from limen.images.header import Header, sniff
from limen.images.preview import portrait

__all__ = ["MAX_BYTES", "MAX_PIXELS", "Header", "Image", "decode", "portrait", "sniff", "warm"]
