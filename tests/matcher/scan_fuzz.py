"""Random and hostile input to the kernel that scans faces. Alone: `scan_fuzz.py _native.so SECONDS [SEED]`.

`scripts/fuzz` runs it on a build with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import numpy as np


def run(native: Any, seconds: float, seed: int = 0) -> int:
    """Feed the kernel for so long; how many scans were accepted. Raises what is not a plain refusal."""
    random = np.random.default_rng(seed)
    accepted, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        sound = random.random() < 0.7
        n, width = int(random.choice([0, 1, 2, 15, 16, 17, 100, 5000])), int(random.choice([64, 128, 512, 4096]))
        count, slots = int(random.choice([0, 1, 2, 3, 16, 17])), int(random.integers(1, 40))
        off = (lambda: 0) if sound else (lambda: int(random.choice([0, 0, 0, 1])))
        codes = random.integers(-128, 128, (n, width + off()), dtype=np.int8)
        probes = random.integers(-128, 128, (count, width), dtype=np.int8)
        scales = random.choice([0, 1, -1, 1e38, np.inf, np.nan], n + off()).astype(np.float32)
        of = random.integers(-off(), slots + off(), n).astype(np.int32)
        allowed = random.integers(0, 2, slots).astype(np.uint8)
        given = (codes, scales, of, allowed, probes, np.ones(count + off(), np.float32))
        limit = int(random.choice([0, 1, 7, 200, 2**40]))
        try:
            for level in range(native.best_level() + 1):
                rows, scores = native.scan(*given, limit, int(random.choice([-1, 0, 1, 3])), level)
        except ValueError:
            continue
        accepted += 1
        assert rows.shape == scores.shape == (count, limit)
        assert rows.size == 0 or (rows.min() >= -1 and rows.max() < n)
    return accepted


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("_native", sys.argv[1])
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(run(module, float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0), "scans accepted")
