"""Windows of 32 bytes, cut from what a probe consists of, that occur nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from limen.images import decode

WINDOW = 32  # bytes: 2**-256 to occur by chance where bytes are random, and still short enough to find fragments
HEADER = 640  # bytes: a JPEG's header with its standard tables (623), which every JPEG decoder holds
DISTINCT = 14  # different byte values in a window: flat image ground and padding occur everywhere and prove nothing
EACH = 250  # windows of one thing, spread evenly over it


@dataclass(frozen=True)
class Needles:
    """What to look for.

    Attributes:
        windows: uint8 (n, 32), all different.
        kinds: n words, what each was cut from: `file`, `pixels`, `tensor`, `template`, ...
    """

    windows: np.ndarray
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.windows)

    @classmethod
    def cut(cls, things: Iterable[tuple[str, bytes]]) -> Self:
        """Windows of each (kind, bytes); things without content, such as blank images, give none."""
        found: dict[bytes, str] = {}
        for kind, data in things:
            for window in _windows(data):
                found.setdefault(window, kind)
        flat = np.frombuffer(b"".join(found), np.uint8).reshape(-1, WINDOW)
        return cls(flat, tuple(found.values()))

    @classmethod
    def of_images(cls, files: Iterable[Path]) -> Self:
        """Windows of image files: of their bytes and of their pixels, in colour and in grey."""
        return cls.cut(thing for file in files for thing in image_things(file.read_bytes()))


def image_things(data: bytes) -> list[tuple[str, bytes]]:
    """What an image is while it is worked on: the file, its pixels as decoded, and in grey."""
    image = decode(data)
    pixels = np.ascontiguousarray(image.pixels)
    things = [("file", data), ("pixels", pixels.tobytes())]
    if pixels.ndim == 3:
        things.append(("pixels", np.ascontiguousarray(image.grey()).tobytes()))
    return things


def _windows(data: bytes) -> Iterable[bytes]:
    """Up to EACH windows with enough different bytes, spread evenly over all but the file header."""
    if len(data) < WINDOW + HEADER:
        return
    starts = np.unique(np.linspace(HEADER, len(data) - WINDOW, 4 * EACH).astype(int))
    rich = [start for start in starts if len(set(data[start : start + WINDOW])) >= DISTINCT]
    for start in rich[:: max(1, len(rich) // EACH)][:EACH]:
        yield data[start : start + WINDOW]
