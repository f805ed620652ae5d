"""Local structure codes: which 128 projections of 312 cells tell one minutia's surroundings from another's.

Linear discriminants: directions in which surroundings differ much between minutiae (total covariance) and little
between two impressions of one minutia (within covariance), spread over 128 bits by a random tight frame.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from limen.ridge import _native
from training.ridge.prints import WEIGHTS, Prints

BITS, DISCRIMINANTS = 128, 128
SURE = 5.0  # score of comparisons whose pairs are taken as right
RIDGE = 0.03  # of the mean variance, added to the within covariance
POWER = 0.5  # how far good discriminants outweigh poor ones
UNIT = 64  # structure.cpp's kUnit


def train(sets: list[Prints]) -> None:
    first, second, every = _pairs(sets)
    print(f"{len(first)} pairs of minutiae, {len(every)} minutiae")
    projection, mean = discriminants(first, second, every)
    scaled = np.rint(projection / np.abs(projection).max(axis=0) * 127).astype(int)
    _report(first, second, every, scaled, mean)
    _write(scaled, np.rint(-(mean @ scaled) * UNIT).astype(int))


def discriminants(first: np.ndarray, second: np.ndarray, every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Projection (cells, bits) and mean (cells,) of structures: paired ones (n, cells) twice, and all (m, cells)."""
    apart = (first - second) / np.sqrt(2)
    within, total = apart.T @ apart / len(apart), np.cov(every.T)
    within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    gain, axes = eigh(total, within)
    gain, axes = gain[::-1][:DISCRIMINANTS], axes[:, ::-1][:, :DISCRIMINANTS]
    axes = axes / np.sqrt(np.diag(axes.T @ total @ axes)) * gain ** (POWER / 2)
    left, _, right = np.linalg.svd(np.random.default_rng(1).standard_normal((BITS, DISCRIMINANTS)), full_matrices=False)
    return axes @ (left @ right).T, every.mean(axis=0)


def _pairs(sets: list[Prints]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second, every = [], [], []
    for prints in sets:
        structures = [_native.structures(one) for one in prints.prepared]
        every += structures
        for i, finger in enumerate(prints.fingers):
            for j in np.flatnonzero(prints.fingers[i + 1 :] == finger) + i + 1:
                score, pairs, *_ = _native.explain(prints.prepared[i], prints.prepared[j])
                if score >= SURE:
                    first.append(structures[i][pairs[:, 0]])
                    second.append(structures[j][pairs[:, 1]])
    return tuple(np.concatenate(part).astype(np.float64) for part in (first, second, every))


def _report(first: np.ndarray, second: np.ndarray, every: np.ndarray, projection: np.ndarray, mean: np.ndarray) -> None:
    bits = [(part - mean) @ projection > 0 for part in (first, second, every)]
    random = np.random.default_rng(0)
    mated = (bits[0] != bits[1]).sum(axis=1)
    others = (bits[2][random.integers(0, len(every), 20000)] != bits[2][random.integers(0, len(every), 20000)]).sum(1)
    near = np.mean(mated <= np.quantile(others, 0.01))
    print(
        f"bits that differ: mated {mated.mean():.1f}, others {others.mean():.1f}; "
        f"nearer than 99 % of others: {near:.1%} of the mated"
    )


def _write(projection: np.ndarray, offset: np.ndarray) -> None:
    rows = "".join("{" + ",".join(map(str, row)) + "},\n" for row in projection)
    (WEIGHTS / "structure_weights.hpp").write_text(
        "// Weights of the local structure codes. Written by training/ridge/codes.py; do not edit.\n#pragma once\n\n"
        "namespace limen::ridge::weights {\n\n"
        f"inline constexpr signed char kProjection[{len(projection)}][{BITS}] = {{\n{rows}}};\n"
        f"inline constexpr int kOffset[{BITS}] = {{{', '.join(map(str, offset))}}};\n\n"
        "}  // namespace limen::ridge::weights\n"
    )
