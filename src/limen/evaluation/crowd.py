"""Templates of made-up fingers by the million, for galleries whose size is what matters.

A template-level generator: no image is drawn. What it copies from real plain fingers (LEADER's templates of four FVC
sets and of 51 fingers on a 1 x 1 inch scanner; docs/performance.md): the number of minutiae and its spread, their
distances, their quality, and directions that follow a ridge flow with an arch's, a loop's or a whorl's singular
points (B. Sherlock, D. Monro, "A model for interpreting fingerprint topology", Pattern Recognition 26(7), 1993).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from limen.ridge.template import SUBPIXEL, RidgeTemplate

WIDTH, HEIGHT = 400, 480  # pixels at 500 ppi
SEMI_X, SEMI_Y = 130.0, 185.0  # pixels: the ellipse that a plain finger leaves, give or take
CELL = 23.0  # pixels: one place for a minutia; its spread over the cell gives the real ones' distances
SPREAD = 0.42  # of a cell: standard deviation would be regular; uniform within this share of a side
MEAN, DEVIATION, FEWEST, MOST = 56.0, 17.0, 8, 120  # minutiae of a finger (real: 58 and 19)
#: Quality of minutiae at every twentieth of the real ones.
QUALITY = (10, 15, 24, 37, 52, 66, 76, 83, 87, 90, 92, 93, 94, 94, 95, 95, 96, 96, 96, 97, 98)
ARCH, LOOP = 0.07, 0.65  # shares of patterns (fingers of the FBI's card file); the rest are whorls
NOISE = 0.10  # radians, of a direction about the flow
BATCH = 500  # fingers made at once

_HEAD = struct.Struct("<16sBBHHH")
_MINUTIA = np.dtype([("x", "<u2"), ("y", "<u2"), ("angle", "<u2"), ("kind", "u1"), ("quality", "u1")])


class Crowd:
    """A stream of fingers; the same seed gives the same fingers."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def fingers(self, count: int, position: int = 0) -> Iterator[bytes]:
        """That many fingers, as `RidgeTemplate.pack` gives them."""
        while count > 0:
            yield from self._batch(min(count, BATCH), position)
            count -= BATCH

    def _batch(self, count: int, position: int) -> Iterator[bytes]:
        random = self._random
        x, y, inside = _places(random, count)
        wanted = np.clip(random.normal(MEAN, DEVIATION, count), FEWEST, MOST)
        keep = inside & (random.random(x.shape) < (wanted / inside.sum(axis=1))[:, None])
        angle = _flow(random, x, y) + np.pi * random.integers(0, 2, x.shape) + random.normal(0, NOISE, x.shape)
        rows = np.empty(x.shape, _MINUTIA)
        rows["x"] = np.clip(np.rint((x + WIDTH / 2) * SUBPIXEL), 0, WIDTH * SUBPIXEL)
        rows["y"] = np.clip(np.rint((HEIGHT / 2 - y) * SUBPIXEL), 0, HEIGHT * SUBPIXEL)
        rows["angle"] = np.rint(angle * (65536 / (2 * np.pi))).astype(np.int64) & 0xFFFF
        rows["kind"] = random.integers(0, 2, x.shape)
        rows["quality"] = np.interp(random.random(x.shape), np.linspace(0, 1, len(QUALITY)), QUALITY)
        for finger in range(count):
            kept = rows[finger][keep[finger]]
            yield _HEAD.pack(b"leader", position, 255, len(kept), WIDTH, HEIGHT) + kept.tobytes()


def _places(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates (count, cells) from the finger's middle, y up, and which lie on the finger.

    Every finger has its own lattice, turned and shifted, and each place is scattered over its cell: minutiae keep
    their distance without testing all pairs, and two fingers' lattices do not fit.
    """
    side = int(2 * SEMI_Y / CELL) + 4
    steps = (np.arange(side) - (side - 1) / 2) * CELL
    u, v = (grid.ravel() for grid in np.meshgrid(steps, steps))
    scatter = random.uniform(-SPREAD, SPREAD, (2, count, side * side)) * CELL
    shift = random.uniform(-CELL / 2, CELL / 2, (2, count, 1))
    turn = random.uniform(0, np.pi / 2, (count, 1))
    u, v = u + scatter[0] + shift[0], v + scatter[1] + shift[1]
    c, s = np.cos(turn), np.sin(turn)
    x, y = c * u - s * v, s * u + c * v
    size = random.uniform(0.85, 1.15, (count, 1))
    return x, y, (x / (SEMI_X * size)) ** 2 + (y / (SEMI_Y * size)) ** 2 < 1


def _flow(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ridge direction (radians) at each place: half the sum of the angles to cores less those to deltas."""
    count = len(x)
    pattern = random.random((count, 1))
    whorl, arch = pattern > ARCH + LOOP, pattern < ARCH
    side = random.choice([-1.0, 1.0], (count, 1))
    core_x, core_y = random.normal(0, 12, (2, count, 1)) + np.array([[[0.0]], [[25.0]]])
    apart = np.where(whorl, random.uniform(15, 70, (count, 1)), 0)
    delta_x = side * random.uniform(60, 120, (count, 1)) + core_x
    delta_y = core_y - random.uniform(70, 150, (count, 1))
    angle = np.arctan2(y - core_y, x - core_x) - np.arctan2(y - delta_y, x - delta_x)
    second = np.arctan2(y - core_y + apart, x - core_x) - np.arctan2(y - delta_y, x + delta_x - 2 * core_x)
    angle = np.where(whorl, angle + second, angle) / 2
    arched = 0.7 * np.exp(-((x / 80) ** 2) - ((y + 20) / 120) ** 2) * np.sin(-x / 60)
    return np.where(arch, arched, angle + np.where(whorl, 0, np.pi / 2)) + random.normal(0, 0.12, (count, 1))


def impression(finger: RidgeTemplate, seed: int) -> RidgeTemplate:
    """Another impression: turned by up to 30 degrees, shifted, stretched smoothly, a fifth lost, some false ones."""
    random = np.random.default_rng(seed)
    keep = random.random(len(finger)) > 0.2
    x = finger.x[keep] - finger.width / 2
    y = finger.height / 2 - finger.y[keep]
    waves = random.uniform(0, 2 * np.pi, 2)
    x = x + 5 * np.sin(y / 90 + waves[0]) + random.normal(0, 1.5, len(x))
    y = y + 5 * np.sin(x / 90 + waves[1]) + random.normal(0, 1.5, len(y))
    turn = random.uniform(-np.pi / 6, np.pi / 6)
    c, s = np.cos(turn), np.sin(turn)
    shift = random.normal(0, 25, 2)
    false = int(random.integers(2, 8))
    x, y = c * x - s * y + shift[0], s * x + c * y + shift[1]
    x = np.append(x, random.uniform(-SEMI_X, SEMI_X, false)) + finger.width / 2
    y = finger.height / 2 - np.append(y, random.uniform(-SEMI_Y, SEMI_Y, false))
    angle = np.append(finger.angle[keep] + turn + random.normal(0, 0.08, keep.sum()), random.uniform(0, 6.28, false))
    quality = np.append(finger.minutia_quality[keep], random.integers(10, 60, false)).astype(np.uint8)
    kind = np.append(finger.kind[keep], random.integers(0, 2, false)).astype(np.uint8)
    on = (x >= 0) & (y >= 0) & (x <= finger.width) & (y <= finger.height)
    return RidgeTemplate(
        finger.model,
        finger.position,
        finger.quality,
        finger.width,
        finger.height,
        x[on].astype(np.float32),
        y[on].astype(np.float32),
        np.mod(angle, 2 * np.pi).astype(np.float32)[on],
        kind[on],
        quality[on],
    )
