"""Windows of 32 bytes, cut from what a probe consists of, that occur nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from limen.images import decode

WINDOW = 32  # bytes: 2**-256 to occur by chance where bytes are random, and still short enough to find fragments
HEADER = 640  # bytes: a JPEG's header with its standard tables (623), which every JPEG decoder holds
DISTINCT = 14  # different byte values in a window: flat image ground and padding occur everywhere and prove nothing
DISTINCT_NUMBERS = 7  # different values of the eight in a window of 32-bit numbers
EACH = 250  # windows of one thing, spread evenly over it


@dataclass(frozen=True)
class Thing:
    """Something that holds a probe, as it lies in memory.

    Attributes:
        kind: what it is, in a word: `file`, `pixels`, `tensor`, `template`, ...
        data: its bytes.
        numbers: it is an array of 32-bit numbers, so windows begin with one.
    """

    kind: str
    data: bytes
    numbers: bool = False


@dataclass(frozen=True)
class Needles:
    """What to look for.

    Attributes:
        windows: uint8 (n, 32), all different.
        kinds: n words, what each was cut from.
    """

    windows: np.ndarray
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.windows)

    @classmethod
    def cut(cls, things: Iterable[Thing]) -> Self:
        """Windows of each thing; things without content, such as blank images, give none."""
        found: dict[bytes, str] = {}
        for thing in things:
            for window in _windows(thing):
                found.setdefault(window, thing.kind)
        flat = np.frombuffer(b"".join(found), np.uint8).reshape(-1, WINDOW)
        return cls(flat, tuple(found.values()))

    @classmethod
    def of_images(cls, files: Iterable[Path]) -> Self:
        """Windows of image files: of their bytes and of their pixels, in colour and in grey."""
        return cls.cut(thing for file in files for thing in image_things(file.read_bytes()))

    def without_windows(self, known: set[bytes]) -> Self:
        """All but these windows."""
        keep = [number for number, window in enumerate(self.windows) if bytes(window) not in known]
        return type(self)(self.windows[keep], tuple(self.kinds[number] for number in keep))


def image_things(data: bytes) -> list[Thing]:
    """What an image is while it is worked on: the file, its pixels as decoded, and in grey."""
    image = decode(data)
    pixels = np.ascontiguousarray(image.pixels)
    things = [Thing("file", data[HEADER:]), Thing("pixels", pixels.tobytes())]
    if pixels.ndim == 3:
        things.append(Thing("pixels", np.ascontiguousarray(image.grey()).tobytes()))
    return things


def _windows(thing: Thing) -> Iterator[bytes]:
    """Up to EACH windows with enough different values, spread evenly."""
    data, step = thing.data, 4 if thing.numbers else 1
    if len(data) < WINDOW:
        return
    starts = np.unique(np.linspace(0, (len(data) - WINDOW) // step, 4 * EACH).astype(int)) * step
    rich = [start for start in starts.tolist() if _rich(data[start : start + WINDOW], thing.numbers)]
    for start in rich[:: max(1, len(rich) // EACH)][:EACH]:
        yield data[start : start + WINDOW]


def _rich(window: bytes, numbers: bool) -> bool:
    if numbers:
        return len(set(np.frombuffer(window, "<u4").tolist())) >= DISTINCT_NUMBERS
    return len(set(window)) >= DISTINCT
