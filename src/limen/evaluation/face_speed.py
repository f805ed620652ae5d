"""How fast faces are: a photo from bytes to template, and a search among a million templates.

Photos are those of a folder, each enlarged to fill the height of a picture of 640 x 480, as JPEG. Templates are random
unit vectors: the scan looks at each whatever it holds.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from limen.face.extract import FaceExtractor
from limen.images import decode
from limen.matcher.faces import THREADS, FaceMatrix
from limen.models import manifest

PHOTOS, ROUNDS = 40, 3
SIZE = (640, 480)  # pixels, of a document's or booth's photo
TEMPLATES = 1_000_000
TOGETHER = (1, 8, 64)  # probes in one pass
SEARCHES = 15
CANDIDATES = 32  # as many as a search takes (`matcher.search`)
CHUNK = 50_000  # templates made at a time


def report(photos: Sequence[tuple[str, Path]], model: str, templates: int = TEMPLATES) -> dict[str, Any]:
    """All figures: medians, milliseconds of processor time on one core for photos, by the clock for searches."""
    return {"photo": photo(photos, model), "search": search(manifest(model).dimension, templates)}


def photo(photos: Sequence[tuple[str, Path]], model: str) -> dict[str, float]:
    """Milliseconds from bytes to template, as a probe and as a reference."""
    pictures = [_booth(path) for _, path in photos[:: max(1, len(photos) // PHOTOS)][:PHOTOS]]
    extractor = FaceExtractor([model])
    extractor.warm()
    found: dict[str, float] = {"photos": len(pictures)}
    for name, mirrored in (("probe_ms_p50", False), ("reference_ms_p50", True)):
        extractor.mirrored = mirrored
        found[name] = _median(lambda data: extractor.extract(decode(data)), pictures * ROUNDS, clock=time.process_time)
    return found


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


def _median(
    work: Callable[[Any], object], items: Sequence[Any], clock: Callable[[], float] = time.perf_counter
) -> float:
    times = []
    for item in items:
        started = clock()
        work(item)
        times.append(1e3 * (clock() - started))
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
