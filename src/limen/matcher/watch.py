"""Watching the error rates in service: how strong each search's strongest candidate was, as counts and nothing else.

The counts are published for `BATCH` searches at a time, so that asking before and after a search tells nothing of it.
They are of this process's life; whoever collects them (Prometheus) keeps their history.
"""

from __future__ import annotations

import struct

from limen.errors import BadMessage
from limen.wire.messages import EvidenceCounts

KINDS = ("face", "prints", "both")  # what a probe held
EDGES = tuple(range(-20, 42, 2))  # nats: upper bounds of the bins; one more bin holds what is above
BATCH = 50  # searches
_BINS = len(EDGES) + 1
_COUNTS = struct.Struct(f"<{len(KINDS) * _BINS}Q")


def kind_of(*, faces: bool, prints: bool) -> str:
    """What kind of probe it is."""
    return "both" if faces and prints else "face" if faces else "prints"


class Watch:
    """Counts of one matcher."""

    def __init__(self) -> None:
        self._counts = {kind: [0] * _BINS for kind in KINDS}
        self._searches = 0
        self._published = self._pack()

    def count(self, kind: str, strongest: float | None) -> None:
        """Count a search by the nats of its strongest candidate; without a candidate it is in the lowest bin."""
        nats = float("-inf") if strongest is None else strongest
        self._counts[kind][next((at for at, edge in enumerate(EDGES) if nats <= edge), _BINS - 1)] += 1
        self._searches += 1
        if self._searches % BATCH == 0:
            self._published = self._pack()

    def published(self) -> EvidenceCounts:
        """The counts up to the last full batch."""
        return self._published

    def _pack(self) -> EvidenceCounts:
        return EvidenceCounts(self._searches, _COUNTS.pack(*(n for kind in KINDS for n in self._counts[kind])))


def unpack(message: EvidenceCounts) -> dict[str, list[int]]:
    """Counts by kind of probe: for each upper bound of `EDGES`, and for what is above; `BadMessage` if they are not."""
    if len(message.tail) != _COUNTS.size:
        raise BadMessage("The counts of evidence have the wrong length.")
    flat = _COUNTS.unpack(message.tail)
    return {kind: list(flat[at * _BINS : (at + 1) * _BINS]) for at, kind in enumerate(KINDS)}
