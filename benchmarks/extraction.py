"""`python -m benchmarks.extraction`: LEADER's network at 384 x 416 three ways, in turns, and the whole extraction.

One thread; processor time, and the least as well as the median of several turns, because other programs disturb either.
The print is made up (`limen.evaluation.synthesis`); times depend on its size and hardly on what it shows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from limen import models
from limen.evaluation.synthesis import Finger
from limen.images import Image
from limen.models.installed import open_session
from limen.ridge.extract import RidgeExtractor
from limen.ridge.network import MODEL, Graph, Tiles
from limen.terms import Position

HEIGHT, WIDTH = 416, 384


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__)
    parser.add_argument("--turns", type=int, default=9)
    turns = parser.parse_args().turns
    grey = np.ascontiguousarray(Finger(seed=7, position=2).impression(0)[:HEIGHT, :WIDTH])
    assert grey.shape == (HEIGHT, WIDTH)
    shipped, graph = open_session(models.read(MODEL)), Graph()
    name, values = shipped.get_inputs()[0].name, grey[None, :, :, None].astype(np.float32)
    ways: dict[str, Callable[[], object]] = {
        "network as shipped, onnxruntime, float32": lambda: shipped.run(None, {name: values}),
        "network written anew, onnxruntime, float32": lambda: graph.peaks(grey),
    }
    if Tiles.supported():
        tiles = Tiles()
        ways["network in the native kernel, AMX, bfloat16"] = lambda: tiles.peaks(grey)
    extractor = RidgeExtractor()
    image = Image(grey, 500.0, "png")
    ways["pixels to template, without NFIQ 2"] = lambda: extractor.extract(
        image, Position.UNKNOWN, measure_quality=False
    )

    spent: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(turns + 1):
        for way, run in ways.items():
            began = time.process_time()
            run()
            if turn:  # the first warms up
                spent[way].append((time.process_time() - began) * 1e3)
    print(
        json.dumps({way: {"ms_p50": float(np.median(ms)), "ms_least": min(ms)} for way, ms in spent.items()}, indent=2)
    )


if __name__ == "__main__":
    main()
