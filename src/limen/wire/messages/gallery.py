"""The gallery as the front feeds it to the matcher, and what the matcher says of it (matcher-feed.sock)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from limen.errors import BadMessage
from limen.wire.frame import Message
from limen.wire.messages.limits import KIB, MAX_BATCH, MAX_MATCHES, MAX_TEMPLATE
from limen.wire.messages.sealing import SEAL_CONTEXT

#: record, sample; visible, valid_from, valid_until, epoch, length of the template; then what the seal binds.
BATCH_HEAD = struct.Struct("<qq32sQQII" + SEAL_CONTEXT)
_TEMPLATE = 1  # `vault.seal.Use.TEMPLATE`
#: What follows the handles in a head that withdraws.
WITHDRAWN = (b"", 0, 0, 0, 0, 0, b"", b"", b"", 0, 0, b"", 0)


def _signed(handle: int) -> int:
    return handle - (1 << 64) if handle >> 63 else handle


@dataclass(frozen=True)
class UnsolvedAsk(Message, kind=48, tail=MAX_TEMPLATE + 2 * KIB):
    """A reference that is new, the body of a `GalleryPut`: which unsolved marks may be of it (of a mark: which prints)?

    It is compared and not kept. The matcher answers UnsolvedFound.
    """

    tail: bytes


@dataclass(frozen=True)
class UnsolvedFound(Message, kind=49, layout="QB", tail=24 * MAX_MATCHES):
    """Records of the marks (or prints) that may belong to a new sample: `count` Matches, strongest first."""

    sample: int
    count: int
    tail: bytes


@dataclass(frozen=True)
class GalleryPut(Message, kind=50, layout="QQ3s32sQQBBI16s16s16sQ", tail=MAX_TEMPLATE + KIB):
    """Add or replace one reference: the sealed template and all that its associated data binds.

    record, sample: handles; owner; visible: bitmap of countries; valid_from, valid_until: seconds; modality; position;
    epoch: of the data key; model; record_id, sample_id: UUIDs bound into the seal; expires: bound into the seal.
    """

    record: int
    sample: int
    owner: bytes
    visible: bytes
    valid_from: int
    valid_until: int
    modality: int
    position: int
    epoch: int
    model: bytes
    record_id: bytes
    sample_id: bytes
    expires: int
    tail: bytes


@dataclass(frozen=True)
class GalleryWithdraw(Message, kind=51, layout="QQ"):
    """Remove one sample of a record, or (sample 0) the whole record."""

    record: int
    sample: int


@dataclass(frozen=True)
class GalleryBatch(Message, kind=58, layout="I", tail=MAX_BATCH + MAX_TEMPLATE + KIB):
    """Changes in their order, all that the feed sends: `count` heads of `BATCH_HEAD`, then their sealed templates.

    A head has the fields of GalleryPut, with the length of its template, and from the use on those that the seal
    binds, as it binds them (`vault.seal.Context`). A length of 0: GalleryWithdraw. Handles are signed.
    """

    count: int
    tail: bytes | memoryview  # the second where it came (`wire.bulk.Inlet`)

    @classmethod
    def of(cls, changes: Sequence[GalleryPut | GalleryWithdraw]) -> Self:
        """A batch of single changes."""
        heads, blobs = bytearray(), bytearray()
        for one in changes:
            if isinstance(one, GalleryPut):
                bound = (one.owner, one.record_id, one.sample_id, one.modality, one.position, one.model, one.expires)
                valid = (one.visible, one.valid_from, one.valid_until, one.epoch, len(one.tail))
                heads += BATCH_HEAD.pack(_signed(one.record), _signed(one.sample), *valid, _TEMPLATE, *bound)
                blobs += one.tail
            else:
                heads += BATCH_HEAD.pack(_signed(one.record), _signed(one.sample), *WITHDRAWN)
        return cls(len(changes), bytes(heads + blobs))

    def changes(self) -> list[GalleryPut | GalleryWithdraw]:
        """The single changes; `BadMessage` if the heads and templates do not fill the tail."""
        found: list[GalleryPut | GalleryWithdraw] = []
        at = BATCH_HEAD.size * self.count
        for start in range(0, min(at, len(self.tail) - BATCH_HEAD.size + 1), BATCH_HEAD.size):
            record, sample, visible, since, until, epoch, length, _, owner, *ids, modality, position, model, expires = (
                BATCH_HEAD.unpack_from(self.tail, start)
            )
            record, sample = record % (1 << 64), sample % (1 << 64)
            if length == 0:
                found.append(GalleryWithdraw(record, sample))
                continue
            blob, at = bytes(self.tail[at : at + length]), at + length
            fields = (owner, visible, since, until, modality, position, epoch, model, *ids, expires, blob)
            found.append(GalleryPut(record, sample, *fields))
        if len(found) != self.count or at != len(self.tail):
            raise BadMessage("A batch of changes has the wrong length.")
        return found


@dataclass(frozen=True)
class GalleryReset(Message, kind=52):
    """Forget the whole gallery; a full feed follows."""


@dataclass(frozen=True)
class GalleryMark(Message, kind=53, layout="QB"):
    """All changes up to this sequence number were sent; the matcher echoes it when they are in force.

    complete: 1 once the first full feed has ended; until then answers carry `gallery-incomplete`.
    """

    sequence: int
    complete: int


@dataclass(frozen=True)
class GalleryAgain(Message, kind=59, layout="I"):
    """All that was in force of the countries that a Status named `again` was sent once more, for that round."""

    round: int


@dataclass(frozen=True)
class StatusAsk(Message, kind=54):
    """How is the gallery?"""


@dataclass(frozen=True)
class Status(Message, kind=55, layout="IIIIIIQQ32sI"):
    """The gallery's size and state; never anything about single records.

    The matcher also sends it unasked, to those who feed it, when countries' keys have come back: `again` names them,
    and `round` is to be given back in a GalleryAgain.
    """

    records: int
    faces: int
    fingers: int
    palms: int
    marks: int
    rejected: int  # templates that did not open or unpack
    memory: int  # bytes held by the gallery
    sequence: int
    again: bytes  # bitmap of `limen.countries`: whose records are to be fed once more, all others are there
    round: int


@dataclass(frozen=True)
class EvidenceAsk(Message, kind=56):
    """How strong was the strongest candidate of each search, in counts? Answer: EvidenceCounts."""


@dataclass(frozen=True)
class EvidenceCounts(Message, kind=57, layout="Q", tail=2 * KIB):
    """Searches counted by kind of probe and nats of their strongest candidate (`matcher.watch`). Names no search.

    searches: how many are counted; the tail holds uint64 counts, a row of bins for each kind of probe.
    """

    searches: int
    tail: bytes
