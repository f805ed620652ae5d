"""Searches, from the front to the matcher, and its decisions (matcher-front.sock)."""

from __future__ import annotations

from dataclasses import dataclass

from limen.wire.frame import Message
from limen.wire.messages.limits import MAX_MATCHES


@dataclass(frozen=True)
class Expect(Message, kind=40, layout="16s3sBIB16s"):
    """A probe will come for this search, on behalf of this country. The matcher answers Decision, in any order.

    flags: 1 the purpose forbids showing face-only leads (reserved, 0 today). asker: a name that the front made up for
    whoever asks, or zeros; the matcher counts by it how often the same record is nearly found (`matcher.again`).
    """

    search: bytes
    country: bytes
    purpose: int
    timeout_ms: int
    flags: int
    asker: bytes = bytes(16)


@dataclass(frozen=True)
class Forget(Message, kind=41, layout="16s"):
    """No probe will come for this search after all; what is held of it is wiped. No answer."""

    search: bytes


@dataclass(frozen=True)
class Decision(Message, kind=42, layout="16sBBQIII", tail=24 * MAX_MATCHES):
    """The matcher's answer. The tail holds `count` Matches of 24 bytes, strongest first.

    answer: `limen.terms.Answer.wire`; reasons: mask; records, samples: how many were searched; micros: time taken.
    """

    search: bytes
    answer: int
    count: int
    reasons: int
    records: int
    samples: int
    micros: int
    tail: bytes


@dataclass(frozen=True)
class Noticed(Message, kind=43, layout="16sI"):
    """The matcher noticed that one asker nearly finds the same record again and again; not which, nor how nearly.

    asker: as in Expect; count: how often within the last hour.
    """

    asker: bytes
    count: int
