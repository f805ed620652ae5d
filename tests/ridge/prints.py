"""Made-up prints for tests: random minutiae, and how a second impression of them may look."""

from __future__ import annotations

import numpy as np

from limen.ridge.template import RidgeTemplate


def template(x, y, angle, kind=None, quality=None, side: int = 800) -> RidgeTemplate:
    """A template of these minutiae; whatever lies outside the image is left out."""
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    kind = np.zeros(len(x), np.uint8) if kind is None else np.asarray(kind, np.uint8)
    quality = np.full(len(x), 90, np.uint8) if quality is None else np.asarray(quality, np.uint8)
    keep = (x >= 0) & (y >= 0) & (x <= side) & (y <= side)
    angle = np.mod(np.asarray(angle, np.float32), 2 * np.pi).astype(np.float32)
    return RidgeTemplate("test", 0, 255, side, side, x[keep], y[keep], angle[keep], kind[keep], quality[keep])


def finger(seed: int, count: int = 45) -> RidgeTemplate:
    """A finger: `count` minutiae in an ellipse, no two nearer than 9 pixels, directions along a smooth flow."""
    random = np.random.default_rng(seed)
    places: list[tuple[float, float]] = []
    while len(places) < count:
        x, y = random.uniform(-130, 130), random.uniform(-170, 170)
        if (x / 130) ** 2 + (y / 170) ** 2 < 1 and all((x - u) ** 2 + (y - v) ** 2 > 81 for u, v in places):
            places.append((x, y))
    x, y = np.array(places).T
    a, b, c = random.uniform(-0.01, 0.01, 3)
    angle = a * x + b * y + c * np.hypot(x, y) + np.pi * random.integers(0, 2, count) + random.normal(0, 0.1, count)
    return template(x + 400, y + 400, angle, random.integers(0, 2, count), random.integers(60, 100, count))


def impression(
    print_: RidgeTemplate,
    seed: int,
    turn: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    noise: float = 1.5,
    stretch: float = 4.0,
    lost: float = 0.15,
    found: int = 3,
) -> RidgeTemplate:
    """Another impression: turned (radians, counter-clockwise), shifted, stretched smoothly by up to `stretch` pixels,
    with noise, a share of the minutiae lost and some false ones found."""
    random = np.random.default_rng(seed)
    keep = random.random(len(print_)) >= lost
    x, y, angle = print_.x[keep] - 400.0, print_.y[keep] - 400.0, print_.angle[keep]
    x = x + stretch * np.sin(y / 90 + seed) + random.normal(0, noise, len(x))
    y = y + stretch * np.cos(x / 90 + seed) + random.normal(0, noise, len(y))
    c, s = np.cos(turn), np.sin(turn)
    x, y = c * x + s * y + shift[0] + 400, -s * x + c * y + shift[1] + 400
    angle = angle + turn + random.normal(0, 0.06, len(x))
    kind, quality = print_.kind[keep], print_.minutia_quality[keep]
    x = np.append(x, random.uniform(280, 520, found))
    y = np.append(y, random.uniform(240, 560, found))
    angle = np.append(angle, random.uniform(0, 2 * np.pi, found))
    return template(x, y, angle, np.append(kind, np.zeros(found)), np.append(quality, np.full(found, 65)))
