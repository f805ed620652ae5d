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
RULE = (550, 64, 3, 8, 40)  # as limen.ridge.views has it; any numbers do


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


def stored(native: Any, random: np.random.Generator) -> bytes:
    """A stored print: with codes or without, in views, with bytes changed or cut short."""
    data = packed(random)
    try:
        count = len(native.prepare(data))
        views = [
            np.sort(random.permutation(count)[: max(1, count // 2)]).tolist() for _ in range(random.integers(0, 4))
        ]
        data += native.codes(data, views if count else [])
    except ValueError:
        return data
    changed = bytearray(data)
    if random.random() < 0.5:
        for _ in range(int(random.integers(1, 5))):
            changed[int(random.integers(0, len(data)))] = int(random.integers(0, 256))
    return bytes(changed[: int(random.integers(0, len(data)))] if random.random() < 0.2 else changed)


def put_many(native: Any, index: Any, random: np.random.Generator) -> None:
    """Put stored prints in, one piece of memory for all; places outside of it are refused."""
    several = [stored(native, random) for _ in range(int(random.integers(0, 5)))]
    content = np.frombuffer(b"".join(several), np.uint8)
    ends = np.cumsum([len(one) for one in several], dtype=np.int64)
    begins = ends - np.array([len(one) for one in several], np.int64)
    if len(several) and random.random() < 0.2:  # prints that overlap, end before they begin, or lie outside
        places = begins if random.random() < 0.5 else ends
        places[0] = random.choice([-(2**63), -1, 0, 1, len(content), len(content) + 1, 2**63 - 1])
    outside = ((begins < 0) | (ends < begins) | (ends > len(content))).any()
    keys, before = random.integers(0, 40, len(several)).astype(np.uint64), len(index)
    threads = int(random.choice([-1, 1, 3]))
    try:
        clear = index.put_many(keys, content, begins, ends, RULE, threads)
    except ValueError:
        assert outside and len(index) == before
        return
    assert not outside and len(clear) == len(several)
    assert before <= len(index) <= before + int((clear >= 0).sum())


def take_out_many(index: Any, random: np.random.Generator) -> None:
    """Take prints out, some of them twice or not there; all of them now and then."""
    keys = np.append(random.integers(0, 60, 20), [0, 1]).astype(np.uint64)
    if random.random() < 0.3:
        keys = np.append(np.arange(60, dtype=np.uint64), np.array([2**64 - 1], np.uint64))
    before = len(index)
    gone = index.remove_many(keys)
    assert 0 <= gone <= min(before, len(np.unique(keys))) and len(index) == before - gone
    assert index.remove_many(keys) == 0
    assert index.memory < 1 << 27  # what was given back is used again


def run(native: Any, seconds: float, seed: int = 0) -> int:
    """Feed the kernels for so long; how many templates were accepted. Raises what is not a plain refusal."""
    random = np.random.default_rng(seed)
    index, prints, accepted = native.Index(), [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        put_many(native, index, random)
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
        if random.random() < 0.05:
            take_out_many(index, random)
    return accepted


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("_native", sys.argv[1])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(run(module, float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0), "templates accepted")
