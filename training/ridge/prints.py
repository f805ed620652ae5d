"""Sets of prints to train on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limen.evaluation import ridge, ridge_extraction
from limen.ridge import _native

WEIGHTS = Path(__file__).parents[2] / "native" / "ridge"


@dataclass(frozen=True)
class Prints:
    """One set: names of fingers and prepared prints, side by side."""

    name: str
    fingers: np.ndarray
    prepared: list[_native.Prepared]


def load(folder: Path, cache: Path, jobs: int) -> Prints:
    """The images of a folder that give a template; templates are read from and written to the cache."""
    (name, samples), *_ = ridge.find(folder).items()
    place = cache / name
    place.mkdir(parents=True, exist_ok=True)
    files = [place / f"{sample.file.stem}.bin" for sample in samples]
    missing = [k for k, file in enumerate(files) if not file.exists()]
    done = ridge_extraction.extract([samples[k].file for k in missing], jobs) if missing else []
    for k, extracted in zip(missing, done, strict=True):
        files[k].write_bytes(extracted.template or b"")
    kept = [(sample.finger, file.read_bytes()) for sample, file in zip(samples, files, strict=True)]
    kept = [(finger, packed) for finger, packed in kept if packed]
    return Prints(name, np.array([finger for finger, _ in kept]), [_native.prepare(packed) for _, packed in kept])
