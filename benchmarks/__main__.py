"""`python -m benchmarks [DIR] [--fingers N]`: Limen's comparator beside bozorth3 (NIST), in one run on the same prints.

DIR holds FVC-named images or one folder a set, as for `limen evaluate ridge`. Each comparator gets the minutiae of its
own extractor. Speeds are of one core's processor time, so that other programs on the
machine disturb them little; every ratio is of two figures of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import nbis
import numpy as np

from benchmarks.bozorth import mindtct
from limen.evaluation import rates, ridge, ridge_extraction
from limen.ridge import comparator
from limen.ridge.template import RidgeTemplate

SAMPLES = Path(os.environ.get("LIMEN_TEST_DATA", "../shared/data")) / "fingerprints"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", nargs="?", default=SAMPLES)
    parser.add_argument("--fingers", type=int, default=5, help="fingers of each set that are compared (default 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()

    sets = {name: _first(members, given.fingers) for name, members in ridge.find(given.folder).items()}
    files = [sample.file for members in sets.values() for sample in members]
    done = ridge_extraction.extract(
        files, 1, lambda count: print(f"\r{count} of {len(files)}", end="", file=sys.stderr)
    )
    print(file=sys.stderr)
    templates = [RidgeTemplate.unpack(one.template) if one.template else None for one in done]

    found = {
        "limen, LEADER": _measure(sets, [t and comparator.prepare(t) for t in templates], comparator.compare_many),
        "bozorth3, mindtct": _measure(sets, [mindtct(file) for file in files], _bozorth),
    }
    for row in found.values():
        row["times_limen"] = row["comparisons_per_s"] / found["limen, LEADER"]["comparisons_per_s"]
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'':20}{'comparisons/s':>15}{'ratio':>10}{'mean EER':>10}{'pooled FMR1000':>16}")
    for name, row in found.items():
        ratio = f"1 / {1 / row['times_limen']:,.0f}" if row["times_limen"] < 0.9 else "1"
        rate = f"{row['eer']:>10.2%}{row['fmr1000']:>16.2%}"
        print(f"{name:20}{row['comparisons_per_s']:>15,.0f}{ratio:>10}{rate}")


def _first(members: Sequence[ridge.Sample], count: int) -> list[ridge.Sample]:
    kept = sorted({member.finger for member in members})[:count]
    return [member for member in members if member.finger in kept]


def _bozorth(probe: nbis.Minutiae, references: Sequence[nbis.Minutiae]) -> np.ndarray:
    return np.array([probe.compare(reference) for reference in references], np.float32)


def _measure(sets: dict, prints: list, compare_many: Callable) -> dict[str, float]:
    """All pairs within each set: error rates, and comparisons a second of processor time."""
    spent, count, start, parts = 0.0, 0, 0, []
    for members in sets.values():
        own = prints[start : start + len(members)]
        start += len(members)
        usable = [index for index, one in enumerate(own) if one is not None]
        table = np.full((len(own), len(own)), -np.inf, np.float32)
        began = time.process_time()
        for place, row in enumerate(usable[:-1]):
            others = usable[place + 1 :]
            table[row, others] = compare_many(own[row], [own[other] for other in others])
            count += len(others)
        spent += time.process_time() - began
        parts.append(ridge.tabulate(members, table, len(own) - len(usable)))
    pooled = ridge.pool(parts)
    return {
        "comparisons": count,
        "comparisons_per_s": count / spent,
        "eer": float(np.mean([rates.eer(part.genuine, part.impostor) for part in parts])),
        "fmr1000": rates.fnmr_at_fmr(pooled.genuine, pooled.impostor, 0.001),
    }


if __name__ == "__main__":
    main()
