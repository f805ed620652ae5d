"""Types of the compiled kernels (native/matcher/module.cpp)."""

from __future__ import annotations

import numpy as np

def scan(
    values: np.ndarray,
    scales: np.ndarray,
    slots: np.ndarray,
    allowed: np.ndarray,
    probes: np.ndarray,
    probe_scales: np.ndarray,
    limit: int,
    threads: int = 1,
    level: int = -1,
) -> tuple[np.ndarray, np.ndarray]: ...
def best_level() -> int: ...
