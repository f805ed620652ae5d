"""Bringing a hub back from a repository, onto an empty folder and an empty database."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from limen.backup import mirror, rows
from limen.backup.repository import Repository
from limen.errors import BadInput, Damaged, NotFound
from limen.records.database import Database
from limen.records.tables import Record, Shred
from limen.settings import Settings
from limen.vault.files import write_private

BATCH = 500  # records deleted at a time


@dataclass(frozen=True)
class Restored:
    """What came back: records, rows and files, and how many records were shredded since the snapshot."""

    snapshot: str
    records: int
    shredded: int
    rows: int
    files: int
    seconds: float


def restore(repository: Repository, settings: Settings, snapshot: str = "") -> Restored:
    """Restore a snapshot.

    Args:
        repository: where it is.
        settings: of the new hub: its data folder must be empty or absent, its database empty.
        snapshot: name; default the last one.

    Raises:
        BadInput: the folder or the database is not empty.
        NotFound: there is no such snapshot.
        Damaged: a chunk is missing or changed; what was written so far is no hub.
    """
    began = time.monotonic()
    name = snapshot or next(reversed(repository.snapshots()), "")
    if not name:
        raise NotFound("The repository has no snapshot.")
    manifest = repository.snapshot(name)
    if settings.data.exists() and any(settings.data.iterdir()):
        raise BadInput(f"{settings.data} is not empty.", advice="Restore onto an empty folder.")
    _check_epochs(repository, manifest)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with_keys = mirror.write_back(repository, settings.data / "vault")
    for path, file in manifest["files"].items():
        _write(settings.data, path, file, repository)
    database = Database(settings.database_url)
    try:
        count = _rows(repository, manifest, database)
        database.upgrade()
        shredded = _without_keys(database, set().union(*with_keys.values()))
        with database.reading() as session:
            left = session.scalar(sa.select(sa.func.count()).select_from(Record)) or 0
    finally:
        database.close()
    return Restored(name, left, shredded, count, len(manifest["files"]), time.monotonic() - began)


def located(settings: Settings, data: Path, database: str) -> Settings:
    """Settings of the restored hub: elsewhere, otherwise as given."""
    return replace(settings, data=data, database=database)


def _check_epochs(repository: Repository, manifest: dict[str, Any]) -> None:
    there = mirror.epochs(repository)
    lost = sorted(owner for owner, used in manifest["epochs"].items() if not set(used) <= there.get(owner, set()))
    if lost:
        raise Damaged(
            f"Keys that this snapshot needs were retired since, of {', '.join(lost)}.",
            advice="Use a snapshot made after the last rotation.",
        )


def _write(data: Path, path: str, file: dict[str, Any], repository: Repository) -> None:
    target = data / path
    if not target.resolve().is_relative_to(data.resolve()):
        raise Damaged("The snapshot names a file outside of the data folder.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(target, b"".join(repository.get(name) for name in file["chunks"]))
    target.chmod(file["mode"])


def _rows(repository: Repository, manifest: dict[str, Any], database: Database) -> int:
    if database.version()[0] is not None:
        with database.reading() as session:
            if session.scalar(sa.select(sa.func.count()).select_from(Record)):
                raise BadInput("The database is not empty.", advice="Restore into an empty one.")
    else:
        database.upgrade(manifest["schema"])
    known = {table.name: table for table in rows.kept_tables()}
    if missing := set(manifest["tables"]) - set(known):
        raise Damaged(f"This release has no table {', '.join(sorted(missing))}.", advice="Use the one that made it.")
    count = 0
    with database.writing() as session:
        for table in reversed(list(known.values())):  # rows that a migration puts in, such as the counter
            session.execute(sa.delete(table))
    for name, table in known.items():
        for chunk in manifest["tables"].get(name, {"chunks": []})["chunks"]:
            with database.writing() as session:
                count += rows.insert(session, table, repository.get(chunk))
    if not database.embedded:
        _count_on(database, list(known.values()))
    return count


def _count_on(database: Database, known: list[sa.Table]) -> None:
    """Have PostgreSQL's counters of numbered tables go on after the restored numbers."""
    with database.writing() as session:
        for table in known:
            column = table.autoincrement_column
            if column is None:
                continue
            sequence = session.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
            if sequence:
                highest = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
                session.execute(sa.select(sa.func.setval(sequence, highest, False)))


def _without_keys(database: Database, with_keys: set[bytes]) -> int:
    """Delete the rows of records whose keys were shredded since: nothing in them opens any more."""
    with database.reading() as session:
        sealed = session.execute(sa.select(Record.id, sa.func.coalesce(Record.sealed_as, Record.id)))
        gone = [one for one, secret in sealed if secret.bytes not in with_keys]
    for start in range(0, len(gone), BATCH):
        with database.writing() as session:
            session.execute(sa.delete(Record).where(Record.id.in_(gone[start : start + BATCH])))
    with database.writing() as session:
        session.execute(sa.delete(Shred))
    return len(gone)
