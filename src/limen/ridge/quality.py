"""NFIQ 2: how well a finger image will match, 0 (not at all) to 100 (ISO/IEC 29794-4, NIST's reference code)."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from limen.ridge.template import NOT_COMPUTED

SMALLEST_SIDE = 100  # pixels at 500 ppi: 5 mm; below, NFIQ 2's features have nothing to measure
LARGEST_SIDE = 1500  # pixels at 500 ppi: 76 mm; no finger is longer, and its time grows with the area

_lock = threading.Lock()
_computer: Any = None


def warm() -> None:
    """Load NFIQ 2's model now (0.3 s), so that forked children have it."""
    nfiq2(np.full((SMALLEST_SIDE, SMALLEST_SIDE), 255, np.uint8))


def nfiq2(grey: np.ndarray) -> int:
    """NFIQ 2 score of a finger at 500 ppi, uint8 (h, w), ridges dark on light.

    Returns:
        0-100, or 255 (`NOT_COMPUTED`) where NFIQ 2 cannot measure the image: too small, too large, or empty.
    """
    if min(grey.shape) < SMALLEST_SIDE or max(grey.shape) > LARGEST_SIDE:
        return NOT_COMPUTED
    import nbis

    picture = b"P5\n%d %d\n255\n" % (grey.shape[1], grey.shape[0]) + np.ascontiguousarray(grey).tobytes()
    try:
        score = int(_extractor().extract_minutiae(picture).quality().score)
    except (nbis.NbisError, nbis.InternalError):  # it raises on images without ridges
        return NOT_COMPUTED
    return score if 0 <= score <= 100 else NOT_COMPUTED


def _extractor() -> Any:
    """The library's object, made once a process (and inherited by forked children)."""
    global _computer
    with _lock:
        if _computer is None:
            import nbis

            settings = nbis.NbisExtractorSettings(
                min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=True, ppi=500.0
            )
            _computer = nbis.new_nbis_extractor(settings)
    return _computer
