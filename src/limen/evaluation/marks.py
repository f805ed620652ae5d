"""Do crime-scene marks find their prints, and prints the marks that they left, among all prints of a folder?

Marks are named `NAME_latent.ext` and their mates `NAME_rolled.ext`. Each mark is also turned, as marks lie anyhow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limen.errors import BadInput
from limen.evaluation.ridge import SUFFIXES
from limen.evaluation.ridge_extraction import extract
from limen.ridge import evidence
from limen.ridge.index import RidgeIndex
from limen.ridge.template import RidgeTemplate

TURNS = (0.0, 45.0, 90.0, 135.0, 180.0)  # degrees counter-clockwise
_LATENT, _ROLLED = "_latent", "_rolled"


@dataclass(frozen=True)
class Mark:
    """A mark and its mate's file."""

    name: str
    latent: Path
    rolled: Path


def find(folder: Path) -> list[Mark]:
    """The marks of a folder that have a mate; `BadInput` if there are none."""
    files = {file.stem: file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES} if folder.is_dir() else {}
    names = sorted(stem.removesuffix(_LATENT) for stem in files if stem.endswith(_LATENT))
    marks = [Mark(name, files[name + _LATENT], files[name + _ROLLED]) for name in names if name + _ROLLED in files]
    if not marks:
        raise BadInput(f"{folder} holds no marks.", advice="Name them NAME_latent.png and their mates NAME_rolled.png.")
    return marks


def evaluate(
    folder: Path, prints: Path, *, jobs: int = 1, step: Callable[[str, int, int], object] = lambda *_: None
) -> dict[str, Any]:
    """Ranks of mates both ways.

    Args:
        folder: of the marks and their mates.
        prints: other prints, searched through with all folders below it.
        jobs: processes that extract.
        step: is told (what is done, how many are done, of how many).

    Returns:
        {"prints": how many there are, "marks": [{"mark", "turn" in degrees, "minutiae", "rank" of its print among all,
        "nats", "others": highest nats of another print, "back": rank of the mark among all marks (turned ones too, but
        for those of its own) for its print}, ...]}; ranks from 1, None where one of both gave no template.
    """
    marks = find(folder)
    others = sorted(file for file in prints.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    files = [*(mark.rolled for mark in marks), *others]
    rolled = extract(files, jobs, lambda done: step("prints", done, len(files)))
    gallery = _index([one.template for one in rolled])
    seen = [
        (mark, turn, one)
        for turn in TURNS
        for mark, one in zip(marks, extract([mark.latent for mark in marks], 1, mark=True, turn=turn), strict=True)
    ]
    unsolved = _index([one.template for _, _, one in seen])
    rows = []
    for number, (mark, turn, one) in enumerate(seen):
        mate = marks.index(mark)
        row: dict[str, Any] = {"mark": mark.name, "turn": turn, "minutiae": 0, "rank": None, "nats": None}
        row |= {"others": None, "back": None}
        if one.template is not None:
            probe = RidgeTemplate.unpack(one.template)
            rank, nats, best = _ranked(gallery, probe, mate, leave_out=())
            row |= {"minutiae": len(probe), "rank": rank, "nats": nats, "others": best}
            if (print_ := rolled[mate].template) is not None:
                own = [k for k, (other, _, _) in enumerate(seen) if other is mark and k != number]
                row["back"] = _ranked(unsolved, RidgeTemplate.unpack(print_), number, leave_out=own)[0]
        rows.append(row)
    return {"prints": len(gallery), "marks": rows}


def _index(templates: Sequence[bytes | None]) -> RidgeIndex:
    index = RidgeIndex()
    for key, packed in enumerate(templates):
        if packed is not None:
            index.put_stored(key, packed)
    return index


def _ranked(
    index: RidgeIndex, probe: RidgeTemplate, mate: int, *, leave_out: Sequence[int]
) -> tuple[int | None, float | None, float | None]:
    """The mate's rank and nats, and the highest nats of another; None where the mate is not there."""
    keys, scores = index.search(probe, len(index), exhaustive=True)
    kept = ~np.isin(keys, np.array(leave_out, np.uint64))
    keys, nats = keys[kept], evidence.llr(scores[kept].astype(float))
    at = np.flatnonzero(keys == mate)
    best = nats[keys != mate]
    highest = float(best.max()) if len(best) else None
    return (int(at[0]) + 1, float(nats[at[0]]), highest) if len(at) else (None, None, highest)
