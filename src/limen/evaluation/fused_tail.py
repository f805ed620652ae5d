"""Do thresholds keep their promise for fingers, and for faces and fingers together? And is the law of fingers right?

Records and probes are chimeric persons: every finger of a set paired with another at random, and a face. Each is
searched in galleries of the others (their first impressions), with the threshold that the hub would take for that probe
in that gallery (`limen.matcher.tail`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.stats import genpareto

from limen.evaluation.fused import CONDITIONS, Faces, Fingers
from limen.face import evidence as face_evidence
from limen.matcher.tail import FaceTerms, Kind, PrintTerms, threshold
from limen.ridge import chance

SIZES = (100, 300)  # records; and all that there are
RATES = (0.1, 0.01, 0.001)
PAIRINGS = 5
QUALITY_STEP = 10  # points of face quality that share a threshold
#: Nats. One pair of thumbs of the development data, of people 596 and 598, gives 17.3 and looks like one thumb; no
#: other gives more than 7.0. Pairs beyond this are taken for one finger under two names, and counted apart.
ALIAS = 12.0
CHECKED = 2.0  # nats beyond which the law is checked on fingers that it was not fitted to


def report(faces: Faces, fingers: Fingers, seed: int = 3) -> dict[str, Any]:
    """Both, for `limen evaluate fused --tail`; rates are fractions."""
    evidence, aliases = _without_aliases(fingers)
    return {"fpir": promises(faces, fingers, evidence, seed), "aliases": aliases, "law": law(fingers, evidence)}


def _without_aliases(fingers: Fingers) -> tuple[np.ndarray, int]:
    """Evidence without what compares a finger with itself, under its own name or another; and how many others."""
    evidence = fingers.evidence.copy()
    for finger, rows in enumerate(fingers.impressions):
        evidence[rows, finger] = np.nan
    twins = evidence > ALIAS
    evidence[twins] = np.nan
    return evidence, int(np.count_nonzero(twins))


def promises(faces: Faces, fingers: Fingers, evidence: np.ndarray, seed: int = 3) -> list[dict[str, Any]]:
    """One row for each condition, gallery size and accepted rate."""
    random = np.random.default_rng(seed)
    first = np.array([rows[0] for rows in fingers.impressions])
    shares, classes = _shares(faces.photos.quality[faces.single]), _classes(fingers.clear[first])
    over: dict[tuple[str, int, float], list[bool]] = {}
    for _ in range(PAIRINGS):
        pairs = _pairs(fingers, random)
        photos = random.permutation(np.concatenate([faces.single, [rows[0] for rows in faces.several]]))
        photos = photos[faces.photos.usable[photos]][: 2 * len(pairs)]
        pairs = pairs[: len(photos) // 2]
        enrolled, asked = photos[: len(pairs)], photos[len(pairs) : 2 * len(pairs)]
        every = len(pairs) - 1
        for size in [*(size for size in SIZES if size < every), every]:
            for probe, pair in enumerate(pairs):
                records = random.permutation(np.delete(np.arange(len(pairs)), probe))[:size]
                rows = [random.choice(fingers.impressions[finger]) for finger in pair]
                for name, (with_face, count) in CONDITIONS.items():
                    total, known = np.zeros(size), False
                    face, prints = None, []
                    if with_face:
                        own = faces.photos
                        quality = (float(own.quality[asked[probe]]) + own.quality[enrolled[records]]) / 2
                        cosines = own.vectors[enrolled[records]] @ own.vectors[asked[probe]]
                        total, known = total + face_evidence.llr(cosines, quality, own.model), True
                        face = FaceTerms(own.model, _rounded(own.quality[asked[probe]]), shares)
                    for k in range(count):
                        found = evidence[rows[k], pairs[records, k]]
                        total, known = total + np.nan_to_num(found), True
                        clear = max(int(fingers.clear[rows[k]]), 0)
                        prints.append((chance.class_of(clear), classes))
                    for rate in RATES:
                        limit = _threshold(rate, size, face, tuple(sorted(prints)))
                        over.setdefault((name, size, rate), []).append(known and bool(total.max() > limit))
    return [
        {"searched_with": name, "records": size, "accepted": rate, "observed": float(np.mean(found)), "n": len(found)}
        for (name, size, rate), found in over.items()
    ]


@cache
def _threshold(
    rate: float, records: int, face: FaceTerms | None, prints: tuple[tuple[int, tuple[tuple[int, float], ...]], ...]
) -> float:
    terms = tuple(PrintTerms(chance.CLASSES[at], references) for at, references in prints)
    return threshold(rate, records, [Kind(1.0, face, terms)])


def _rounded(quality: int) -> int:
    return int(QUALITY_STEP * round(float(quality) / QUALITY_STEP))


def _shares(quality: np.ndarray) -> tuple[tuple[float, float], ...]:
    counts = np.bincount(quality // 10, minlength=11)
    return tuple((min(10.0 * at + 5, 100.0), round(n / len(quality), 1)) for at, n in enumerate(counts) if n)


def _classes(clear: np.ndarray) -> tuple[tuple[int, float], ...]:
    found, counts = np.unique([chance.class_of(int(one)) for one in clear], return_counts=True)
    shares = np.ceil(10 * counts / len(clear)) / 10
    return tuple((chance.CLASSES[at], float(share)) for at, share in zip(found, shares, strict=True))


def _pairs(fingers: Fingers, random: np.random.Generator) -> np.ndarray:
    """Fingers of each set paired at random: int (pairs, 2), in random order."""
    pairs = []
    for name in dict.fromkeys(fingers.sets):
        order = random.permutation([finger for finger, which in enumerate(fingers.sets) if which == name])
        pairs += [order[at : at + 2] for at in range(0, len(order) - 1, 2)]
    return random.permutation(np.array(pairs))


def law(fingers: Fingers, evidence: np.ndarray, seed: int = 5) -> dict[str, Any]:
    """How often different fingers gave evidence, beside `limen.ridge.chance`.

    Returns:
        classes: by clear minutiae of the poorer print, comparisons and shares above 0 and `CHECKED` nats beside the
        law's; pareto: generalised Pareto law of the excess over 0 (an exponential one has shape 0), with the same for
        two halves of the fingers; held_out: the law refitted to the comparisons within one half of the fingers, and
        how many comparisons within the other half exceed `CHECKED`: expected and observed, both ways.
    """
    first = np.array([rows[0] for rows in fingers.impressions])
    of = np.concatenate([np.full(len(rows), finger) for finger, rows in enumerate(fingers.impressions)])
    row, column = np.nonzero(~np.isnan(evidence))
    nats = evidence[row, column]
    classes = np.array([chance.class_of(max(int(one), 0)) for one in fingers.clear])
    poorer = np.minimum(classes[row], classes[first[column]])
    half = np.random.default_rng(seed).random(len(fingers.impressions)) < 0.5
    sides = [half[of[row]] & half[column], ~half[of[row]] & ~half[column]]
    return {
        "comparisons": len(nats),
        "highest": float(nats.max()),
        "classes": [_class(nats[poorer == at], at) for at in range(len(chance.CLASSES)) if (poorer == at).any()],
        "pareto": {
            name: dict(zip(("shape", "scale"), _pareto(nats[which]), strict=True))
            for name, which in {"all": np.ones(len(nats), bool), "one half": sides[0], "other half": sides[1]}.items()
        },
        "held_out": [
            _held_out(nats, poorer, fitted, other) for fitted, other in ((sides[0], sides[1]), (sides[1], sides[0]))
        ],
    }


def _class(nats: np.ndarray, at: int) -> dict[str, float]:
    clear = chance.CLASSES[at]
    shares = {
        f"above_{t:g}": {"observed": float(np.mean(nats > t)), "law": float(chance.survival(np.array(t), clear))}
        for t in (0.0, CHECKED)
    }
    return {"clear_minutiae": clear, "comparisons": len(nats), **shares}  # type: ignore[dict-item]


def _pareto(nats: np.ndarray) -> tuple[float, float]:
    excess = nats[nats > 0]
    if len(excess) < 10:
        return float("nan"), float("nan")
    shape, _, scale = genpareto.fit(excess, floc=0)
    return float(shape), float(scale)


def _held_out(nats: np.ndarray, poorer: np.ndarray, fitted: np.ndarray, other: np.ndarray) -> dict[str, float]:
    expected = 0.0
    for at in range(len(chance.CLASSES)):
        own, theirs = nats[fitted & (poorer == at)], nats[other & (poorer == at)]
        if len(own):
            expected += float(np.mean(own > 0)) * np.exp(-CHECKED) * len(theirs)
    return {"expected": expected, "observed": int(np.count_nonzero(nats[other] > CHECKED))}
