"""Synthetic fingerprints: images and templates of fingers that nobody has, for demonstrations, tests and load.

    finger = Finger(seed=7, position=2)
    image = finger.impression(0)                    # uint8 (448, 384), 500 ppi
    write_set(Path("set"), fingers=10, impressions=8, seed=1)
    gallery = minutiae_templates(np.arange(10_000))  # no images: galleries of millions (see `templates`)

Everything is drawn from the seed: the same seed gives the same bytes wherever numpy computes the same.
"""

from limen.evaluation.synthesis.finger import PPI, Finger, hand, write, write_set
from limen.evaluation.synthesis.pattern import Pattern
from limen.evaluation.synthesis.templates import minutiae_template, minutiae_templates

__all__ = ["PPI", "Finger", "Pattern", "hand", "minutiae_template", "minutiae_templates", "write", "write_set"]
