"""Ridges grown from noise: repeated filtering with Gabor filters that follow an orientation and a period.

Minutiae are not placed: they appear where ridges that grew from different spots meet out of step, and where ridges
diverge, as in skin. Source: Cappelli, Erol, Maio and Maltoni, "Synthetic fingerprint-image generation", ICPR 2000.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

ORIENTATIONS = 16  # of the filter bank; between two neighbours (11 degrees) responses are interpolated
PERIODS = 3
ROUNDS = 14  # of filtering: fewer leave more minutiae, and ragged ridges
ALONG, ACROSS = 0.95, 0.65  # standard deviations of the filters' envelopes, in ridge periods
GAIN = 4.0  # before the soft threshold of each round


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Gaussian noise of standard deviation 1 and a correlation length of `scale` pixels; float64 of `shape`."""
    height, width = (fft.next_fast_len(side + int(3 * scale)) for side in shape)
    across = np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None])
    spectrum = fft.rfft2(rng.standard_normal((height, width))) * np.exp(-0.5 * (2 * np.pi * scale * across) ** 2)
    noise = fft.irfft2(spectrum, s=(height, width))[: shape[0], : shape[1]]
    return noise / max(float(noise.std()), 1e-12)


def grow(orientation: np.ndarray, period: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grow ridges.

    Args:
        orientation: float64 (h, w), radians counter-clockwise as seen, along the ridges.
        period: float64 (h, w), pixels (at least 3) from ridge to ridge.
        rng: where the noise comes from.

    Returns:
        float64 (h, w), a wave between -1 (valley) and 1 (ridge).
    """
    shape = orientation.shape
    bank = _bank(orientation, period)
    wave = 0.1 * rng.standard_normal(shape)
    for _ in range(ROUNDS):
        wave = np.tanh(GAIN * _filtered(wave, bank))
    return np.clip(1.1 * _filtered(wave, bank), -1, 1)


def doubled(wave: np.ndarray) -> np.ndarray:
    """The same wave on a grid twice as fine, by its Fourier series; shape (2h, 2w). Sides must be even."""
    height, width = wave.shape
    spectrum = fft.rfft2(wave)
    wide = np.zeros((2 * height, width + 1), complex)
    half = height // 2
    wide[:half, : width // 2] = spectrum[:half, : width // 2]
    wide[-half:, : width // 2] = spectrum[half:, : width // 2]
    return 4 * fft.irfft2(wide, s=(2 * height, 2 * width))


def _bank(orientation: np.ndarray, period: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(transfer function, weight at each pixel) of every filter."""
    height, width = (fft.next_fast_len(side + 24) for side in orientation.shape)
    down, right = fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None]
    steps = np.linspace(period.min(), period.max(), PERIODS)
    place = (period - steps[0]) / max(steps[1] - steps[0], 1e-9)
    turn = (orientation / np.pi * ORIENTATIONS) % ORIENTATIONS
    bank = []
    for number in range(ORIENTATIONS):
        near = np.abs((turn - number + ORIENTATIONS / 2) % ORIENTATIONS - ORIENTATIONS / 2)
        toward = np.clip(1 - near, 0, None)
        angle = np.pi * number / ORIENTATIONS
        along = right * np.cos(angle) - down * np.sin(angle)
        across = right * np.sin(angle) + down * np.cos(angle)
        for step, length in enumerate(steps):
            weight = toward * np.clip(1 - np.abs(place - step), 0, None)
            bank.append((_gabor(along, across, length), weight))
    return bank


def _gabor(along: np.ndarray, across: np.ndarray, period: float) -> np.ndarray:
    """Transfer function of an even Gabor filter with gain 1 for its own wave, and none for a constant."""
    beside = np.exp(-2 * (np.pi * ALONG * period * along) ** 2)
    sigma = ACROSS * period
    lobes = [np.exp(-2 * (np.pi * sigma * (across + sign / period)) ** 2) for sign in (1, -1)]
    centre = 2 * np.exp(-2 * (np.pi * ACROSS) ** 2) * np.exp(-2 * (np.pi * sigma * across) ** 2)
    return beside * (lobes[0] + lobes[1] - centre)


def _filtered(wave: np.ndarray, bank: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    height, width = wave.shape
    full = (bank[0][0].shape[0], fft.next_fast_len(width + 24))
    spectrum = fft.rfft2(wave, s=full)
    result = np.zeros_like(wave)
    for transfer, weight in bank:
        result += weight * fft.irfft2(spectrum * transfer, s=full)[:height, :width]
    return result
