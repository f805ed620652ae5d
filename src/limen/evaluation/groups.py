"""Who is who in a measurement: groups (sex, age band, country) from a manifest, so that each gets figures of its own.

A manifest is CSV in UTF-8 with a header. One column says whom a row is of: `person` or `identity` (the name of the
identity's folder) or `file` (path of a photo or print, relative to the folder; all files of an identity must agree).
The other columns are groups. People without a row, or with an empty cell, are in no group and are counted as such.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limen.errors import BadInput
from limen.evaluation.face import FPIR, Photos, open_set

NAME = "manifest.csv"
PERSON = ("person", "identity")  # either name of the column that names the folder
BOOTSTRAPS = 200
FEW = 30  # people: below, one person moves a rate by more than three points, and a bootstrap's interval is too narrow


@dataclass(frozen=True)
class Grouping:
    """Groups of the people of a folder, by one column.

    Attributes:
        column: of the manifest.
        of: group of each person that has one.
    """

    column: str
    of: dict[str, str]

    def numbers(self, people: list[str]) -> tuple[list[str], list[int]]:
        """Names of the groups, sorted, and the number of each person's; -1 for people in none."""
        names = sorted({self.of[person] for person in people if person in self.of})
        return names, [names.index(self.of[person]) if person in self.of else -1 for person in people]


def read(folder: Path, column: str, manifest: Path | None = None) -> Grouping:
    """Groups by a column of `manifest`, by default of manifest.csv in the folder.

    Raises:
        BadInput: no manifest, or one that lacks the column or says two things of one person.
    """
    file = manifest or folder / NAME
    if not file.is_file():
        raise BadInput(
            f"There is no manifest at {file}.",
            advice=f"Put {NAME} there, with a column 'person' or 'file' and one a group, or name one with --manifest.",
        )
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            head = list(reader.fieldnames or ())
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file} cannot be read: {error}.", advice="It must be CSV in UTF-8.") from None
    who = next((name for name in (*PERSON, "file") if name in head), None)
    if who is None or column not in head:
        lacks = "'person' or 'file'" if who is None else f"'{column}'"
        raise BadInput(f"{file} has no column {lacks}.", advice=f"Its columns: {', '.join(head) or 'none'}.")
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        name, value = (row[who] or "").strip(), (row[column] or "").strip()
        person = name if who in PERSON else Path(name).parts[0] if name else ""
        if not person or not value:
            continue
        if found.setdefault(person, value) != value:
            raise BadInput(f"{file}, line {number}: {person} is both '{found[person]}' and '{value}'.")
    if not found:
        raise BadInput(f"{file} puts nobody in a group by '{column}'.")
    return Grouping(column, found)


def rates(
    mated: tuple[np.ndarray, np.ndarray],
    others: tuple[np.ndarray, np.ndarray],
    thresholds: dict[str, float],
    of: tuple[list[str], np.ndarray],
    seed: int = 4,
) -> dict[str, Any]:
    """FNIR and FPIR of each group at thresholds that were set for all, as a hub has one threshold for all.

    Args:
        mated: score (m,) of each mated probe against its record, and its people (m, columns): numbers of whom its
            samples are; the first column decides on the group.
        others: highest score (n,) of each non-mated probe, and its people (n, columns).
        thresholds: by name.
        of: names of the groups, and the number of each person's (first column), -1 for none.

    Returns:
        For each group: people and searches of both kinds, `few` where there are too few people, and for each threshold
        fnir with its 95 % interval (bootstrap by person; the threshold stays) and fpir.
    """
    names, number = of
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for index, name in enumerate(names):
        score, people = (part[number[mated[1][:, 0]] == index] for part in mated)
        alarm, strangers = (part[number[others[1][:, 0]] == index] for part in others)
        count = len(np.unique(people[:, 0]))
        weights = [_weights(people, random) for _ in range(BOOTSTRAPS)] if count else []
        at = {}
        for key, threshold in thresholds.items():
            missed = score <= threshold
            again = [float(weight[missed].sum() / weight.sum()) for weight in weights if weight.any()]
            at[key] = {
                "fnir": float(missed.mean()) if count else None,
                "interval": [float(np.quantile(again, q)) for q in (0.025, 0.975)] if again else None,
                "fpir": float((alarm > threshold).mean()) if len(alarm) else None,
            }
        found[name] = {
            "people": count,
            "mated_searches": len(score),
            "other_people": len(np.unique(strangers[:, 0])),
            "non_mated_searches": len(alarm),
            "few": count < FEW or len(np.unique(strangers[:, 0])) < FEW,
            "rates": at,
        }
    return found


def of_faces(photos: Photos, grouping: Grouping, people: list[str]) -> dict[str, Any]:
    """Figures of each group in the open set of faces with one photo enrolled; {} without non-mated probes.

    Args:
        people: names of the identities, by number.
    """
    trial = open_set(photos)
    if not len(trial.alarm):
        return {}
    several = np.bincount(photos.identity)[photos.identity] > 1
    first = np.diff(photos.identity, prepend=-1) != 0
    names, number = grouping.numbers(people)
    return rates(
        (trial.mate, photos.identity[several & ~first][:, None]),
        (trial.alarm, photos.identity[~several][:, None]),
        {name: trial.threshold(rate) for name, rate in FPIR.items()},
        (names, np.array(number)),
    )


def _weights(people: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """How often each probe is counted in one draw of the pigeonhole bootstrap; fingers share their numbers."""
    counts = [random.poisson(1.0, people[:, 0].max() + 1)]
    if people.shape[1] > 1:
        counts += [random.poisson(1.0, people[:, 1:].max() + 1)] * (people.shape[1] - 1)
    return np.prod([count[people[:, column]] for column, count in enumerate(counts)], axis=0)
