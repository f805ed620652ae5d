"""A clock that must not jump back: the vault remembers the latest time that it saw, over restarts too.

Offers, expiries and retention go by the time of day. Set back, it would make records that have expired match again. So
the vault signs no offer, and hence nobody searches, while the clock stands before what it has shown already; and it
tells the front, where sessions that are over and requests that were spent would be good again (`front.clock`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from limen.errors import Unavailable
from limen.vault.files import replace_private

TOLERANCE = 120  # seconds that a clock may be set back: a time server's correction, never an expiry worth having
NOTE_SECONDS = 60  # between two writes of the latest time

log = structlog.get_logger("vault")


class Clock:
    """Unix seconds, or a refusal."""

    def __init__(self, file: Path, source: Callable[[], float] = time.time) -> None:
        """file: where the latest time is noted, `DATA/vault/clock`; what is no number counts as never noted."""
        self._file, self._source = file, source
        self._noted = self._latest = noted(file)
        self._said = False
        self._lock = threading.Lock()  # the watch on tokens notes the time too, in its own thread

    @property
    def latest(self) -> float:
        """The latest time that was seen, Unix seconds."""
        return self._latest

    def tick(self) -> None:
        """Note that time passes, where nobody asks; says nothing of a jump."""
        with suppress(Unavailable):
            self()

    def __call__(self) -> float:
        """The time.

        Raises:
            Unavailable: it lies before what it was.
        """
        with self._lock:
            return self._now()

    def _now(self) -> float:
        now = self._source()
        if now < self._latest - TOLERANCE:
            if not self._said:
                log.error("the clock has jumped back", seconds=round(self._latest - now))
            self._said = True
            raise jumped_back(now, self._latest, self._file)
        self._said = False
        self._latest = max(self._latest, now)
        if self._latest - self._noted >= NOTE_SECONDS:
            with suppress(OSError):  # on a full disk the hub goes on, and notes it later
                replace_private(self._file, b"%d\n" % self._latest)
                self._noted = self._latest
        return now


def noted(file: Path) -> float:
    """The latest time that was noted in a file, in Unix seconds; 0 for none."""
    try:
        return float(int(file.read_bytes()))
    except (FileNotFoundError, ValueError):
        return 0.0


def jumped_back(now: float, latest: float, file: Path) -> Unavailable:
    """What to say of a clock that stands before what it was."""
    was, is_now = (time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) for at in (latest, now))
    return Unavailable(
        f"The hub's clock has jumped back: it says {is_now}, and said {was}.",
        advice=f"Set it right. If it was wrong before, stop the hub and remove {file.name} in its vault folder.",
        code="clock-jumped-back",
    )
