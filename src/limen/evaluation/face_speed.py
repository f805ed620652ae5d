"""How fast faces are: a photo from bytes to template, and a search among a million templates.

Photos are those of a folder, each enlarged to fill the height of a picture of 640 x 480, as JPEG. Templates are random
unit vectors: the scan looks at each whatever it holds.

A hub's workers keep the memory that they free, by tunables of their own (`opener.ENVIRONMENT`). A process that gives it
back has pages fetched anew for the next photo, which no capture waits for; so photos are measured with these tunables.
"""

from __future__ import annotations

import ctypes
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from limen.face.extract import FaceExtractor
from limen.images import decode
from limen.matcher.faces import THREADS, FaceMatrix
from limen.models import manifest
from limen.opener import ENVIRONMENT

PHOTOS, ROUNDS = 40, 3
SIZE = (640, 480)  # pixels, of a document's or booth's photo
TEMPLATES = 1_000_000
TOGETHER = (1, 8, 64)  # probes in one pass
SEARCHES = 15
CANDIDATES = 32  # as many as a search takes (`matcher.search`)
CHUNK = 50_000  # templates made at a time
#: mallopt's numbers for the tunables, and what glibc itself raises them to as blocks are freed (mallopt(3)): it stops
#: doing so once they are set
_OPTIONS = {"trim_threshold": (-1, 64 << 20), "top_pad": (-2, 128 << 10), "mmap_threshold": (-3, 32 << 20)}


def report(photos: Sequence[tuple[str, Path]], model: str, templates: int = TEMPLATES) -> dict[str, Any]:
    """All figures in milliseconds: of processor time on one core for photos, medians by the clock for searches."""
    return {"photo": photo(photos, model), "search": search(manifest(model).dimension, templates)}


def photo(photos: Sequence[tuple[str, Path]], model: str) -> dict[str, float]:
    """Milliseconds from bytes to template, as a probe and as a reference: of half the photos and of 95 % at most."""
    pictures = [_booth(path) for _, path in photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]]
    times: dict[str, list[float]] = {"probe": [], "reference": []}
    with _memory_of_a_worker():
        extractor = FaceExtractor([model])
        extractor.warm()
        for picture in pictures * ROUNDS:
            for name, taken in times.items():  # in turns: the processor's clock varies by a quarter within seconds
                extractor.mirrored = name == "reference"
                started = time.process_time()
                extractor.extract(decode(picture))
                taken.append(1e3 * (time.process_time() - started))
    rates = {
        f"{name}_ms_p{share}": float(np.percentile(taken, share)) for name, taken in times.items() for share in (50, 95)
    }
    return {"photos": len(pictures), **rates}


def search(dimension: int, templates: int = TEMPLATES) -> dict[str, Any]:
    """Milliseconds of a search among random templates, and of a change."""
    random = np.random.default_rng(1)
    matrix = FaceMatrix(dimension)
    for start in range(0, templates, CHUNK):
        for key, vector in enumerate(_unit(random, min(CHUNK, templates - start), dimension), start + 1):
            matrix.put(key, key, vector, 70)
    allowed = np.ones(templates + 2, bool)
    probes = {count: [_unit(random, count, dimension)] * SEARCHES for count in TOGETHER}
    changed = _unit(random, 1, dimension)[0]

    def change(_: object) -> None:
        matrix.put(templates + 1, templates + 1, changed, 70)
        matrix.put(templates + 1, templates + 1, changed, 71)
        matrix.remove(templates + 1)

    return {
        "templates": len(matrix),
        "dimension": dimension,
        "threads": THREADS,
        "memory_mib": matrix.memory >> 20,
        "ms_p50": {
            str(count): _median(lambda vectors: matrix.nearest(vectors, allowed, CANDIDATES), batch)
            for count, batch in probes.items()
        },
        "insert_replace_withdraw_ms_p50": _median(change, range(100)),
    }


@contextmanager
def _memory_of_a_worker() -> Iterator[None]:
    """Have this process keep what it frees, as the opener's do; elsewhere than with glibc nothing changes."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)
    tunables = dict(one.split("=") for one in ENVIRONMENT["GLIBC_TUNABLES"].replace("glibc.malloc.", "").split(":"))
    for name, (number, _) in _OPTIONS.items():
        set_option(number, int(tunables[name]))
    try:
        yield
    finally:
        for number, usual in _OPTIONS.values():
            set_option(number, usual)


def _median(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    times = []
    for item in items:
        started = time.perf_counter()
        work(item)
        times.append(1e3 * (time.perf_counter() - started))
    return float(np.median(times))


def _booth(path: Path) -> bytes:
    face = Pillow.fromarray(decode(path.read_bytes()).rgb())
    width = round(face.width * SIZE[1] / face.height)
    picture = Pillow.new("RGB", SIZE, (150, 155, 160))
    picture.paste(face.resize((width, SIZE[1]), Pillow.Resampling.BICUBIC), ((SIZE[0] - width) // 2, 0))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _unit(random: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    vectors = random.standard_normal((count, dimension), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
