"""Synthetic fingerprints: images of fingers that nobody has, for demonstrations, tests and load.

    finger = Finger(seed=7, position=2)
    image = finger.impression(0)                    # uint8 (448, 384), 500 ppi
    write_set(Path("set"), fingers=10, impressions=8, seed=1)

Everything is drawn from the seed: the same seed gives the same bytes wherever numpy computes the same.
"""

from limen.evaluation.synthesis.finger import PPI, Finger, hand, write, write_set
from limen.evaluation.synthesis.pattern import Pattern

__all__ = ["PPI", "Finger", "Pattern", "hand", "write", "write_set"]
