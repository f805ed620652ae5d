"""`python -m benchmarks.gallery_sizes DIR [--plot FILE]`: time of a search against the gallery's size.

One gallery of made-up persons is filled step by step, with real fingers among them; at each size searches are timed as
by `limen evaluate search`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from limen.evaluation.search import POSITIONS, Measure, enrol_real, fill, times
from limen.ridge.index import RidgeIndex

SIZES = (1000, 10_000, 100_000, 225_000)  # persons
FULL = 225_000  # persons that the limits are for
#: What is drawn: kind of search, its name, and the limit in ms.
DRAWN = (
    ("two_fingers", "two fingers, known positions", 150),
    ("two_fingers_unknown_position", "two fingers, unknown positions", 1000),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery_sizes", description=__doc__)
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="real fingers, finger_impression.ext, or a folder a set"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="persons, ten fingers each")
    parser.add_argument("--searches", type=int, default=40, help="of each kind")
    parser.add_argument("--plot", type=Path, help="draw into this file (svg, png)")
    given = parser.parse_args()
    found = measure(given.folder, sorted(given.sizes), given.searches)
    if given.plot:
        draw(found, given.plot)
    print(json.dumps(found, indent=2))


def measure(folder: Path, sizes: list[int], searches: int) -> dict[int, dict[str, Any]]:
    """Percentiles of search times by persons and kind of search, ms of wall clock."""
    cores = len(os.sched_getaffinity(0))
    gallery = [RidgeIndex() for _ in range(POSITIONS)]
    probes = enrol_real(gallery, folder, cores, _say)
    found = {}
    for before, size in zip([0, *sizes], sizes, strict=False):
        fill(gallery, range(before, size), cores, _say)
        found[size] = times(gallery, probes, Measure(searches=searches, threads=cores), _say)
    return found


def draw(found: dict[int, dict[str, Any]], file: Path) -> None:
    """Median and 95th percentile against persons, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "limen"  # the same file from the same figures
    from matplotlib import pyplot as plt

    figure, plane = plt.subplots(figsize=(6, 4.5), layout="constrained")
    sizes = sorted(found)
    for kind, name, limit in DRAWN:
        (line,) = plane.plot(sizes, [found[size][kind]["p50"] for size in sizes], marker="o", label=f"{name}, median")
        plane.plot(
            sizes,
            [found[size][kind]["p95"] for size in sizes],
            linestyle=":",
            color=line.get_color(),
            label="95 of 100",
        )
        plane.plot(FULL, limit, marker="v", color=line.get_color(), linestyle="none", label=f"limit {limit:,} ms")
    plane.set(xscale="log", yscale="log", xlabel="persons in the gallery, ten fingers each", ylabel="ms of wall clock")
    plane.grid(which="both", alpha=0.25)
    plane.legend(fontsize="small")
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)


def _say(what: str, done: int, total: int) -> None:
    print(f"\r{what.replace('_', ' ')}: {done:,} of {total:,}   ", end="" if done < total else "\n", file=sys.stderr)


if __name__ == "__main__":
    main()
