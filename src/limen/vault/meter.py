"""How many records the front may have opened: what honest hits and examiners need, and no gallery in a night.

Whoever runs code in the front can ask the vault for whatever the front may show. The vault cannot tell such a request
from an honest one, but it can count. What is counted is records, each once an hour however often it is looked at.
What belongs to no record (keys of lookups, a provider's secret) is not counted.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from limen.errors import Refused

HOUR, MINUTE = 3600.0, 60.0  # seconds
BURST = 60  # records that may be opened within a minute, however small the limit of an hour
QUIET_SECONDS = 60.0  # between two lines of the log about refusals

log = structlog.get_logger("vault")


class Meter:
    """Counts records that were opened for the front. By the monotonic clock: nobody sets that back."""

    def __init__(self, per_hour: int, *, refuse: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            per_hour: how many records may be opened within an hour; a quarter of them within a minute, or `BURST`.
            refuse: False: what is beyond is logged and counted only (the setting `watch` is `alert`).
            clock: seconds.
        """
        self._per_hour = per_hour
        self._per_minute = max(min(per_hour, BURST), per_hour // 4)
        self._refuse, self._clock = refuse, clock
        self._opened: OrderedDict[bytes, float] = OrderedDict()  # record: when it was first opened within this hour
        self._said = -QUIET_SECONDS
        self.refused = 0

    def admit(self, record: bytes) -> None:
        """Count a record that is to be opened.

        Raises:
            Refused: it is one too many.
        """
        now = self._clock()
        while self._opened and next(iter(self._opened.values())) <= now - HOUR:
            self._opened.popitem(last=False)
        if record in self._opened:
            return
        if len(self._opened) < self._per_hour and self._within(now - MINUTE) < self._per_minute:
            self._opened[record] = now
            return
        self.refused += 1
        if now - self._said >= QUIET_SECONDS:
            self._said = now
            log.error(
                "the front asks for too many records",
                opened=len(self._opened),
                refused=self.refused,
                advice="It may have been taken over: look at who asks for what, and stop the hub if nobody should.",
            )
        if self._refuse:
            raise Refused(
                "More records were to be opened than honest hits need.",
                advice="Wait an hour; if this many are needed, raise unsealed_per_hour.",
            )

    def state(self) -> dict[str, int]:
        """For `limen keys status`: records opened within the hour, how many may be, how often more were asked for."""
        since = self._clock() - HOUR
        return {"opened": self._within(since), "per_hour": self._per_hour, "refused": self.refused}

    def _within(self, since: float) -> int:
        count = 0
        for at in reversed(self._opened.values()):
            if at <= since:
                break
            count += 1
        return count
