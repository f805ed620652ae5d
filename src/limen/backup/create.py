"""Making a backup: the database in one snapshot, the data folder's files, then the keys as they are now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from limen.backup import mirror, rows
from limen.backup.repository import Repository
from limen.records import reseal
from limen.records.database import Database
from limen.records.tables import Country
from limen.settings import Settings

PIECE = 4 << 20  # bytes of a file in one chunk
#: What a hub makes anew, or what is not a file to be copied: sockets, logs, the keys (`mirror`), SQLite (`rows`).
LEFT_OUT = ("run", "log", "vault", "records.sqlite", "hub.lock", mirror.LIST)
TRIES = 5  # to find the ledger's files standing still


@dataclass(frozen=True)
class Made:
    """A backup that was made: its name, what is in it, and how many bytes were new."""

    snapshot: str
    records: int
    rows: int
    files: int
    written: int
    seconds: float


def create(settings: Settings, database: Database, repository: Repository) -> Made:
    """Back a hub up, while it runs.

    The keys come last: a record's key is made before its row is stored, so that all rows of the snapshot have theirs,
    but for those shredded meanwhile.
    """
    began = time.monotonic()
    with database.reading() as session:
        stored: dict[str, Any] = {}
        for table in rows.kept_tables():
            found = [(count, repository.put(chunk)) for count, chunk in rows.chunks(session, table)]
            stored[table.name] = {"rows": sum(count for count, _ in found), "chunks": [name for _, name in found]}
        countries = session.scalars(select(Country.code)).all()
    epochs = {country: sorted(reseal.in_use(database, country)) for country in countries}
    files = _files(settings.data, repository)
    mirror.refresh(settings, repository)
    manifest = {
        "version": 1,
        "at": int(time.time()),
        "schema": database.version()[0],
        "tables": stored,
        "epochs": epochs,
        "files": files,
    }
    name = repository.put_snapshot(manifest)
    mirror.enrol(settings, repository.folder)
    return Made(
        name,
        stored["records"]["rows"],
        sum(table["rows"] for table in stored.values()),
        len(files),
        repository.written,
        time.monotonic() - began,
    )


def prune(repository: Repository, keep: int) -> int:
    """Forget all but the last `keep` snapshots, and the chunks that only they needed; how many chunks."""
    for name in repository.snapshots()[:-keep]:
        repository.forget_snapshot(name)
    needed = {name for snapshot in repository.snapshots() for name in chunk_names(repository.snapshot(snapshot))}
    unused = repository.names() - needed
    for chunk in unused:
        repository.drop(chunk)
    return len(unused)


def chunk_names(manifest: dict[str, Any]) -> Iterator[bytes]:
    """Names of all chunks of a snapshot."""
    for table in manifest["tables"].values():
        yield from table["chunks"]
    for file in manifest["files"].values():
        yield from file["chunks"]


def _files(data: Path, repository: Repository) -> dict[str, Any]:
    """All files of the data folder; again, should the ledger's head have moved while its tiles were read."""
    head = data / "ledger" / "checkpoint"
    for _ in range(TRIES):
        before = head.read_bytes() if head.exists() else b""
        found = {
            str(path.relative_to(data)): _stored(path, repository)
            for path in sorted(data.rglob("*"))
            if path.is_file() and not path.is_symlink() and not _left_out(path.relative_to(data))
        }
        found = {name: one for name, one in found.items() if one is not None}
        if (head.read_bytes() if head.exists() else b"") == before:
            break
    return found


def _left_out(path: Path) -> bool:
    first = path.parts[0]
    return first in LEFT_OUT or first.startswith("records.sqlite") or path.name.endswith((".lock", ".new"))


def _stored(path: Path, repository: Repository) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            names = []
            while piece := file.read(PIECE):
                names.append(repository.put(piece))
        return {"mode": path.stat().st_mode & 0o777, "chunks": names}
    except FileNotFoundError:  # a partial tile that was completed meanwhile
        return None
