"""What evidence is worth, on sets that had no part in it: network and calibration both fitted to the other sets.

For each set, the scoring network is fitted without it, and the line from score to nats on the other sets' own held-out
scores. Then: the cost of the log-likelihood ratios (Cllr, bits; Brümmer and du Preez, Computer Speech and Language 20,
2006; 1 says nothing, 0 all), and how much a non-mated comparison gains, the mean of exp(nats), which is 1 if the ratios
are right and less if they are careful. Of Crossmatch, whose people gave several fingers each, also whether fingers of
one pair of people go together: then adding them up would count something twice.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.optimize import minimize

from limen.ridge import _native
from limen.ridge.evidence import INTERCEPT, LEAST, MOST, SLOPE
from training.ridge import score
from training.ridge.prints import Prints

PEOPLE = "crossmatch"  # the set whose fingers are named person-finger


def measure(sets: list[Prints]) -> None:
    """Print a line a set, and the dependence between fingers."""
    seen = [score.compare(prints) for prints in sets]
    networks = [score.fit([one for k, one in enumerate(seen) if k != index]) for index in range(len(sets))]
    held = [score.apply(*network, one.inputs) for network, one in zip(networks, seen, strict=True)]
    lines = []
    for index, (prints, one) in enumerate(zip(sets, seen, strict=True)):
        line = calibrate([(held[k], seen[k].mated) for k in range(len(sets)) if k != index])
        nats = _nats(held[index], line)
        lines.append(line)
        gain = float(np.mean(np.exp(nats[~one.mated])))
        print(
            f"{prints.name}: {line[0]:+.2f} {line[1]:+.2f} x score; Cllr {cllr(nats, one.mated):.4f} bits; "
            f"mean of exp(nats) over non-mated {gain:.3f}; highest non-mated {nats[~one.mated].max():.1f}; "
            f"mated under 7 nats {np.mean(nats[one.mated] < 7):.2%}"
        )
        used = _nats(held[index], (INTERCEPT, SLOPE))
        gain = float(np.mean(np.exp(used[~one.mated])))
        print(
            f"{prints.name}, the line in use: Cllr {cllr(used, one.mated):.4f} bits; mean of exp(nats) over non-mated "
            f"{gain:.3f}; mated under 7 nats {np.mean(used[one.mated] < 7):.2%}"
        )
    for index, prints in enumerate(sets):
        if prints.name == PEOPLE:
            _dependence(prints, networks[index], lines[index])


def calibrate(scores: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Intercept and slope from score to nats: logistic regression, each set and both kinds weighing alike."""
    x = np.concatenate([values for values, _ in scores])
    mated = np.concatenate([same for _, same in scores])
    weight = np.concatenate([np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum()) for _, same in scores])
    sign = np.where(mated, -1.0, 1.0)
    found = minimize(lambda line: float(weight @ np.logaddexp(0, sign * (line[0] + line[1] * x))), [0.0, 1.0])
    return float(found.x[0]), float(found.x[1])


def cllr(nats: np.ndarray, mated: np.ndarray) -> float:
    """Cost of log-likelihood ratios, bits."""
    wrong = np.logaddexp(0, -nats[mated]).mean() + np.logaddexp(0, nats[~mated]).mean()
    return float(wrong / (2 * np.log(2)))


def _nats(scores: np.ndarray, line: tuple[float, float]) -> np.ndarray:
    return np.asarray(np.clip(line[0] + line[1] * scores, LEAST, MOST))


def _dependence(prints: Prints, network: tuple[np.ndarray, np.ndarray, np.ndarray], line: tuple[float, float]) -> None:
    """Whether one finger's evidence foretells another's, of the same two people and the same two takes."""
    names = [str(name).split("-") for name in prints.fingers]
    take = _takes(prints.fingers)
    by = {(person, finger, number): k for k, ((person, finger), number) in enumerate(zip(names, take, strict=True))}
    people = sorted({person for person, _ in names})
    fingers = {person: sorted({finger for owner, finger in names if owner == person}) for person in people}
    columns: dict[bool, list[np.ndarray]] = defaultdict(list)
    for one in people:
        for other in people:
            for a in range(8):
                b = (a + 1) % 8
                pairs = list(zip(fingers[one], fingers[other], strict=False))[:5]
                found = [(by.get((one, f, a)), by.get((other, g, b))) for f, g in pairs]
                if len(found) >= 3 and all(None not in pair for pair in found):
                    rows = [_native.inputs(prints.prepared[i], [prints.prepared[j]])[0] for i, j in found]
                    columns[one == other].append(score.apply(*network, np.array(rows, np.float64))[:3])
    for mated, rows in sorted(columns.items()):
        nats = _nats(np.array(rows), line)
        together = np.corrcoef(np.array(rows).T)[np.triu_indices(3, 1)].mean()  # of scores: nats have a floor and a top
        gain = "" if mated else f"; mean of exp(sum of 3) {np.exp(nats.sum(1)).mean():.2g}"
        print(
            f"{'one person' if mated else 'two people'}: {len(nats)} x 3 fingers, correlation {together:+.3f}{gain}; "
            f"sum of 3: mean {nats.sum(1).mean():.1f}, lowest {nats.sum(1).min():.1f}, highest {nats.sum(1).max():.1f}"
        )


def _takes(fingers: np.ndarray) -> list[int]:
    """Number of each print among those of its finger, from 0; prints are sorted."""
    seen: dict[str, int] = defaultdict(int)
    out = []
    for name in fingers:
        out.append(seen[str(name)])
        seen[str(name)] += 1
    return out
