"""Templates of a search, from a worker to the matcher (matcher-probe.sock), and whether to hold the capture."""

from __future__ import annotations

from dataclasses import dataclass

from limen.wire.frame import Message
from limen.wire.messages.limits import MAX_TEMPLATE


@dataclass(frozen=True)
class ProbeBegin(Message, kind=30, layout="16sB"):
    """Templates of a search follow: how many."""

    search: bytes
    count: int


@dataclass(frozen=True)
class ProbeTemplate(Message, kind=31, layout="BB", tail=MAX_TEMPLATE):
    """One packed `FaceTemplate` or `RidgeTemplate`. The matcher answers the last one with Done, and later a Verdict."""

    modality: int
    position: int
    tail: bytes


@dataclass(frozen=True)
class Verdict(Message, kind=32, layout="B3s"):
    """The matcher's word to the worker once it has decided: keep 1: hold the capture for the country that searched."""

    keep: int
    country: bytes
