"""The same hub with sealing switched off: what the drill must see, or its zeros prove nothing.

Blobs are replaced by what is in them, the root key lies in clear, the backup's chunks are not encrypted, and what a
careless hub would leave is left in logs, memory, answers and on the device.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from sqlalchemy import select

from limen.backup.create import create
from limen.backup.repository import Repository
from limen.evaluation.breach.truth import Truth, contexts, unsealed
from limen.records.database import Database
from limen.records.tables import Record
from limen.settings import Settings
from limen.vault.custody import FileCustody
from limen.vault.opening import open_ring

_HOLDER = "import sys; held = sys.stdin.buffer.read(int(sys.argv[1])); print('held', flush=True); sys.stdin.read(1)"


def unseal_all(settings: Settings, secret: bytes) -> None:
    """Make a copy of a hub one without sealing: blobs in clear, and the root key in a file."""
    ring, database = open_ring(settings, secret), Database(settings.database_url)
    with database.writing() as session:
        for record in session.scalars(select(Record)):
            for row, column, context in contexts(record):
                setattr(row, column, unsealed(ring, context, getattr(row, column)))
    database.wipe_log()
    database.close()
    ring.move(FileCustody(settings.data / "vault" / "root.key", create=True))
    ring.close()


def unsealed_backup(settings: Settings, folder: Path, secret: bytes) -> None:
    """A backup whose chunks are not encrypted."""
    with (
        mock.patch.object(Repository, "seal", lambda _, __, content: content),
        mock.patch.object(Repository, "unseal", lambda _, __, sealed: sealed),
    ):
        database = Database(settings.database_url)
        create(settings, database, Repository.create(folder, secret))
        database.close()


def careless(truth: Truth, folder: Path) -> None:
    """Files such as a debugging log or a device that keeps its captures would leave."""
    folder.mkdir(parents=True)
    (folder / "debug.jsonl").write_text("\n".join(json.dumps({"event": "hit", "name": word}) for word in truth.words))
    for number, content in enumerate((*truth.images, *truth.templates)):
        (folder / f"capture-{number}").write_bytes(content)


@contextmanager
def careless_process(truth: Truth) -> Iterator[int]:
    """A process that holds everything in memory; its id."""
    held = b"\0".join((*truth.images, *truth.templates, *truth.keys, *(word.encode() for word in truth.words)))
    command = [sys.executable, "-c", _HOLDER, str(len(held))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603
        assert holder.stdin is not None and holder.stdout is not None
        holder.stdin.write(held)
        holder.stdin.flush()
        holder.stdout.readline()
        yield holder.pid
        holder.stdin.close()
