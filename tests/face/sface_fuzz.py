"""Random and hostile input to SFace's kernel. Alone: `sface_fuzz.py _sface.so SECONDS [SEED]`.

`scripts/fuzz` runs it on a build with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import numpy as np

from limen import models
from limen.models.sface_fold import fold

SIDES = (0, 1, 111, 112, 113)
LEAST = 50  # inputs


def faces(random: np.random.Generator) -> np.ndarray:
    """Noise, blank or saturated; sometimes of another size, sometimes none or many."""
    side = 112 if random.random() < 0.7 else int(random.choice(SIDES))
    shape = (int(random.integers(0, 6)), side, 112, 3)
    if random.random() < 0.5:
        return random.integers(0, 256, shape, np.uint8)
    return np.full(shape, random.choice([0, 127, 255]), np.uint8)


def run(native: Any, seconds: float, seed: int = 0) -> int:
    """Feed one kernel for so long, and with `LEAST` inputs however slow the machine is; anything but a result or a
    ValueError raises. Returns how many inputs it took.
    """
    random = np.random.default_rng(seed)
    arrays = fold(models.read("sface"))
    network, end, done = native.Network(arrays), time.monotonic() + seconds, 0
    while done < LEAST or time.monotonic() < end:
        given = faces(random)
        try:
            made = network.embed(given)
        except ValueError:
            assert given.shape[1] != 112
        else:
            assert made.shape == (len(given), 128) and np.isfinite(made).all()
        if random.random() < 0.02:  # weights that are missing or of another shape
            name = str(random.choice(sorted(arrays)))
            broken = arrays | {name: np.zeros(tuple(random.integers(1, 40, 2)), np.float32)}
            try:
                native.Network(broken if random.random() < 0.5 else {k: v for k, v in arrays.items() if k != name})
            except ValueError:
                pass
            else:
                raise AssertionError(f"{name} was taken")
        done += 1
    return done


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("_sface", sys.argv[1])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.supported():
        print("This processor has no AMX tiles: SFace's kernel was not fed.")
    else:
        seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
        print(f"{run(module, float(sys.argv[2]), seed)} inputs to SFace's kernel, seed {seed}")
