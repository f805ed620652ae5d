"""Whether two hubs' stores tell that they hold the same person: D_sys, and how many pairs a thief links.

ISO/IEC 30136 and 24745 ask for unlinkability; D_sys is the measure of M. Gomez-Barrero, J. Galbally, C. Rathgeb and
C. Busch, "General Framework to Evaluate Unlinkability in Biometric Template Protection Systems", IEEE TIFS 13(6), 2018:
0 where mated and non-mated scores of a linkage function are distributed alike, 1 where they never overlap. The mated
pairs are two captures of one finger, one in each store. A few pairs overestimate it, so it is given above what random
pairings of the same scores show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from limen.errors import BadTemplate
from limen.ridge.comparator import compare, prepare
from limen.ridge.stored import template_of
from limen.ridge.template import RidgeTemplate

BINS = 10  # of the scores' distributions; few, because a small drill has few pairs
SIGNIFICANT = 0.02  # share of random pairings that may link as well before links are called chance
PAIRINGS = 2000  # random pairings that are tried
BASELINE = 200  # of those, for the D_sys that chance shows
SEED = 20261122

Linker = Callable[[bytes, bytes], float]


@dataclass(frozen=True)
class Linkage:
    """How far one linkage function links two stores.

    Attributes:
        d_sys: 0 (unlinkable, or no more than by chance) to 1.
        linked: mated pairs that score higher than every pair of either with somebody else.
        pairs: how many mated pairs there are.
        by_chance: share of random pairings that link as many.
    """

    d_sys: float
    linked: int
    pairs: int
    by_chance: float

    @property
    def linkable(self) -> int:
        """Pairs that are linked, unless chance links as many."""
        return self.linked if self.by_chance < SIGNIFICANT else 0


def bits(one: bytes, other: bytes) -> float:
    """Share of equal bits over the common length: what a fixed transformation of templates would show."""
    size = min(len(one), len(other))
    same = np.unpackbits(np.frombuffer(one[:size], np.uint8) ^ np.frombuffer(other[:size], np.uint8))
    return 1 - float(same.mean())


def blocks(one: bytes, other: bytes) -> float:
    """Blocks of 16 bytes that are the same anywhere: what a cipher without fresh nonces would show."""
    return float(len(_blocks(one) & _blocks(other)))


def sizes(one: bytes, other: bytes) -> float:
    """How alike in length."""
    return -abs(len(one) - len(other))


def _print(stored: bytes) -> RidgeTemplate:
    return RidgeTemplate.unpack(template_of(stored))


def as_templates(one: bytes, other: bytes) -> float:
    """The comparison score, if both are minutiae templates in clear; 0 otherwise."""
    try:
        return float(compare(prepare(_print(one)), prepare(_print(other))))
    except BadTemplate:
        return 0.0


LINKERS: Mapping[str, Linker] = {"bits": bits, "blocks": blocks, "sizes": sizes, "templates": as_templates}


def link(store: list[bytes], other: list[bytes], linker: Linker) -> Linkage:
    """How far a linkage function links two stores; item n of both is of the same person."""
    scores = np.array([[linker(a, b) for b in other] for a in store])
    count = len(scores)
    linked = _linked(scores, np.arange(count))
    rng = np.random.default_rng(SEED)
    pairings = [rng.permutation(count) for _ in range(PAIRINGS)]
    chance = float(np.mean([_linked(scores, pairing) >= max(linked, 1) for pairing in pairings]))
    usual = float(np.mean([_d_sys(scores, pairing) for pairing in pairings[:BASELINE]]))
    above = max(0.0, _d_sys(scores, np.arange(count)) - usual) / max(1 - usual, 1e-9)
    return Linkage(above, linked, count, chance)


def d_sys(mated: np.ndarray, non_mated: np.ndarray, prior: float = 1.0) -> float:
    """Global linkability of two sets of scores, 0 to 1. prior: of mated to non-mated pairs (the paper's omega)."""
    low, high = min(mated.min(), non_mated.min()), max(mated.max(), non_mated.max())
    if low == high:
        return 0.0
    edges = np.linspace(low, high, BINS + 1)
    p_mated = np.histogram(mated, edges)[0] / len(mated)
    p_other = np.histogram(non_mated, edges)[0] / len(non_mated)
    ratio = np.divide(p_mated, p_other, out=np.full(BINS, np.inf), where=p_other > 0)
    with np.errstate(invalid="ignore"):
        local = np.where(ratio * prior > 1, 2 * (ratio * prior / (1 + ratio * prior)) - 1, 0.0)
    local[np.isinf(ratio)] = 1.0
    local[p_mated == 0] = 0.0
    return float((local * p_mated).sum())


def _d_sys(scores: np.ndarray, pairing: np.ndarray) -> float:
    mated = np.zeros(scores.shape, bool)
    mated[np.arange(len(scores)), pairing] = True
    return d_sys(scores[mated], scores[~mated])


def _blocks(data: bytes) -> set[bytes]:
    return {data[at : at + 16] for at in range(len(data) - 15)}


def _linked(scores: np.ndarray, pairing: np.ndarray) -> int:
    """Pairs that score strictly higher than all others in their row and column."""
    rows = np.arange(len(scores))
    own = scores[rows, pairing]
    rest = scores.copy().astype(float)
    rest[rows, pairing] = -np.inf
    return int(((own > rest.max(axis=1)) & (own > rest[:, pairing].max(axis=0))).sum())
