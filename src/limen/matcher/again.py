"""Noticing who nearly finds the same record again and again: a template being rebuilt, or a person being followed.

No probe is kept for that. Of each search the strongest candidate is counted, by a keyed hash of asker and record, with
a key of this process's memory that is made anew every hour, as the counts are. Far candidates do not count: strangers
have them by chance. Which record it was leaves the process as little as how near it was.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter

NEAR = 0.0  # nats: from here on the probe is more likely of that person than of somebody else
SHARE = 0.25  # of an asker's searches: a small gallery has few candidates, and somebody is everybody's nearest
FIRST = 20  # searches for the same record within an hour, from which on it is told, and every STEP more
STEP = 10
# The same of a whole country, for an attacker who has many officers' keys: 1,600 searches rebuild a template.
COUNTRYS_SHARE, COUNTRYS_FIRST, COUNTRYS_STEP = 0.01, 400, 100
HOUR = 3600.0  # seconds
MAX_COUNTS = 1_000_000  # a bound on memory, some 100 MB; beyond it the hour begins anew
NOBODY = bytes(16)


class Again:
    """Counts of this hour."""

    def __init__(self, share: float = SHARE, first: int = FIRST, step: int = STEP) -> None:
        """Nothing counted. Told is what makes up a `share` of an asker's searches, from `first` on, every `step`."""
        self._share, self._first, self._step = share, first, step
        self._began = time.monotonic()
        self._clear()

    def count(self, asker: bytes, nearest: int | None, nats: float | None, *, now: float | None = None) -> int:
        """Count a search.

        Args:
            asker: 16 bytes; zeros: is not counted.
            nearest, nats: the strongest candidate's record and evidence; None without any.
            now: monotonic seconds.

        Returns:
            How often this asker was near this record within the hour, when that is to be told; else 0.
        """
        now = time.monotonic() if now is None else now
        if now - self._began >= HOUR or len(self._near) > MAX_COUNTS:
            self._began = now
            self._clear()
        if asker == NOBODY:
            return 0
        self._all[asker] += 1
        if nearest is None or nats is None or nats < NEAR:
            return 0
        name = hashlib.blake2b(asker + nearest.to_bytes(8, "little"), key=self._key, digest_size=8).digest()
        self._near[name] += 1
        times = self._near[name]
        often = times >= self._first and (times - self._first) % self._step == 0
        return times if often and times >= self._share * self._all[asker] else 0

    @classmethod
    def of_countries(cls) -> Again:
        """Counts of whole countries; an asker is `country_asker`."""
        return cls(COUNTRYS_SHARE, COUNTRYS_FIRST, COUNTRYS_STEP)

    def _clear(self) -> None:
        self._key = secrets.token_bytes(32)
        self._near: Counter[bytes] = Counter()
        self._all: Counter[bytes] = Counter()


def country_asker(code: str) -> bytes:
    """A whole country as an asker, 16 bytes: its alpha-3 code, then zeros, which no made-up name is."""
    return code.encode("ascii").ljust(16, b"\0")


def country_of(asker: bytes) -> str | None:
    """The country that an asker stands for; None if it is a made-up name."""
    return asker[:3].decode("ascii") if asker[3:] == bytes(13) and asker[:3].isalpha() else None
