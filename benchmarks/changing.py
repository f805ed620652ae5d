"""What a search takes while prints are put in and taken out beside it: `python -m benchmarks.changing [--prints N]`.

An index of one finger position with made-up prints, a few thousand persons' again and again under other keys; a load of
changes at a steady rate in one thread, searches one after another in another. Every change is looked for as soon as its
call has returned, so the figures are of changes that are in force.
"""

from __future__ import annotations

import argparse
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from limen.evaluation.synthesis.templates import minutiae_template, minutiae_templates
from limen.ridge.index import RidgeIndex
from limen.ridge.stored import stored, template_of
from limen.ridge.template import RidgeTemplate

DIFFERENT = 3000  # persons that the prints are of
POSITION = 2  # a right index finger
THREADS = 2
AT_ONCE = 4096  # prints put in together while the index is filled
FIRST_KEY = 1 << 40  # of those that come and go
LOOKED_FOR = 50  # one change in so many is searched for: that takes microseconds, but of the same processors


@dataclass
class Changes:
    """Puts at a steady rate, each withdrawn again one second later, until `stop`.

    Attributes:
        milliseconds: what each put took, its waiting for searches included.
        missed: puts that were not found, or withdrawals that were, when their call had returned.
    """

    index: RidgeIndex
    prints: list[bytes]
    rate: int  # a second
    milliseconds: list[float] = field(default_factory=list)
    missed: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """In a thread of its own."""
        number, began = 0, time.perf_counter()
        while not self.stop.wait(max(0.0, began + number / self.rate - time.perf_counter())):
            key, before = FIRST_KEY + number, FIRST_KEY + number - self.rate
            content = self.prints[number % len(self.prints)]
            at = time.perf_counter()
            self.index.put_stored(key, content)
            self.milliseconds.append(1e3 * (time.perf_counter() - at))
            gone = number < self.rate or self.index.remove(before)
            self.missed += not gone
            if number % LOOKED_FOR == 0:
                self.missed += not self._holds(key, content) or self._holds(before, content)
            number += 1

    def _holds(self, key: int, content: bytes) -> bool:
        probe = RidgeTemplate.unpack(template_of(content))
        return len(self.index.search_among(probe, [key], 1)[0]) == 1


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--prints", type=int, default=500_000)
    options.add_argument("--puts", type=int, default=100, help="a second, and as many withdrawals")
    options.add_argument("--searches", type=int, default=60, help="of each kind")
    chosen = options.parse_args()
    prints = [stored(one) for one in minutiae_templates(np.arange(DIFFERENT), positions=POSITION).packed()]
    index = filled(prints, chosen.prints)
    probes = [minutiae_template(DIFFERENT + number, position=POSITION) for number in range(10)]
    searches(index, probes, 10)
    changes = Changes(index, prints, chosen.puts)
    print(f"{len(index):,} prints; wall clock in ms, median and 95th percentile of {chosen.searches} searches")
    print("alone:            ", said(searches(index, probes, chosen.searches)))
    thread = threading.Thread(target=changes.run)
    thread.start()
    began = time.perf_counter()
    beside = searches(index, probes, chosen.searches)
    seconds = time.perf_counter() - began
    changes.stop.set()
    thread.join()
    done = len(changes.milliseconds)
    print(f"with {done / seconds:.0f} puts a second:", said(beside))
    print("a put:            ", said(changes.milliseconds), f"; longest {max(changes.milliseconds):.1f}")
    print(f"{done} puts and {max(0, done - chosen.puts)} withdrawals, {changes.missed} not in force when they returned")
    raise SystemExit(1 if changes.missed else 0)


def filled(prints: list[bytes], count: int) -> RidgeIndex:
    """An index of so many prints, keys from 1."""
    index = RidgeIndex()
    for first in range(0, count, AT_ONCE):
        keys = np.arange(first, min(first + AT_ONCE, count))
        index.put_many(
            (keys + 1).astype(np.uint64), [prints[key % len(prints)] for key in keys.tolist()], threads=THREADS
        )
    return index


def searches(index: RidgeIndex, probes: list[RidgeTemplate], count: int) -> list[float]:
    """Milliseconds of so many searches, one after another."""
    found = []
    for number in range(count):
        began = time.perf_counter()
        index.search(probes[number % len(probes)], 50, threads=THREADS)
        found.append(1e3 * (time.perf_counter() - began))
    return found


def said(milliseconds: list[float]) -> str:
    """Median and 95th percentile."""
    return "{:.1f}, {:.1f}".format(*np.percentile(milliseconds, [50, 95]))


if __name__ == "__main__":
    main()
