"""How countries' keys stand: held, taken back, switched off, or out of reach because a token does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from limen.errors import KeyUnavailable, LimenError

HELD, REVOKED = "held", "revoked"
STOPPED = "stopped"  # by the country's own people: its keys are here, and not used
UNAVAILABLE = "unavailable"  # what holds them does not answer
PATIENCE = 5.0  # seconds for a token to answer before it counts as gone


@dataclass(frozen=True)
class CountryState:
    """How a country's keys stand.

    Attributes:
        country: alpha-3 code.
        state: held, revoked (taken back by the country), stopped (switched off by its people) or unavailable (its
            custody cannot be reached).
        custody: what wraps its data keys: the hub's custody, or "token" (its own).
        epoch: the one that seals now; epochs: all that still open.
        secrets: how many records, and captures held for verification, have a key of their own.
        reason: why it is stopped or unavailable; empty otherwise.
        own: whether it holds its key in a token of its own.
    """

    country: str
    state: str
    custody: str
    epoch: int
    epochs: tuple[int, ...]
    secrets: int
    reason: str = ""
    own: bool = False

    @property
    def failing(self) -> bool:
        """Whether it is the hub that cannot reach the keys: nobody wanted that."""
        return self.state == UNAVAILABLE and not self.own


class Reach:
    """Which custodies answer, as they were last asked. All but the asking itself under the ring's lock."""

    def __init__(self, mutex: threading.RLock) -> None:
        self._mutex = mutex
        self._gone: dict[str, str] = {}  # countries whose custody does not answer, and why
        self._asking: dict[str, float] = {}  # since when a custody is being asked, monotonic seconds

    def ask(self, country: str, check: Callable[[], None]) -> bool:
        """Ask a country's custody whether it is there; may take as long as a token that hangs.

        Args:
            check: raises what is the matter.

        Returns:
            Whether it is.
        """
        with self._mutex:
            self._asking[country] = time.monotonic()
        reason = ""
        try:
            check()
        except LimenError as error:
            reason = str(error)
        with self._mutex:
            del self._asking[country]
            self._gone.pop(country, None)
            if reason:
                self._gone[country] = reason
        return not reason

    def forgive(self, country: str) -> None:
        """What was the matter with a country's custody is so no more."""
        self._gone.pop(country, None)

    def check(self, country: str) -> None:
        """`KeyUnavailable` if a country's custody was gone when it was last asked, or hangs now."""
        since = self._asking.get(country)
        if since is not None and time.monotonic() - since > PATIENCE:
            raise KeyUnavailable(f"The custody of {country}'s key hangs.", advice="Look at its token.")
        if country in self._gone:
            raise KeyUnavailable(self._gone[country])
