"""Every friction ridge image at 500 pixels an inch, the scale of the extractor and of all templates."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from scipy import fft

from limen.reasons import Reason

PPI = 500.0  # ANSI/NIST-ITL class resolution; LEADER was trained at it
#: Ridge scanners in use read 250 to 1,200 ppi, marks are photographed at up to 4,000. Less is a default that some
#: program wrote (72, 96), more a wrong unit.
LOWEST_PPI, HIGHEST_PPI = 200.0, 4800.0
#: Pixels from ridge to ridge as `estimate` sees them at 500 ppi: the median of four FVC sets and Crossmatch, and the
#: range within which 99 of 100 of their prints lie, with a margin. Outside it the image is not at 500 ppi.
PERIOD, SHORTEST, LONGEST = 8.6, 5.8, 12.5
AGREEING = 0.5  # least share of windows that see the same period; of photographs of other things fewer do
THOUSAND = (800.0, 1250.0)  # what is taken for the next class, 1,000 ppi: people's ridges differ by a fifth
_WINDOW, _MOST_WINDOWS = 64, 48  # pixels; so many are enough for a median
TOLERANCE = 0.01  # a 500 ppi scanner may be off by 1 % (ANSI/NIST-ITL 1-2011, 7.7.5); no resampling within


def resolve(stated: float | None) -> tuple[float, list[Reason]]:
    """Resolution to work with, in pixels an inch: the stated one, or 500 and the reason why not the stated one."""
    if stated is None or not np.isfinite(stated) or stated <= 1:  # 1: formats' word for "no unit"
        return PPI, [Reason.RESOLUTION_UNKNOWN]
    if not LOWEST_PPI <= stated <= HIGHEST_PPI:
        return PPI, [Reason.RESOLUTION_WRONG]
    return float(stated), []


def size_at_500(height: int, width: int, ppi: float) -> tuple[int, int]:
    """Height and width in pixels that an image of resolution `ppi` has at 500 ppi; at least 1."""
    if abs(ppi / PPI - 1) <= TOLERANCE:
        return height, width
    return max(1, round(height * PPI / ppi)), max(1, round(width * PPI / ppi))


def resample(grey: np.ndarray, ppi: float) -> np.ndarray:
    """The image at 500 ppi: uint8 (h, w) to uint8 (h', w').

    Lanczos with its support widened when shrinking, so that ridges of 1,000 ppi and finer images do not alias.
    """
    height, width = size_at_500(grey.shape[0], grey.shape[1], ppi)
    if (height, width) == grey.shape:
        return grey
    return np.asarray(Pillow.fromarray(grey).resize((width, height), Pillow.Resampling.LANCZOS))


def estimate(grey: np.ndarray) -> float:
    """Resolution in ppi that ridges suggest where nobody states one, uint8 (h, w); 500 where nothing speaks against it.

    The strongest wave of each window of high contrast is taken for its ridges; spectra are weighted with the square of
    the frequency, which evens out the fall that all pictures have.
    """
    windows = _contrasting(grey)
    power = np.abs(fft.rfft2(windows * _TAPER)) ** 2 * _WEIGHT
    flat = power.reshape(len(power), -1)
    peaks, total = flat.argmax(1), flat.sum(1)
    clear = np.take_along_axis(flat, peaks[:, None], 1)[:, 0] / np.maximum(total, 1e-6)
    rates = _RATE.ravel()[peaks][clear >= np.median(clear)]
    middle = float(np.median(rates))
    period = 1 / middle if middle > 0 else PERIOD
    if SHORTEST <= period <= LONGEST or np.mean(np.abs(rates / max(middle, 1e-6) - 1) < 0.2) < AGREEING:
        return PPI
    ppi = PPI * period / PERIOD
    return 1000.0 if THOUSAND[0] <= ppi <= THOUSAND[1] else ppi


_RATE = np.hypot(np.fft.fftfreq(_WINDOW)[:, None], np.fft.rfftfreq(_WINDOW)[None])
_WEIGHT = (_RATE**2 * ((_RATE >= 1 / 24) & (_RATE <= 1 / 2.4))).astype(np.float32)  # periods of 2.4 to 24 pixels
_TAPER = np.outer(np.hanning(_WINDOW), np.hanning(_WINDOW)).astype(np.float32)


def _contrasting(grey: np.ndarray) -> np.ndarray:
    """Windows with at least half of the image's strong contrast, less their means: float32 (n, 64, 64), 1 or more."""
    height, width = (max(0, _WINDOW - side) for side in grey.shape)
    whole = np.pad(grey, ((0, height), (0, width)), constant_values=int(np.median(grey)))
    step = max(16, round((whole.size / (3 * _MOST_WINDOWS)) ** 0.5))
    windows = np.lib.stride_tricks.sliding_window_view(whole, (_WINDOW, _WINDOW))[::step, ::step]
    windows = windows.reshape(-1, _WINDOW, _WINDOW).astype(np.float32)
    windows -= windows.mean((1, 2), keepdims=True)
    contrast = windows.std((1, 2))
    chosen = np.flatnonzero(contrast >= 0.5 * np.percentile(contrast, 90))
    return windows[chosen[:: -(-len(chosen) // _MOST_WINDOWS)]]
