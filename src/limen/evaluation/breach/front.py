"""A front that was taken over: it stands where the hub's own did, with its process id, sockets and database, and asks
for everything. Run by the drill in the front's place; it writes down every answer that it got.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

from sqlalchemy import select

from limen.errors import LimenError
from limen.evaluation.breach.truth import contexts
from limen.hub import child
from limen.records import feed
from limen.records.database import Database
from limen.records.tables import Record
from limen.settings import Settings
from limen.vault.client import VaultClient
from limen.wire import Message, messages
from limen.wire.frame import HEADER, MAGIC
from limen.wire.messages import (
    EvidenceAsk,
    Expect,
    GalleryMark,
    GalleryReset,
    ProbeBegin,
    ProbeTemplate,
    StatusAsk,
    TemplateKeysAsk,
)
from limen.wire.sockets import connect

ANSWERS = "answers.json"  # in the data folder's parent: hexadecimal, by place
SECONDS = 0.1  # for an answer
COUNTRY = b"FRA"
PROGRAM = "limen.evaluation.breach.front"


def main(settings: Settings, ready: Callable[[], None]) -> None:
    """Ask for everything, write the answers down, and wait to be ended."""
    answers = {
        "matcher": [answer.hex() for answer in _matcher(settings)],
        "vault": [answer.hex() for answer in _vault(settings)],
        "others": [answer.hex() for answer in _others(settings)],
    }
    (settings.data.parent / ANSWERS).write_text(json.dumps(answers))
    ready()
    signal.pause()


def _matcher(settings: Settings) -> Iterator[bytes]:
    """Every message there is, whole feeds of sealed records, and a search with a template made up by the front."""
    database = Database(settings.database_url)
    with database.reading() as session:
        batches, last = feed.batches(session, 0, 1000)
    database.close()
    feeds = [batch.message() for batch in batches]
    said: list[Message] = [GalleryReset(), *feeds, GalleryMark(last, 1), StatusAsk()]
    yield _talk(settings, "matcher-feed", b"".join(message.pack() for message in said), seconds=5)
    yield _talk(settings, "matcher-front", StatusAsk().pack() + EvidenceAsk().pack(), seconds=1)
    for kind in range(1, 256):
        for size in _sizes(kind):
            for name in ("matcher-feed", "matcher-front"):
                yield _talk(settings, name, HEADER.pack(MAGIC, kind, 0, size) + bytes(size))
    search = os.urandom(16)
    probe = (
        ProbeBegin(search, 1).pack()
        + ProbeTemplate(1, 0, struct.pack("<16sBBH", b"sface", 50, 0, 128) + bytes(512)).pack()
    )
    yield _talk(settings, "matcher-probe", probe)
    yield _talk(settings, "matcher-front", Expect(search, COUNTRY, 1, 500, 0).pack(), seconds=1)


def _vault(settings: Settings) -> Iterator[bytes]:
    """Everything that the front may have unsealed, and it tries what it may not."""
    database = Database(settings.database_url)
    with database.reading() as session:
        for record in session.scalars(select(Record)):
            for row, column, context in contexts(record):
                with suppress(LimenError), VaultClient.connect(settings) as vault:
                    yield vault.unseal(context, getattr(row, column))
    database.close()


def _others(settings: Settings) -> Iterator[bytes]:
    """The sockets that are for the others, and the keys that are for the matcher."""
    database = Database(settings.database_url)
    with database.reading() as session:
        records = [(one.owner, one.fields_epoch, one.id.bytes) for one in session.scalars(select(Record))]
    database.close()
    for name in ("vault-front", "vault-matcher", "vault-opener", "vault-keys"):
        for owner, epoch, record in records:
            yield _talk(settings, name, TemplateKeysAsk(owner.encode(), epoch, record, 4096).pack())
        for kind in range(60, 100):
            for size in _sizes(kind):
                yield _talk(settings, name, HEADER.pack(MAGIC, kind, 0, size) + bytes(size))


def _sizes(kind: int) -> tuple[int, ...]:
    """Body lengths that a message of this kind may have; none for a kind that is none."""
    for one in vars(messages).values():
        if isinstance(one, type) and issubclass(one, Message) and getattr(one, "KIND", None) == kind:
            return (one.LAYOUT.size, one.LAYOUT.size + 48) if one.TAIL >= 48 else (one.LAYOUT.size,)
    return (0,)


def _talk(settings: Settings, name: str, said: bytes, seconds: float = SECONDS) -> bytes:
    """All that comes back before the other end hangs up or says nothing more."""
    heard = b""
    with suppress(LimenError, OSError), connect(settings.socket(name)) as sock:
        sock.settimeout(seconds)
        sock.sendall(said)
        while data := sock.recv(1 << 16):
            heard += data
    return heard


if __name__ == "__main__":
    child.main(sys.argv[1], int(sys.argv[2]), PROGRAM)
