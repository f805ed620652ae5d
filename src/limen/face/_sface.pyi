"""Types of the compiled kernel (native/sface/module.cpp)."""

from __future__ import annotations

import numpy as np

def supported() -> bool: ...

class Network:
    def __init__(self, arrays: dict[str, np.ndarray]) -> None: ...
    def embed(self, faces: np.ndarray) -> np.ndarray: ...
