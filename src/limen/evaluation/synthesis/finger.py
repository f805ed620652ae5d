"""Synthetic fingers: a master print that is grown once, and any number of impressions of it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from limen.evaluation.synthesis import growth, impression, pattern
from limen.evaluation.synthesis.impression import Kind

PPI = 500
HEIGHT, WIDTH = 704, 640  # of a master, pixels at 500 ppi: all that a rolled finger may show
STEP = 2  # ridges grow on a grid of 250 ppi: a period of 9 pixels is still 4.5 there


class Finger:
    """One finger of one synthetic person.

    Args:
        seed: any integer from 0 to 2**63; the same seed gives the same finger, and the same images.
        position: ANSI/NIST position 1-10, or 0: unknown. Pattern and ridge width follow the finger's statistics.

    A finger costs about a second of computing when its first impression is asked for, an impression about 0.15 s.
    """

    def __init__(self, seed: int, position: int = 0) -> None:
        self.seed, self.position = seed, position
        rng = self._random(0)
        self.pattern = pattern.Pattern(int(rng.choice(5, p=pattern.frequencies(position))))
        self.field = pattern.field(np.array(self.pattern), rng.random(pattern.FIELD_NUMBERS))
        width = pattern.PERIOD_BY_FINGER[(position - 1) % 5] if 1 <= position <= 10 else 1.0
        self.period = float(np.clip(rng.normal(pattern.PERIOD, pattern.PERIOD_SPREAD), 7.5, 10.8) * width)

    def impression(self, number: int, *, kind: Kind = "plain", quality: float | None = None) -> np.ndarray:
        """An image of the finger.

        Args:
            number: which touch, 0 or more; another number is another touch of the same finger.
            kind: "plain" (448 x 384 pixels, part of the pad) or "rolled" (672 x 608, from nail to nail).
            quality: 0 (barely usable) to 1 (clean); None draws it, most often good.

        Returns:
            uint8 (height, width), dark ridges on a light ground, 500 ppi.
        """
        rng = self._random(1, number, kind == "rolled")
        return impression.render(self.skin, impression.touch(rng, kind, quality), kind, rng)

    @cached_property
    def skin(self) -> np.ndarray:
        """float64 (2, 704, 640): the ridges' wave, -1 to 1; pores and creases, 0 to 1. Origin in the middle."""
        rng = self._random(2)
        y, x = np.mgrid[0:HEIGHT:STEP, 0:WIDTH:STEP].astype(float)
        x, y = x - WIDTH / 2, y - HEIGHT / 2
        uneven = 0.06 * growth.smooth_noise(rng, x.shape, 14)  # radians: no skin follows a formula
        along = pattern.orientation(self.field, x.ravel(), y.ravel()).reshape(x.shape) + uneven
        wobble = np.clip(growth.smooth_noise(rng, x.shape, 24), -2, 2)
        wave = growth.doubled(growth.grow(along, pattern.period(self.period, x, y, wobble) / STEP, rng))
        return np.stack([wave, np.maximum(_pores(wave, rng), _creases(rng))])

    def _random(self, *purpose: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, self.position, *purpose])))


def hand(seed: int) -> list[Finger]:
    """The ten fingers of one synthetic person, in the order of ANSI/NIST positions 1 to 10."""
    return [Finger(seed, position) for position in range(1, 11)]


def write(image: np.ndarray, file: Path) -> None:
    """Write an image (uint8, 500 ppi) with its resolution; the extension chooses the format."""
    Image.fromarray(image).save(file, dpi=(PPI, PPI))


def write_set(folder: Path, fingers: int, impressions: int, seed: int) -> list[Path]:
    """Write a set of plain impressions, named as in the FVC: `FINGER_IMPRESSION.png`, both from 1, 500 ppi.

    Positions go round the hand, so that the set has all kinds of fingers; each finger is another person's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(fingers):
        finger = Finger(seed * 100_003 + number, number % 10 + 1)
        for touch in range(impressions):
            files.append(folder / f"{number + 1}_{touch + 1}.png")
            write(finger.impression(touch), files[-1])
    return files


def _pores(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sweat pores: light dots on the crests, about two a millimetre of ridge."""
    spots = np.where((wave > 0.75) & (rng.random(wave.shape) < 0.035), rng.uniform(0.3, 1, wave.shape), 0)
    return np.clip(8 * ndimage.gaussian_filter(spots, 1.0), 0, 1)


def _creases(rng: np.random.Generator) -> np.ndarray:
    """The joint's crease below the pad and a few thin ones that the finger keeps."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x, y = x - WIDTH / 2, y - HEIGHT / 2
    joint = rng.uniform(285, 330) + 2e-4 * rng.normal(0, 1) * x**2
    creases = np.exp(-0.5 * ((y - joint) / 5) ** 2)
    for _ in range(int(rng.poisson(1.2))):
        angle = rng.normal(0, 0.5)
        along, beside = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
        bow = rng.normal(0, 4e-4) * along**2
        line = np.exp(-0.5 * ((beside - rng.normal(60, 110) - bow) / rng.uniform(0.8, 1.8)) ** 2)
        depth, middle, reach = rng.uniform(0.3, 0.9), rng.normal(0, 60), rng.uniform(30, 90)
        creases += depth * line / (1 + np.exp((np.abs(along - middle) - reach) / 5))
    return np.clip(creases, 0, 1)
