"""`python -m training.ridge codes|score|evidence FOLDER... [--cache FOLDER]`: train weights, print what they are worth.

FOLDER holds one set of FVC-named images (`finger_impression.ext`). Templates are kept in the cache. Training does not
start from nothing: pairs of minutiae come from the comparator as it is built, so train codes, build, train scores,
build; a second round changes little.

The weights in the tree: codes from the 51 Crossmatch fingers alone, so that no FVC set has seen its own codes; scores
from the four FVC sets and Crossmatch. The cross-validated figures that `score` prints leave each set out in turn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.ridge import codes, evidence, score
from training.ridge.prints import load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.ridge", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["codes", "score", "evidence"])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--cache", type=Path, default=Path("reports/templates"), help="where templates are kept")
    parser.add_argument("--jobs", type=int, default=1, help="processes that extract")
    given = parser.parse_args()
    sets = [load(folder, given.cache, given.jobs) for folder in given.folders]
    {"codes": codes.train, "score": score.train, "evidence": evidence.measure}[given.what](sets)


main()
