"""How much of an image shows friction ridges: lines of one direction and of a finger's spacing, side by side.

A photograph of something else has edges, and a network trained on prints finds minutiae in them; it has no field of
parallel lines. Measured on 2026-11-22: the largest field is under 14 mm2 in 99 of 100 press photographs (24 at most),
and over 20 mm2 in 95 of 100 of the worst FVC set's prints (over 42 in the other sets'). Lines of printed text have such
fields too, but all of one direction, where a fingertip's ridges turn.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

WINDOW, STEP = 32, 16  # pixels at 500 ppi: three to four ridges, and half of that
SHORTEST, LONGEST = 5, 14  # pixels from ridge to ridge at 500 ppi: a child's, and a wide-ridged thumb's
COARSEST = 24  # pixels; slower changes are shading, and do not count
PARALLEL = 0.3  # least share of a window's changes that are ridges of one direction
FAINTEST = 4.0  # grey levels of standard deviation; below is the noise of an empty scanner
#: Mean length of the directions (doubled angles, 1 if all are one) from which a field is no finger's: 0.98 to 1 in
#: printed text, rulings and bar codes; at most 0.977 in 903 real prints, small thumbs included.
STRAIGHT = 0.985
LEAST = 25.0  # mm2 of ridges below which an image is no usable print of a finger

_taper = np.outer(np.hanning(WINDOW), np.hanning(WINDOW)).astype(np.float32)
_down, _across = np.fft.fftfreq(WINDOW)[:, None], np.fft.rfftfreq(WINDOW)[None]
_rate = np.hypot(_down, _across)
_twice = np.where((_across == 0) | (_across == 0.5), 1.0, 2.0) * np.ones_like(_rate)  # rfft leaves out the mirror half
_all, _ridges = _twice * (_rate >= 1 / COARSEST), _twice * ((_rate >= 1 / LONGEST) & (_rate <= 1 / SHORTEST))
_turn = _ridges * np.exp(2j * np.arctan2(_down, _across))
#: What is summed of a window's power, one a column: ridges by direction (real, imaginary part), and everything.
_sums = np.stack([_turn.real, _turn.imag, _all], axis=-1).reshape(-1, 3).astype(np.float32)


def area(grey: np.ndarray) -> float:
    """Area of the largest field of parallel ridges in mm2, of a 500 ppi image, uint8 (h, w); 0 if that is straight."""
    waves = _waves(grey)
    fields, count = ndimage.label(waves != 0)
    if not count:
        return 0.0
    sizes = np.bincount(fields.ravel())
    largest = waves[fields == int(np.argmax(sizes[1:])) + 1]
    if len(largest) * _CELL >= LEAST and abs(largest.mean()) > STRAIGHT:
        return 0.0
    return float(sizes[1:].max()) * _CELL


def ridged(grey: np.ndarray) -> np.ndarray:
    """Which windows of a 500 ppi image, uint8 (h, w), hold parallel ridges: bool, one for every `STEP` pixels."""
    return np.asarray(_waves(grey) != 0)


_CELL = (STEP / 500 * 25.4) ** 2  # mm2


def _waves(grey: np.ndarray) -> np.ndarray:
    """Direction of the ridges in each window, complex of length 1 with twice their angle; 0 where there are none."""
    if min(grey.shape) < WINDOW:
        return np.zeros((0, 0), complex)
    windows = np.lib.stride_tricks.sliding_window_view(grey, (WINDOW, WINDOW))[::STEP, ::STEP]
    return np.array([_direction(row) for row in windows])


def _direction(windows: np.ndarray) -> np.ndarray:
    """complex (n,) for windows of shape (n, 32, 32)."""
    levels = windows.astype(np.float32)
    levels -= levels.mean((1, 2), keepdims=True)
    waves = fft.rfft2(levels * _taper)
    power = waves.real**2 + waves.imag**2
    along, across, everything = (power.reshape(len(power), -1) @ _sums).T
    parallel = np.hypot(along, across)  # all power if of one direction, none if of every direction
    found = (parallel / np.maximum(everything, 1e-6) > PARALLEL) & (levels.std((1, 2)) > FAINTEST)
    return np.where(found, (along + 1j * across) / np.maximum(parallel, 1e-6), 0)
