"""Templates of many image files, in child processes: a file that kills its decoder costs one image, not the run."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from limen.errors import BadImage
from limen.images import Image, decode
from limen.ridge import quality
from limen.ridge.extract import RidgeExtractor
from limen.terms import Position

QUALITY_EVERY = 10  # NFIQ 2 is timed on one image in ten: it takes several times longer than the template


@dataclass(frozen=True)
class Extracted:
    """One image's template (packed; None if it failed), and the processor time in ms for template and NFIQ 2."""

    template: bytes | None
    extract_ms: float
    quality_ms: float


FAILED = Extracted(None, math.nan, math.nan)
_extractor: RidgeExtractor | None = None


def extract(
    files: Sequence[Path],
    jobs: int,
    step: Callable[[int], object] = lambda _: None,
    *,
    mark: bool = False,
    turn: float = 0.0,
) -> list[Extracted]:
    """Templates of files, in their order. `step` is told how many are done.

    Crime-scene marks (`mark`) are read as such; images may be turned first, by degrees counter-clockwise.
    Files whose process dies, and those that were waiting behind them, are tried again each in a process of its own.
    """
    found: dict[int, Extracted] = {}
    with _processes(jobs) as pool:
        waiting = {index: pool.submit(_one, str(file), index, mark, turn) for index, file in enumerate(files)}
        for index, future in waiting.items():
            if (result := _result(future)) is not None:
                found[index] = result
                step(len(found))
    for index in sorted(set(range(len(files))) - set(found)):
        with _processes(1) as pool:
            found[index] = _result(pool.submit(_one, str(files[index]), index, mark, turn)) or FAILED
        step(len(found))
    return [found[index] for index in range(len(files))]


def _processes(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_warm)


def _result(future: Future[Extracted]) -> Extracted | None:
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _warm() -> None:
    global _extractor
    _extractor = RidgeExtractor()
    _extractor.warm()


def _one(file: str, index: int, mark: bool, turn: float) -> Extracted:
    assert _extractor is not None
    try:
        image = decode(Path(file).read_bytes())
    except BadImage:
        return FAILED
    if turn:
        grey = image.grey()
        ground = float(np.median(grey))  # of a mark's photograph; a print's paper
        image = Image(ndimage.rotate(grey, turn, order=1, cval=ground), image.ppi, image.format)
    began = time.process_time()
    result = _extractor.extract(image, Position.UNKNOWN, mark=mark, measure_quality=False)
    read = time.process_time()
    if index % QUALITY_EVERY == 0 and not mark:
        quality.nfiq2(image.grey())
    measured = (time.process_time() - read) * 1e3 if index % QUALITY_EVERY == 0 and not mark else math.nan
    return Extracted(result.template.pack() if result.template else None, (read - began) * 1e3, measured)
