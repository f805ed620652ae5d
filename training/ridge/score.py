"""The score: log-likelihood ratio of one finger against two, from what a comparison found.

A small network with a direct path, trained by the logistic loss at three prior odds, so that it is right about common
as well as about one-in-thousands scores. Each set weighs alike, mated and other comparisons half each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from limen.evaluation import rates
from limen.ridge import _native
from training.ridge.prints import WEIGHTS, Prints

HIDDEN = 4
DECAY = 1e-3
ODDS = (0.0, 4.0, 8.0)  # nats: thresholds at which the loss is taken
OTHERS = 20_000  # comparisons of different fingers that are kept of a set
STEPS = 250


@dataclass(frozen=True)
class Comparisons:
    """Of one set: the network's inputs (n, k), and whether both prints are of one finger."""

    inputs: np.ndarray
    mated: np.ndarray


def train(sets: list[Prints]) -> None:
    seen = [compare(prints) for prints in sets]
    genuine, impostor = [], []
    for index, (prints, held) in enumerate(zip(sets, seen, strict=True)):
        others = [one for k, one in enumerate(seen) if k != index]
        if not others:
            break
        scores = apply(*fit(others), held.inputs)
        genuine.append(scores[held.mated])
        impostor.append(scores[~held.mated])
        print(f"{prints.name}: held out, EER {rates.eer(genuine[-1], impostor[-1]):.2%}")
    if genuine:
        pooled = np.concatenate(genuine), np.concatenate(impostor)
        print(f"pooled: EER {rates.eer(*pooled):.2%}, FMR1000 {rates.fnmr_at_fmr(*pooled, 0.001):.2%}")
    _write(*fit(seen))


def fit(seen: list[Comparisons]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights of the network, and mean and deviation of its inputs."""
    x = np.concatenate([one.inputs for one in seen])
    mated = np.concatenate([one.mated for one in seen])
    share = np.concatenate([np.where(o.mated, 0.5 / o.mated.sum(), 0.5 / (~o.mated).sum()) for o in seen]) / len(seen)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = (x - mean) / deviation
    random = np.random.default_rng(1)
    size = x.shape[1]
    start = np.concatenate(
        [
            (random.standard_normal((size, HIDDEN)) / np.sqrt(size)).ravel(),
            np.zeros(HIDDEN),
            random.standard_normal(HIDDEN) / np.sqrt(HIDDEN),
            np.zeros(1 + size),
        ]
    )
    decay = np.full(len(start), DECAY)
    decay[size * HIDDEN + 2 * HIDDEN] = 0  # the bias

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        into, bias, out, constant, direct = _parts(w, size)
        hidden = np.tanh(z @ into + bias)
        score = hidden @ out + constant + z @ direct
        value, slope = 0.0, np.zeros(len(z))
        for odds in ODDS:
            weight = np.where(mated, 1.0, np.exp(odds)) * share / len(ODDS)
            wrong = np.where(mated, odds - score, score - odds)
            value += float(weight @ np.logaddexp(0, wrong))
            slope += weight * np.where(mated, -1, 1) / (1 + np.exp(-np.clip(wrong, -50, 50)))
        back = np.outer(slope, out) * (1 - hidden**2)
        parts = [(z.T @ back).ravel(), back.sum(axis=0), hidden.T @ slope, [slope.sum()], z.T @ slope]
        return value + 0.5 * float(decay @ w**2), np.concatenate(parts) + decay * w

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return found.x, mean, deviation


def apply(weights: np.ndarray, mean: np.ndarray, deviation: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Scores (n,) of inputs (n, k)."""
    into, bias, out, constant, direct = _parts(weights, x.shape[1])
    z = (x - mean) / deviation
    return np.tanh(z @ into + bias) @ out + constant + z @ direct


def _parts(w: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, np.ndarray]:
    cuts = np.cumsum([size * HIDDEN, HIDDEN, HIDDEN, 1])
    into, bias, out, constant, direct = np.split(w, cuts)
    return into.reshape(size, HIDDEN), bias, out, float(constant[0]), direct


def compare(prints: Prints) -> Comparisons:
    """All comparisons within a set; of different fingers a random part."""
    rows, mated = [], []
    for i in range(len(prints.prepared) - 1):
        rows.append(_native.inputs(prints.prepared[i], prints.prepared[i + 1 :]))
        mated.append(prints.fingers[i + 1 :] == prints.fingers[i])
    x, same = np.concatenate(rows).astype(np.float64), np.concatenate(mated)
    keep = same | (np.random.default_rng(5).random(len(same)) < OTHERS / max(1, (~same).sum()))
    return Comparisons(x[keep], same[keep])


def _write(weights: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
    """The header, with the inputs' mean and deviation folded into the weights."""
    into, bias, out, constant, direct = _parts(weights, len(mean))
    bias, constant = bias - (mean / deviation) @ into, constant - float((mean / deviation) @ direct)
    into, direct = into / deviation[:, None], direct / deviation
    hidden = "".join(f"    {{{_list(row)}}},\n" for row in into.T)
    (WEIGHTS / "score_weights.hpp").write_text(
        "// Weights of the scoring network. Written by training/ridge/score.py; do not edit.\n#pragma once\n\n"
        "namespace limen::ridge::weights {\n\n"
        f"constexpr int kInputs = {len(mean)}, kHidden = {HIDDEN};\n"
        f"inline constexpr float kHiddenWeight[kHidden][kInputs] = {{\n{hidden}}};\n"
        f"inline constexpr float kHiddenBias[kHidden] = {{{_list(bias)}}};\n"
        f"inline constexpr float kOutputWeight[kHidden] = {{{_list(out)}}};\n"
        f"inline constexpr float kDirectWeight[kInputs] = {{{_list(direct)}}};\n"
        f"constexpr float kOutputBias = {_number(constant)};\n\n"
        "}  // namespace limen::ridge::weights\n"
    )


def _list(values: np.ndarray) -> str:
    return ", ".join(_number(value) for value in values)


def _number(value: float) -> str:
    text = f"{value:.6g}"
    return (text if "." in text or "e" in text else text + ".0") + "f"
