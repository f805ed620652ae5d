"""The pattern of a synthetic finger: its class, its singular points, and the orientation and period of its ridges.

Frame: pixels at 500 ppi, origin in the middle of the finger pad, x to the right, y down; orientations are radians
counter-clockwise as seen. All functions broadcast, so that one call serves one finger or a hundred thousand.

Sources: Sherlock and Monro, "A model for interpreting fingerprint topology", Pattern Recognition 26 (1993);
Vizcaya and Gerhardt, "A nonlinear orientation model for global description of fingerprints", Pattern Recognition 29
(1996); Cappelli, "SFinGe", in Maltoni et al., Handbook of Fingerprint Recognition, chapter 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Pattern(IntEnum):
    """The five classes of Henry's system as NIST uses them."""

    ARCH = 0
    TENTED_ARCH = 1
    LEFT_LOOP = 2
    RIGHT_LOOP = 3
    WHORL = 4


#: Natural frequencies where the finger is not known (Wilson, Candela and Watson, NIST, 1994).
FREQUENCIES = np.array([0.037, 0.029, 0.338, 0.317, 0.279])

#: By finger, thumb to little: arch, tented arch, radial loop, ulnar loop, whorl. Rounded from published tallies.
BY_FINGER = np.array(
    [
        [0.03, 0.01, 0.01, 0.52, 0.43],
        [0.07, 0.07, 0.20, 0.33, 0.33],
        [0.06, 0.03, 0.03, 0.70, 0.18],
        [0.02, 0.01, 0.01, 0.50, 0.46],
        [0.01, 0.01, 0.01, 0.83, 0.14],
    ]
)

#: Mean ridge period in pixels at 500 ppi (0.46 mm), its spread between people, and finer little fingers, wider thumbs.
PERIOD, PERIOD_SPREAD = 9.0, 0.55
PERIOD_BY_FINGER = np.array([1.08, 1.0, 1.0, 0.98, 0.93])


def frequencies(position: int) -> np.ndarray:
    """Probabilities of the five classes, float64 (5,), for an ANSI/NIST finger position (0: unknown).

    Ulnar loops open to the right on prints of the right hand and to the left on those of the left hand.
    """
    if not 1 <= position <= 10:
        return FREQUENCIES
    arch, tented, radial, ulnar, whorl = BY_FINGER[(position - 1) % 5]
    left, right = (radial, ulnar) if position <= 5 else (ulnar, radial)
    return np.array([arch, tented, left, right, whorl])


@dataclass(frozen=True)
class Field:
    """What makes the orientation field; every array is float64 (...,), with points in a last axis of two.

    Attributes:
        pattern: int (...,), the class.
        loops, deltas: complex (..., 2), x - iy of singular points; NaN where there is none.
        bend: shape (..., 4), first harmonics (cos, sin) of the corrections at loops and at deltas, radians.
        tip: how far ridges above the pattern follow the fingertip's outline, radians at the sides.
        bump: height in pixels of a plain arch's wave; 0 for other classes.
        lean: slope of the whole pattern in radians.
    """

    pattern: np.ndarray
    loops: np.ndarray
    deltas: np.ndarray
    bend: np.ndarray
    tip: np.ndarray
    bump: np.ndarray
    lean: np.ndarray


FIELD_NUMBERS = 16  # uniform numbers that a field takes


def field(pattern: np.ndarray, uniform: np.ndarray) -> Field:
    """A field for classes (...,) from uniform numbers (..., 16) in (0, 1): all variation between fingers is in them."""
    pattern = np.asarray(pattern)
    u = np.moveaxis(np.asarray(uniform), -1, 0)
    across, between = u[0] - 0.5, u[1] - 0.5
    core = 16 * across + 1j * (38 + 20 * between)
    loop = (pattern == Pattern.LEFT_LOOP) | (pattern == Pattern.RIGHT_LOOP)
    whorl, tented, arch = pattern == Pattern.WHORL, pattern == Pattern.TENTED_ARCH, pattern == Pattern.ARCH
    side = np.where(pattern == Pattern.RIGHT_LOOP, -1.0, 1.0)  # a left loop's delta is at the right
    nan = complex(np.nan, np.nan)

    second = core + 24 * (u[2] - 0.5) - 1j * (14 + 60 * u[3] ** 2)
    aside, below = 100 + 70 * u[4], 90 + 70 * u[5]
    loop_delta = core + side * (80 + 80 * u[4]) - 1j * below
    left = core - aside - 1j * below
    right = core + 100 + 70 * u[6] - 1j * (below + 60 * (u[7] - 0.5))
    tented_delta = core + 16 * (u[4] - 0.5) - 1j * (55 + 50 * u[5])

    loops = np.stack([np.where(arch, nan, core), np.where(whorl, second, nan)], axis=-1)
    first = np.where(loop, loop_delta, np.where(whorl, left, np.where(tented, tented_delta, nan)))
    deltas = np.stack([first, np.where(whorl, right, nan)], axis=-1)
    bend = 0.35 * (np.moveaxis(u[8:12], 0, -1) - 0.5)
    return Field(
        pattern=pattern,
        loops=loops,
        deltas=deltas,
        bend=bend,
        tip=(0.75 + 0.3 * u[12]) * np.where(whorl, 0.6, 1.0),
        bump=np.where(arch, 35 + 45 * u[13], 0.0),
        lean=0.12 * (u[14] - 0.5),
    )


def orientation(finger: Field, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ridge orientation at points, radians modulo pi (not reduced), counter-clockwise as seen.

    Args:
        finger: fields of shape (...,).
        x, y: points, pixels, of a shape that broadcasts with (..., 1) for points in the last axis.

    Half the sum of the angles to the loops less those to the deltas (Sherlock and Monro), each bent by a first
    harmonic, the smooth form of Vizcaya and Gerhardt's correction; plus the outline of the fingertip above the
    pattern, and for plain arches a wave in the middle; plus, near singular points, what keeps ridges evenly apart.
    """
    z = x - 1j * y
    theta = np.zeros(np.broadcast_shapes(z.shape, finger.tip[..., None].shape)) + _smooth(finger, x, y)
    for number, (point, sign) in enumerate(_points(finger)):
        away = z - point[..., None]
        angle = np.angle(away)
        near = np.exp(-0.5 * (np.abs(away) / EVEN_REACH) ** 2)
        even = near * _even(finger, number, angle)
        theta += sign * np.nan_to_num(angle + _bend(finger, sign, angle) + even)
    return theta


EVEN_REACH = 110.0  # pixels around a singular point; shorter ones leave fingers more alike than real ones are
#: How much of the turning is moved to where evenly spaced ridges turn: all of it at -1 (loops) and -1/3 (deltas).
EVEN_LOOP, EVEN_DELTA = -0.9, -0.31


def _even(finger: Field, number: int, angle: np.ndarray) -> np.ndarray:
    """Correction of the angle to one singular point, radians.

    Around a point of the plain sum ridges fan out or crowd, and the same minutiae would be needed at the core or delta
    of every finger. Evenly spaced ridges are straight along the arms that leave the point (one of a loop, three of a
    delta) and turn between them.
    """
    arm = 2 * _rest(finger, number)[..., None]
    return EVEN_LOOP * np.sin(angle - arm) if number < 2 else EVEN_DELTA * np.sin(3 * angle - arm)


def _rest(finger: Field, number: int) -> np.ndarray:
    """Orientation at a singular point without its own term, (...)."""
    points = _points(finger)
    here = points[number][0]
    theta = _smooth(finger, np.nan_to_num(here.real)[..., None], -np.nan_to_num(here.imag)[..., None])[..., 0]
    for other, (point, sign) in enumerate(points):
        if other != number:
            angle = np.angle(here - point)
            theta = theta + sign * np.nan_to_num(angle + _bend(finger, sign, angle[..., None])[..., 0])
    return theta


def _points(finger: Field) -> list[tuple[np.ndarray, float]]:
    """Singular points, NaN where there is none, with half their index: loops, then deltas."""
    return [(points[..., k], sign) for points, sign in ((finger.loops, 0.5), (finger.deltas, -0.5)) for k in range(2)]


def _bend(finger: Field, sign: float, angle: np.ndarray) -> np.ndarray:
    at = 0 if sign > 0 else 2
    return finger.bend[..., at, None] * np.cos(angle) + finger.bend[..., at + 1, None] * np.sin(angle)


def _smooth(finger: Field, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What does not come from singular points."""
    reach = 110.0  # pixels: half width of an arch's wave
    wave = finger.bump[..., None] * np.exp(-0.5 * (x / reach) ** 2 - 0.5 * ((y - 10) / 120.0) ** 2)
    return finger.lean[..., None] - np.arctan(wave * x / reach**2 * 1.6) - _outline(finger, x, y)


def _outline(finger: Field, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much ridges turn down toward the sides: most above the pattern, hardly below it."""
    above = 1 / (1 + np.exp((y - 20) / 55.0))
    return finger.tip[..., None] * (0.12 + 0.88 * above) * x / np.sqrt(x**2 + (0.35 * y) ** 2 + 110.0**2)


def period(mean: float, x: np.ndarray, y: np.ndarray, wobble: np.ndarray) -> np.ndarray:
    """Ridge period in pixels: wider below the pattern, finer above it, and uneven (`wobble`, about -1 to 1)."""
    below = 1 / (1 + np.exp(-(y - 120) / 45.0))
    above = np.exp(-0.5 * ((y + 60) / 60.0) ** 2 - 0.5 * (x / 90.0) ** 2)
    return mean * (1 + 0.16 * below - 0.05 * above + 0.05 * wobble)
