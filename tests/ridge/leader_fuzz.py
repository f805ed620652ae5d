"""Random and hostile input to every entry of LEADER's kernel. Alone: `leader_fuzz.py _leader.so SECONDS [SEED]`.

`scripts/fuzz` runs it on a build with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import numpy as np

from limen import models
from limen.models.leader_fold import fold
from limen.ridge.network import MODEL

SIDES = (0, 1, 31, 32, 33, 64, 96, 128, 224, 384)


def image(random: np.random.Generator) -> np.ndarray:
    """Blank, saturated, noise, stripes or checks; of any size, sides often no multiples of 32."""
    height, width = (int(random.choice(SIDES)) for _ in range(2))
    y, x = np.mgrid[0:height, 0:width]
    kind = random.integers(0, 5)
    if kind == 0:
        return np.full((height, width), random.choice([0, 127, 255]), np.uint8)
    if kind == 1:
        return random.integers(0, 256, (height, width), np.uint8)
    if kind == 2:
        return (127 + 120 * np.sin(x * random.uniform(0.1, 3) + y * random.uniform(0.1, 3))).astype(np.uint8)
    if kind == 3:  # a minutia nearly everywhere
        return ((x // random.integers(2, 9) + y // random.integers(2, 9)) % 2 * 255).astype(np.uint8)
    spots = np.zeros((height, width), np.uint8)
    spots[random.random((height, width)) < 0.02] = 255
    return spots


def run(native: Any, seconds: float, seed: int = 0) -> int:
    """Feed the kernel for so long; how many images were read. Raises what is not a plain refusal."""
    random = np.random.default_rng(seed)
    arrays = fold(models.read(MODEL))
    refuse_spoilt_arrays(native, arrays, random)
    network, read, end = native.Network(arrays), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        grey = image(random)
        try:
            rows = network.read(grey, float(random.choice([0.0, 0.1, 0.55, 1.0, -1.0, np.nan, np.inf])))
        except ValueError:
            assert min(grey.shape) < 32 or grey.shape[0] % 32 or grey.shape[1] % 32
            continue
        read += 1
        assert rows.shape[1] == 7 and np.isfinite(rows).all()
        assert (rows[:, :2] >= 0).all() and (rows[:, :2] < grey.shape[::-1]).all()
    return read


def refuse_spoilt_arrays(native: Any, arrays: dict[str, np.ndarray], random: np.random.Generator) -> None:
    """A network with an array missing, cut or of another shape is not made."""
    names = sorted(arrays)
    for _ in range(20):
        name = names[random.integers(0, len(names))]
        spoilt = dict(arrays)
        if random.random() < 0.5:
            del spoilt[name]
        else:
            spoilt[name] = np.zeros(tuple(side + 1 for side in arrays[name].shape), np.float32)
        try:
            native.Network(spoilt)
        except ValueError:
            continue
        raise AssertionError(f"a network was made with {name} spoilt")


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("_leader", sys.argv[1])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.supported():
        print(run(module, float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0), "images read")
    else:
        print("this processor has no AMX: LEADER's kernel is not used here, nor fuzzed")
