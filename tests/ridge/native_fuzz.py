"""Random and hostile input to every entry of the ridge kernels. Alone: `native_fuzz.py _native.so SECONDS [SEED]`.

`scripts/fuzz` runs it on a build with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
import time
from typing import Any

import numpy as np

HEAD = struct.Struct("<16sBBHHH")


def packed(random: np.random.Generator) -> bytes:
    """A packed template: sound, degenerate, or with bytes changed."""
    count = int(random.choice([0, 1, 2, 3, 16, 17, 40, 64, 65, 150, 400]))
    side = int(random.choice([1, 50, 400, 16383]))
    rows = np.zeros((count, 4), "<u2")
    spread = int(random.choice([0, 3, 4 * side]))
    middle = int(random.integers(0, 4 * side - spread + 1))
    rows[:, :2] = middle + random.integers(0, spread + 1, (count, 2))
    rows[:, 2] = random.integers(0, 65536, count) if random.random() < 0.8 else 0
    rows[:, 3] = random.integers(0, 3, count) | random.integers(0, 101, count) << 8
    data = bytearray(HEAD.pack(b"fuzz", int(random.integers(0, 256)), 255, count, side, side) + rows.tobytes())
    if random.random() < 0.3:
        for _ in range(int(random.integers(1, 5))):
            data[int(random.integers(0, len(data)))] = int(random.integers(0, 256))
    if random.random() < 0.1:
        data = data[: int(random.integers(0, len(data)))]
    return bytes(data)


def run(native: Any, seconds: float, seed: int = 0) -> int:
    """Feed the kernels for so long; how many templates were accepted. Raises what is not a plain refusal."""
    random = np.random.default_rng(seed)
    index, prints, accepted = native.Index(), [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = packed(random)
        key = [0, 1, 2**64 - 1, int(random.integers(0, 40))][random.integers(0, 4)]
        try:
            one = native.prepare(data)
            index.put(key, [data] * int(random.integers(1, 4)))
        except ValueError:
            continue
        accepted += 1
        prints = [*prints[-12:], one]
        for level in range(native.best_level() + 1):
            scores = native.compare_many(one, prints, level)
            assert np.isfinite(scores).all()
            assert np.isfinite(native.inputs(one, prints, level)).all()
            native.screen(one, prints, level)
            native.scan(one, prints, level)
            _, pairs, cosine, sine, *_ = native.explain(one, prints[0], level)
            assert abs(cosine**2 + sine**2 - 1) < 1e-3
            if len(pairs):
                assert pairs.min() >= 0 and (pairs.max(axis=0) < [len(one), len(prints[0])]).all()
        views = [one, *prints[: int(random.integers(0, 2))]]
        survivors, threads = [0, 1, 5, 2**63][random.integers(0, 4)], [-1, 1, 3][random.integers(0, 3)]
        for keys, scores in index.search([views, [one], []], int(random.integers(0, 60)), survivors, threads):
            assert len(keys) == len(scores)
        index.search_among(views, random.integers(0, 60, 9).astype(np.uint64), 5)
        if random.random() < 0.3:
            index.remove(key)
    return accepted


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("_native", sys.argv[1])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(run(module, float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0), "templates accepted")
