"""Refused sign-ins on record: that one was refused, and when, as `sign-in-refused`; never whose name was given.

A name that a stranger gives is nobody's deed, so the entry has no `who`: else anybody could have an officer's
pseudonym written beside an attack. And strangers must not be able to fill the ledger: each way of signing in has a
small allowance of its own, so that noise on one does not hide what happens on another. What is beyond it is counted
with the other errors (`limen_errors`), and not on record.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from limen.errors import NotAllowed, NotSignedIn
from limen.ledger.entry import MINUTE, Entry, Kind

AT_ONCE = 20  # entries of one way: a morning of wrong links is on record one by one
EVERY = 60.0  # seconds to one more: at most 1,440 a day of each way, 0.5 MB, whatever strangers send


class Way(StrEnum):
    """How somebody tried to sign in."""

    LINK = "link"
    PASSKEY = "passkey"
    PROVIDER = "provider"
    TOKEN = "token"  # noqa: S105 - the name of a kind
    SIGNATURE = "signature"
    DEVICE_CODE = "device-code"


class Refusals:
    """Of one front."""

    def __init__(self, note: Callable[[Entry], object], clock: Callable[[], float] = time.monotonic) -> None:
        """`note` appends an entry to the ledger without waiting (`ledger.writer.Writer.note`)."""
        self._note, self._clock = note, clock
        self._left = {way: (float(AT_ONCE), clock()) for way in Way}

    @contextmanager
    def of(self, way: Way) -> Iterator[None]:
        """Put on record that a sign-in within the block was refused; the error goes on its way."""
        try:
            yield
        except (NotSignedIn, NotAllowed):
            self.refused(way)
            raise

    def refused(self, way: Way) -> None:
        """A sign-in was refused: on record, while the allowance lasts."""
        left, at = self._left[way]
        now = self._clock()
        left = min(float(AT_ONCE), left + (now - at) / EVERY)
        if on_record := left >= 1:
            left -= 1
        self._left[way] = (left, now)
        if on_record:
            self._note(Entry(Kind.SIGN_IN_REFUSED, secrets.token_bytes(16), int(time.time()) // MINUTE))
