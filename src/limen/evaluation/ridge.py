"""How well and how fast fingers are found, on sets of FVC-named images (`finger_impression.ext`).

All pairs of impressions of one finger are genuine, all pairs across fingers impostor; `eer_first` takes only the first
impressions of two fingers as impostors, as the FVC competitions do. An image from which no template comes is a miss
in every genuine pair, never dropped. Rank 1: first impressions are enrolled, all others are probes (closed set).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limen.errors import BadInput
from limen.evaluation import rates
from limen.evaluation.ridge_extraction import Extracted, extract
from limen.ridge import comparator
from limen.ridge.template import RidgeTemplate

SUFFIXES = {".tif", ".tiff", ".png", ".bmp", ".jpg", ".jpeg", ".jp2", ".wsq", ".pgm", ".pnm"}
RATES = ("eer", "eer_first", "fmr100", "fmr1000", "zerofmr", "rank1")
DEEPEST = 4  # levels of folders that are looked into
_NAME = re.compile(r"(?P<finger>.+)_(?P<impression>\d{1,4})")


@dataclass(frozen=True)
class Sample:
    """One image: which finger, which impression of it, where."""

    finger: str
    impression: int
    file: Path


@dataclass(frozen=True)
class Scores:
    """Scores of one set, or of several one after the other.

    Attributes:
        genuine, impostor: float32 (n,), (m,); -inf where one of both images gave no template.
        first: bool (m,), impostor pairs of two first impressions.
        rank1: bool (probes,), whether a probe's mate came first.
        images, failed: counts.
    """

    genuine: np.ndarray
    impostor: np.ndarray
    first: np.ndarray
    rank1: np.ndarray
    images: int
    failed: int


@dataclass(frozen=True)
class Report:
    """What `limen evaluate ridge` prints: the JSON of its documentation, and the scores for plots."""

    json: dict[str, Any]
    scores: dict[str, Scores]


def find(folder: Path) -> dict[str, list[Sample]]:
    """Sets in a folder: its own images, or one set a subfolder, each sorted by finger and impression.

    Where neither is there, subfolders further down are sets, named by their path.

    Raises:
        BadInput: there is no such folder, or nothing in it is named `finger_impression.ext`.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder.")
    sets = {place.resolve().name: _samples(place) for place in [folder, *sorted(folder.iterdir())] if place.is_dir()}
    sets = {name: samples for name, samples in sets.items() if samples} or _below(folder)
    if not sets:
        raise BadInput(
            f"{folder} holds no fingers.",
            advice="Images must be named finger_impression.ext, such as 101_1.tif, there or in one folder a set.",
        )
    return sets


def evaluate(folder: Path, *, jobs: int = 1, step: Callable[[str, int, int], object] = lambda *_: None) -> Report:
    """Extract and compare all of `folder`'s sets.

    `step` is told (what is done, how many are done, of how many), for progress bars.
    """
    sets = find(folder)
    samples = [sample for members in sets.values() for sample in members]
    done = extract([sample.file for sample in samples], jobs, lambda count: step("extract", count, len(samples)))
    extracted = dict(zip((sample.file for sample in samples), done, strict=True))
    scores, seconds, comparisons = {}, 0.0, 0
    for number, (name, members) in enumerate(sets.items()):
        templates = [_template(extracted[member.file]) for member in members]
        scores[name], spent, count = compare(members, templates)
        seconds, comparisons = seconds + spent, comparisons + count
        step("compare", number + 1, len(sets))
    return Report(_json(scores, done, comparisons / seconds if seconds else math.nan), scores)


def compare(samples: Sequence[Sample], templates: Sequence[RidgeTemplate | None]) -> tuple[Scores, float, int]:
    """Scores of a set, the processor seconds that all its comparisons took, and their number."""
    prepared = [comparator.prepare(template) if template is not None else None for template in templates]
    usable = np.array([index for index, one in enumerate(prepared) if one is not None], int)
    table = np.full((len(samples), len(samples)), -np.inf, np.float32)
    began, count = time.process_time(), 0
    for position, row in enumerate(usable):
        others = usable[position + 1 :]
        if len(others):
            table[row, others] = comparator.compare_many(prepared[row], [prepared[other] for other in others])
            count += len(others)
    return tabulate(samples, table, len(samples) - len(usable)), time.process_time() - began, count


def tabulate(samples: Sequence[Sample], table: np.ndarray, failed: int) -> Scores:
    """Scores of a set from its table: float32 (n, n), of which only the part above the diagonal is read."""
    names = sorted({sample.finger for sample in samples})
    finger = np.array([names.index(sample.finger) for sample in samples])
    first = np.array([_is_first(samples, index) for index in range(len(samples))])
    left, right = np.triu_indices(len(samples), 1)
    same = finger[left] == finger[right]
    pairs = table[left, right]
    whole = np.where(np.tri(len(samples), k=-1, dtype=bool), table.T, table)
    references = np.flatnonzero(first)
    probes = np.flatnonzero(~first)
    mate = np.searchsorted(finger[references], finger[probes])
    return Scores(
        genuine=pairs[same],
        impostor=pairs[~same],
        first=(first[left] & first[right])[~same],
        rank1=rates.rank_one(whole[np.ix_(probes, references)], mate),
        images=len(samples),
        failed=failed,
    )


def summarise(scores: Scores) -> dict[str, float | int]:
    """Counts and rates of scores; NaN where a set has no pairs of a kind."""
    return {
        "images": scores.images,
        "failed": scores.failed,
        "genuine": len(scores.genuine),
        "impostor": len(scores.impostor),
        "eer": rates.eer(scores.genuine, scores.impostor),
        "eer_first": rates.eer(scores.genuine, scores.impostor[scores.first]),
        "fmr100": rates.fnmr_at_fmr(scores.genuine, scores.impostor, 0.01),
        "fmr1000": rates.fnmr_at_fmr(scores.genuine, scores.impostor, 0.001),
        "zerofmr": rates.fnmr_at_fmr(scores.genuine, scores.impostor, 0.0),
        "rank1": float(scores.rank1.mean()) if len(scores.rank1) else math.nan,
    }


def pool(parts: Sequence[Scores]) -> Scores:
    """Scores of several sets as if they were one; pairs across sets are not compared."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Scores(
        genuine=joined("genuine"),
        impostor=joined("impostor"),
        first=joined("first"),
        rank1=joined("rank1"),
        images=sum(part.images for part in parts),
        failed=sum(part.failed for part in parts),
    )


def _json(scores: dict[str, Scores], done: Sequence[Extracted], per_second: float) -> dict[str, Any]:
    sets = {name: summarise(part) for name, part in scores.items()}
    return {
        "sets": sets,
        "pooled": summarise(pool(list(scores.values()))),
        "mean": {rate: _mean([part[rate] for part in sets.values()]) for rate in RATES},
        "speed": {
            "extract_ms_p50": _median([one.extract_ms for one in done]),
            "quality_ms_p50": _median([one.quality_ms for one in done]),
            "comparisons_per_s": per_second,
        },
    }


def _below(folder: Path) -> dict[str, list[Sample]]:
    """Sets two to four levels down, as archives of several competitions lie."""
    places = sorted(place for levels in range(2, DEEPEST + 1) for place in folder.glob("/".join("*" * levels)))
    sets = {place.relative_to(folder).as_posix(): _samples(place) for place in places if place.is_dir()}
    return {name: samples for name, samples in sets.items() if samples}


def _samples(folder: Path) -> list[Sample]:
    def found() -> Iterator[Sample]:
        for file in folder.iterdir():
            name = _NAME.fullmatch(file.stem)
            hidden = file.name.startswith(".")  # such as the ._ files that some systems leave beside each
            if name and not hidden and file.suffix.lower() in SUFFIXES and file.is_file():
                yield Sample(name["finger"], int(name["impression"]), file)

    return sorted(found(), key=lambda sample: (sample.finger, sample.impression, sample.file.name))


def _is_first(samples: Sequence[Sample], index: int) -> bool:
    """Whether a sample is its finger's first impression; samples are sorted."""
    return index == 0 or samples[index - 1].finger != samples[index].finger


def _template(one: Extracted) -> RidgeTemplate | None:
    return RidgeTemplate.unpack(one.template) if one.template is not None else None


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan
