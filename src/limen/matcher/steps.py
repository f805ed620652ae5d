"""Decisions leave at fixed steps, so that how long the comparison took says nothing of how near a miss was.

The search compares a fixed number of candidates and takes the same time for a far, a near and a mated probe within the
noise (docs/security.md); the steps take away what is left of it, and what the end of a worker takes that is let go.
"""

from __future__ import annotations

STEP = 0.010  # seconds: five times the spread of a small gallery's searches; costs half of it on average


def wait(elapsed: float) -> float:
    """Seconds to wait, after a search took `elapsed` seconds, for the next step: 0 up to `STEP`."""
    return -elapsed % STEP
