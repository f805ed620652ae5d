"""How many records the front may have opened: what honest hits and examiners need, and no gallery in a night.

Whoever runs code in the front can ask the vault for whatever the front may show. The vault cannot tell such a request
from an honest one, but it can count. What is counted is records, each once an hour however often it is looked at.
What belongs to no record (keys of lookups, a provider's secret) is not counted.

The count outlives a restart of the vault, sealed (`Kept`), and so does what was refused, until the front has told the
owners' officers (`front.opened`): a front that was taken over will not, the one that takes its place will.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cbor2
import structlog

from limen.errors import Damaged, Refused
from limen.vault.custody import AesCustody
from limen.vault.files import replace_private

HOUR, MINUTE = 3600.0, 60.0  # seconds
BURST = 60  # records that may be opened within a minute, however small the limit of an hour
QUIET_SECONDS = 60.0  # between two lines of the log about refusals
TOLD_SECONDS = 24 * HOUR  # for which refusals are told after the last one
KEEP_SECONDS = 2.0  # between two writes of the count

_LABEL = b"limen-meter"

log = structlog.get_logger("vault")


class Keep(Protocol):
    """Where a meter's count outlives its process."""

    def load(self) -> dict[str, Any] | None: ...
    def save(self, content: dict[str, Any]) -> None: ...


class Kept:
    """A file, `DATA/vault/opened`, sealed with a key of the vault's own: it says whose records were looked at."""

    def __init__(self, file: Path, key: bytes) -> None:
        """key: AES-256."""
        self._file, self._cipher = file, AesCustody(key)

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None if nothing was, or it is damaged, which is logged."""
        try:
            content: dict[str, Any] = cbor2.loads(self._cipher.unwrap(self._file.read_bytes(), _LABEL))
            return content
        except FileNotFoundError:
            return None
        except (OSError, Damaged, ValueError, cbor2.CBORDecodeError):
            log.error("the count of opened records is damaged", advice="It begins anew; find out who changed it.")
            return None

    def save(self, content: dict[str, Any]) -> None:
        """Write it down; on a full disk the count goes on in memory."""
        try:
            replace_private(self._file, self._cipher.wrap(cbor2.dumps(content), _LABEL))
        except OSError as error:
            log.warning("the count of opened records is not kept", reason=error.strerror)


class Meter:
    """Counts records that were opened for the front. By the monotonic clock: nobody sets that back."""

    def __init__(
        self,
        per_hour: int,
        *,
        refuse: bool = True,
        keep: Keep | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """
        Args:
            per_hour: how many records may be opened within an hour; a quarter of them within a minute, or `BURST`.
            refuse: False: what is beyond is logged and counted only (the setting `watch` is `alert`).
            keep: where the count outlives this process; None: nowhere.
            clock: seconds; wall: Unix seconds, which tell how long a restart took.
        """
        self._per_hour = per_hour
        self._per_minute = max(min(per_hour, BURST), per_hour // 4)
        self._refuse, self._keep, self._clock, self._wall = refuse, keep, clock, wall
        self._opened: OrderedDict[bytes, float] = OrderedDict()  # record: when it was first opened within this hour
        self._refusals: Counter[str] = Counter()  # by owner, since the last day without any
        self._last_refused = 0.0
        self._at = 0.0  # the latest time of day that a kept count was of
        self._said = self._kept_at = clock() - QUIET_SECONDS
        if keep is not None and (content := keep.load()) is not None:
            self._restore(content)

    def admit(self, record: bytes, owner: str = "") -> None:
        """Count a record of an owner that is to be opened.

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
            self._save(now)
            return
        self._refused(owner, now)
        if self._refuse:
            raise Refused(
                "More records were to be opened than honest hits need.",
                advice="Wait an hour; if this many are needed, raise unsealed_per_hour.",
            )

    def state(self) -> dict[str, int]:
        """For `limen keys status`: records opened within the hour, how many may be, how often more were asked for."""
        since = self._clock() - HOUR
        return {"opened": self._within(since), "per_hour": self._per_hour, "refused": sum(self.refusals().values())}

    def refusals(self) -> dict[str, int]:
        """How often more was asked for of which owner's records, until a day has passed without."""
        if self._refusals and self._clock() - self._last_refused > TOLD_SECONDS:
            self._refusals.clear()
        return dict(self._refusals)

    def close(self) -> None:
        """Write the count down."""
        self._save(self._clock(), at_once=True)

    def _refused(self, owner: str, now: float) -> None:
        self.refusals()
        self._refusals[owner] += 1
        self._last_refused = now
        if now - self._said >= QUIET_SECONDS:
            self._said = now
            log.error(
                "the front asks for too many records",
                opened=len(self._opened),
                refused=sum(self._refusals.values()),
                advice="It may have been taken over: look at who asks for what, and stop the hub if nobody should.",
            )
        self._save(now)

    def _within(self, since: float) -> int:
        count = 0
        for at in reversed(self._opened.values()):
            if at <= since:
                break
            count += 1
        return count

    def _save(self, now: float, *, at_once: bool = False) -> None:
        if self._keep is None or (now - self._kept_at < KEEP_SECONDS and not at_once):
            return
        self._kept_at = now
        self._keep.save(
            {
                "at": max(self._at, self._wall()),
                "opened": [[record, now - at] for record, at in self._opened.items()],
                "refused": dict(self._refusals),
                "last": now - self._last_refused,
            }
        )

    def _restore(self, content: dict[str, Any]) -> None:
        now = self._clock()
        self._at = content["at"]
        away = max(0.0, self._wall() - self._at)  # a clock that was set back makes nothing older
        for record, age in content["opened"]:
            self._opened[bytes(record)] = now - age - away
        self._refusals.update({str(owner): int(count) for owner, count in content["refused"].items()})
        self._last_refused = now - content["last"] - away
