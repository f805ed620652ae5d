"""One touch of a synthetic finger: how it is placed, pressed, distorted, and what the sensor makes of it.

Source of the steps: Cappelli, Maio and Maltoni, "Modelling plastic distortion in fingerprint images", ICAPR 2001, and
SFinGe (Handbook of Fingerprint Recognition, chapter 6). Lengths are pixels at 500 ppi, angles radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from limen.evaluation.synthesis.growth import smooth_noise

Kind = Literal["plain", "rolled"]

#: Height and width of images: 22.8 x 19.5 mm and 34.1 x 30.9 mm.
SIZE: dict[str, tuple[int, int]] = {"plain": (448, 384), "rolled": (672, 608)}

#: Half axes of the area that touches: sideways, towards the tip, towards the joint.
CONTACT: dict[str, tuple[float, float, float]] = {"plain": (152, 172, 188), "rolled": (282, 268, 312)}


@dataclass(frozen=True)
class Touch:
    """What differs between two impressions of one finger.

    Attributes:
        quality: 0 (barely usable) to 1 (clean, firm, all of the pad).
        turn, shift: rotation on the sensor, and where the middle of the image lies on the finger (x, y).
        contact, axes: middle of the touching area on the finger, and its half axes (side, tip, joint).
        torsion, drag: how the skin that does not slip is turned and pulled against the bone.
        grip: half axes of the part that does not slip; plasticity: how far the strain spreads outside it.
        moisture: -1 (dry: thin, broken ridges) to 1 (wet: thick ridges that touch).
        scratches: how many; ink: darkness of ridges, light: brightness of the background, 0-255.
    """

    quality: float
    turn: float
    shift: np.ndarray
    contact: np.ndarray
    axes: np.ndarray
    torsion: float
    drag: np.ndarray
    grip: np.ndarray
    plasticity: float
    moisture: float
    scratches: int
    ink: float
    light: float


def touch(rng: np.random.Generator, kind: Kind, quality: float | None) -> Touch:
    """Draw a touch; without `quality` it is drawn too, most often good (median about 0.7)."""
    drawn = float(rng.beta(4, 2))
    good = drawn if quality is None else float(np.clip(quality, 0, 1))
    loose = 1.3 - good  # everything that goes wrong goes with it
    rolled = kind == "rolled"
    contact = rng.normal(0, [14, 20] if rolled else [26, 34], 2) * (0.4 + loose)
    axes = np.array(CONTACT[kind]) * rng.normal(1.02 - 0.22 * (1 - good), 0.04, 3).clip(0.6, 1.12)
    return Touch(
        quality=good,
        turn=float(rng.normal(0, 0.06 if rolled else 0.13)),
        shift=contact + rng.normal(0, 6 if rolled else 12, 2),
        contact=contact,
        axes=axes,
        torsion=float(rng.normal(0, 0.05 + 0.05 * loose)),
        drag=rng.normal(0, 4 + 5 * loose, 2),
        grip=axes[[0, 1]] * rng.uniform(0.3, 0.6, 2),
        plasticity=float(rng.uniform(0.8, 1.8)),
        moisture=float(np.clip(rng.normal(0, 0.25 + 0.5 * (1 - good)), -1, 1)),
        scratches=int(rng.poisson(1 + 5 * (1 - good))),
        ink=float(rng.uniform(25, 75)),
        light=float(rng.uniform(225, 250)),
    )


def render(skin: np.ndarray, how: Touch, kind: Kind, rng: np.random.Generator) -> np.ndarray:
    """The image of one touch.

    Args:
        skin: float64 (2, H, W): the ridges' wave (-1 to 1), and pores and creases (0: none, to 1: no ridge).
        how: the touch.
        kind: "plain" or "rolled".
        rng: for noise.

    Returns:
        uint8 of `SIZE[kind]`, dark ridges on a light ground, 500 ppi.
    """
    x, y = _on_the_finger(how, SIZE[kind])
    pressure = _pressure(how, x, y, rng)
    x, y = _strained(how, x, y)
    at = np.stack([y + skin.shape[1] / 2, x + skin.shape[2] / 2])
    wave, open_skin = (ndimage.map_coordinates(layer, at, order=1, cval=-1.0) for layer in skin)
    ink = _inked(how, wave, np.clip(open_skin, 0, 1), pressure, rng)
    for _ in range(how.scratches):
        ink *= 1 - _scratch(x, y, rng)
    return _sensed(how, ink, rng)


def _on_the_finger(how: Touch, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where every pixel lies on the finger."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    x, y = x - size[1] / 2, y - size[0] / 2
    cosine, sine = np.cos(how.turn), np.sin(how.turn)
    return cosine * x - sine * y + how.shift[0], sine * x + cosine * y + how.shift[1]


def _strained(how: Touch, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skin points under pixels after plastic distortion: the gripped ellipse stays, what surrounds it moves."""
    dx, dy = x - how.contact[0], y - how.contact[1]
    outside = np.clip(np.sqrt((dx / how.grip[0]) ** 2 + (dy / how.grip[1]) ** 2) - 1, 0, how.plasticity)
    moved = 0.5 * (1 - np.cos(np.pi * outside / how.plasticity))
    cosine, sine = np.cos(how.torsion), np.sin(how.torsion)
    return (
        x + moved * (cosine * dx - sine * dy - dx + how.drag[0]),
        y + moved * (sine * dx + cosine * dy - dy + how.drag[1]),
    )


def _pressure(how: Touch, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1 in the middle of the touching area, 0 at its ragged edge, below 0 outside."""
    dx, dy = x - how.contact[0], y - how.contact[1]
    tall = np.where(dy < 0, how.axes[1], how.axes[2])
    away = (np.abs(dx / how.axes[0]) ** 2.4 + np.abs(dy / tall) ** 2.4) ** (1 / 2.4)
    return 1 - away + 0.045 * smooth_noise(rng, x.shape, 18) + 0.02 * smooth_noise(rng, x.shape, 3)


def _inked(
    how: Touch, wave: np.ndarray, open_skin: np.ndarray, pressure: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """How much of the light each point takes: 0 none, 1 all."""
    bad = 1 - how.quality
    blotches = smooth_noise(rng, wave.shape, 16)
    wet = how.moisture + (0.18 + 0.35 * bad) * blotches + 0.5 * np.clip(pressure, 0, 0.35) - 0.15
    grain = smooth_noise(rng, wave.shape, 1.1)
    rough = wave + (0.1 + 0.35 * bad + 0.3 * max(0.0, -how.moisture)) * grain
    ridges = 1 / (1 + np.exp(-(rough + 0.75 * wet) / 0.22))
    faint = np.clip(0.9 + 0.14 * (blotches + how.moisture) - 0.25 * bad * rng.random(), 0.25, 1)
    edge = 1 / (1 + np.exp(-np.clip(pressure, -1, 1) / 0.018))
    pores = 1 - open_skin * np.clip(0.75 - 0.5 * wet, 0, 1)
    return np.asarray(ridges * faint * edge * pores)


def _scratch(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A light line across the print: dirt on the glass, or a fresh cut."""
    angle, offset, bow = rng.uniform(0, np.pi), rng.normal(0, 90), rng.normal(0, 4e-4)
    along = np.cos(angle) * x + np.sin(angle) * y - rng.normal(0, 80)
    beside = -np.sin(angle) * x + np.cos(angle) * y - offset - bow * along**2
    length, width, depth = rng.uniform(25, 110), rng.uniform(1.0, 2.6), rng.uniform(0.4, 1.0)
    return np.asarray(depth * np.exp(-0.5 * (beside / width) ** 2) / (1 + np.exp((np.abs(along) - length) / 4)))


def _sensed(how: Touch, ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey values: background with its own unevenness and dirt, ridges on it, the optics' blur, the sensor's noise."""
    bad = 1 - how.quality
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    tilt = rng.normal(0, 3 + 5 * bad, 2)
    dirt = np.clip(smooth_noise(rng, ink.shape, 2.5) - (3.1 - 0.5 * bad), 0, 1)
    ground = how.light + tilt[0] * x + tilt[1] * y - 2 * smooth_noise(rng, ink.shape, 40) - 90 * dirt
    grey = ndimage.gaussian_filter(ground + ink * (how.ink - ground), 0.6)
    return np.clip(np.rint(grey + rng.normal(0, 1.5 + 4 * bad, ink.shape)), 0, 255).astype(np.uint8)
