"""How fast, how small and how lossless a search of fingers is in a gallery of N persons.

The gallery: N persons with ten made-up fingers each (`limen.evaluation.synthesis.templates`, which says how real their
minutiae are), one index a finger position, as the matcher keeps them. Real fingers of a folder, if given, are enrolled
among them (their first impressions, spread over the positions); their other impressions are probes. Without real
fingers made-up ones take their place, and say less.

A mated probe is lost if exhaustive comparison would bring its mate first and the search does not. That needs no
exhaustive comparison of every probe: where the search does not bring the mate first, one comparison with the mate says
whether it would beat what the search found. If it would not, exhaustive comparison does not bring it first either; if
it would, the probe counts as lost. Some probes are compared exhaustively all the same, to check this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limen.evaluation import ridge, ridge_extraction
from limen.evaluation.synthesis.templates import minutiae_template, minutiae_templates
from limen.ridge.index import RidgeIndex
from limen.ridge.template import RidgeTemplate

POSITIONS = 10
REAL = 1 << 40  # keys of real fingers lie above; made-up ones are their person's number
MADE = 400  # probes that are made where there are no real ones
SLICE = 2000  # fingers made at once
BATCH = 16  # probes that share a pass
CANDIDATES = 10  # that a search returns a finger


@dataclass(frozen=True)
class Probe:
    """One impression of an enrolled finger: where its mate is and what its key is."""

    template: RidgeTemplate
    position: int
    key: int


@dataclass(frozen=True)
class Measure:
    """How much to measure: searches of each kind, probes that are also compared exhaustively, threads of a search."""

    searches: int = 40
    exhaustive: int = 20
    threads: int = 2


Step = Callable[[str, int, int], object]


def evaluate(
    persons: int, folder: Path | None, measure: Measure, *, jobs: int = 1, step: Step = lambda *_: None
) -> dict[str, Any]:
    """The JSON of `limen evaluate search`: times in ms of wall clock, memory in bytes, loss as a fraction.

    Raises:
        BadInput: the folder holds no fingers.
    """
    gallery = [RidgeIndex() for _ in range(POSITIONS)]
    began = time.perf_counter()
    making, putting = fill(gallery, range(persons), measure.threads, step)
    seconds = time.perf_counter() - began
    probes = enrol_real(gallery, folder, jobs, step) if folder else _made(gallery, persons)
    fingers = sum(len(one) for one in gallery)
    memory = sum(one.memory for one in gallery)
    return {
        "persons": persons,
        "fingers": fingers,
        "threads": measure.threads,
        "memory": {"bytes": memory, "per_finger": memory / fingers},
        "load": {
            "seconds": seconds * putting / (making + putting),
            "seconds_with_making": seconds,
            "fingers_per_s_per_core": fingers / putting,
        },
        "search_ms": times(gallery, probes, measure, step),
        "batch": _batch(gallery, probes, measure, step),
        "change_ms": _change(gallery[0], probes[0].template),
        "loss": _loss(gallery, probes, measure, step),
    }


def fill(gallery: list[RidgeIndex], persons: range, threads: int, step: Step) -> tuple[float, float]:
    """Make these persons' fingers and put them in; processor seconds of making and of putting, over all threads."""

    def one_position(position: int) -> tuple[float, float]:
        making = putting = 0.0
        for first in persons[::SLICE]:
            began = time.thread_time()
            people = np.arange(first, min(first + SLICE, persons.stop))
            fingers = list(minutiae_templates(people, positions=position + 1).packed())
            made = time.thread_time()
            for person, packed in zip(people.tolist(), fingers, strict=True):
                gallery[position].put_stored(person, packed)
            making, putting = making + made - began, putting + time.thread_time() - made
            done[position] += len(people)
            step("fill", sum(done), POSITIONS * len(persons))
        return making, putting

    done = [0] * POSITIONS
    with ThreadPoolExecutor(threads) as pool:
        spent = list(pool.map(one_position, range(POSITIONS)))
    return sum(making for making, _ in spent), sum(putting for _, putting in spent)


def enrol_real(gallery: list[RidgeIndex], folder: Path, jobs: int, step: Step) -> list[Probe]:
    """Enrol each finger's first impression that gives a template; its others are probes, the sets mixed."""
    sets = ridge.find(folder)
    samples = [(name, sample) for name, members in sets.items() for sample in members]
    done = ridge_extraction.extract(
        [sample.file for _, sample in samples], jobs, lambda count: step("extract", count, len(samples))
    )
    keys: dict[tuple[str, str], int] = {}
    probes = []
    for (name, sample), extracted in zip(samples, done, strict=True):
        if extracted.template is None:
            continue
        template = RidgeTemplate.unpack(extracted.template)
        finger = (name, sample.finger)
        if finger not in keys:
            keys[finger] = REAL + len(keys)
            gallery[keys[finger] % POSITIONS].put(keys[finger], template)
        else:
            probes.append(Probe(template, keys[finger] % POSITIONS, keys[finger]))
    order = np.random.default_rng(1).permutation(len(probes))
    return [probes[index] for index in order]


def _made(gallery: list[RidgeIndex], persons: int) -> list[Probe]:
    """Made-up fingers that are enrolled besides, and another touch of each."""
    probes = []
    for number in range(MADE):
        place, finger = number % POSITIONS, persons + number
        gallery[place].put(REAL + number, minutiae_template(finger, position=place + 1))
        probes.append(Probe(minutiae_template(finger, position=place + 1, impression=1), place, REAL + number))
    return probes


def search(gallery: list[RidgeIndex], probes: list[tuple[RidgeTemplate, int | None]], threads: int) -> list[Any]:
    """Search fingers of one person, each in its position's index (None: in all), on so many threads."""
    tasks = [(t, place) for t, p in probes for place in (range(POSITIONS) if p is None else (p,))]
    spread = len(tasks) < threads
    with ThreadPoolExecutor(threads) as pool:
        each = threads if spread else 1
        return list(pool.map(lambda task: gallery[task[1]].search(task[0], CANDIDATES, threads=each), tasks))


def times(gallery: list[RidgeIndex], probes: list[Probe], measure: Measure, step: Step) -> dict[str, Any]:
    """Percentiles of the wall-clock times of searches, ms, by kind of search."""
    kinds: dict[str, tuple[int, bool]] = {
        "one_finger": (1, True),
        "two_fingers": (2, True),
        "ten_fingers": (10, True),
        "one_finger_unknown_position": (1, False),
        "two_fingers_unknown_position": (2, False),
    }
    found = {}
    for name, (count, known) in kinds.items():
        spent = []
        for turn in range(measure.searches):
            chosen = [probes[(turn * count + k) % len(probes)] for k in range(count)]
            # a person's fingers are in different positions, whatever the real ones are
            places = [(chosen[0].position + k) % POSITIONS if known else None for k in range(count)]
            began = time.perf_counter()
            search(gallery, [(one.template, place) for one, place in zip(chosen, places, strict=True)], measure.threads)
            spent.append((time.perf_counter() - began) * 1e3)
            step(name, turn + 1, measure.searches)
        found[name] = {f"p{q}": float(np.percentile(spent, q)) for q in (50, 95, 99)}
    return found


def _batch(gallery: list[RidgeIndex], probes: list[Probe], measure: Measure, step: Step) -> dict[str, float]:
    """Two-finger searches of known position a second, when sixteen persons' searches share each pass."""
    chosen = [probes[k % len(probes)].template for k in range(BATCH)]
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(measure.threads) as pool:
        for done, _ in enumerate(pool.map(lambda place: gallery[place].search_many(chosen, CANDIDATES), (0, 1))):
            step("batch", done + 1, 2)
    return {
        "two_finger_searches_per_s": BATCH / (time.perf_counter() - began),
        "two_finger_searches_per_s_per_core": BATCH / (time.process_time() - cpu),
    }


def _change(index: RidgeIndex, template: RidgeTemplate) -> dict[str, float]:
    """Times to add, replace and withdraw one finger."""
    key, spent = REAL - 1, []
    for action in (lambda: index.put(key, template), lambda: index.put(key, template), lambda: index.remove(key)):
        began = time.perf_counter()
        action()
        spent.append((time.perf_counter() - began) * 1e3)
    return dict(zip(("add", "replace", "withdraw"), spent, strict=True))


def _loss(gallery: list[RidgeIndex], probes: list[Probe], measure: Measure, step: Step) -> dict[str, float | int]:
    """Probes whose mate exhaustive comparison brings first, and how many of them a search misses (see above)."""
    found = lost = 0
    for number, (probe, key, score) in enumerate(_firsts(gallery, probes, measure, step)):
        index = gallery[probe.position]
        is_found = key == probe.key
        if is_found:
            comes_first = True
        else:
            _, its_score = index.search_among(probe.template, [probe.key], 1)
            comes_first = bool(its_score[0] > score)
        if number < measure.exhaustive:
            every, _ = index.search(probe.template, 1, exhaustive=True, threads=measure.threads)
            comes_first = bool(every[0] == probe.key)
            step("exhaustive", number + 1, min(measure.exhaustive, len(probes)))
        found += comes_first
        lost += comes_first and not is_found
    return {
        "probes": len(probes),
        "compared_exhaustively": min(measure.exhaustive, len(probes)),
        "rank1_exhaustive": found,
        "lost": lost,
        "fraction": lost / found if found else 0.0,
    }


def _firsts(
    gallery: list[RidgeIndex], probes: list[Probe], measure: Measure, step: Step
) -> list[tuple[Probe, int, float]]:
    """Each probe with the key and the score of the first that a search brings."""
    firsts = []
    for place, index in enumerate(gallery):
        here = [probe for probe in probes if probe.position == place]
        for first in range(0, len(here), BATCH):
            some = here[first : first + BATCH]
            found = index.search_many([probe.template for probe in some], 1, threads=measure.threads)
            firsts += [
                (probe, int(keys[0]), float(scores[0])) for probe, (keys, scores) in zip(some, found, strict=True)
            ]
            step("loss", len(firsts), len(probes))
    return firsts
