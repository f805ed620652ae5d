"""Whether a repository would bring a hub back: every chunk of a snapshot opened, every row read, every key there."""

from __future__ import annotations

from dataclasses import dataclass

from limen.backup import mirror, rows
from limen.backup.create import chunk_names
from limen.backup.repository import Repository
from limen.errors import Damaged


@dataclass(frozen=True)
class Checked:
    """A snapshot that was checked: its rows and records, and how many records have no key any more."""

    snapshot: str
    at: int
    records: int
    shredded: int
    rows: int
    chunks: int


def check(repository: Repository, snapshot: str) -> Checked:
    """Check one snapshot.

    Raises:
        Damaged: a chunk is missing or changed, a row cannot be read, or a key that it needs was retired.
    """
    manifest = repository.snapshot(snapshot)
    known = {table.name: table for table in rows.kept_tables()}
    with_keys, records, shredded, count = mirror.records(repository), 0, 0, 0
    for name, table in manifest["tables"].items():
        found = 0
        for chunk in table["chunks"]:
            content = list(rows.of(known[name], repository.get(chunk)))
            found += len(content)
            if name == "records":
                shredded += sum((row.get("sealed_as") or row["id"]).bytes not in with_keys for row in content)
        if found != table["rows"]:
            raise Damaged(f"The table {name} has {found} rows, not {table['rows']}.")
        records += found if name == "records" else 0
        count += found
    for file in manifest["files"].values():
        for chunk in file["chunks"]:
            repository.get(chunk)
    there = mirror.epochs(repository)
    for owner, used in manifest["epochs"].items():
        if not set(used) <= there.get(owner, set()):
            raise Damaged(f"Keys of {owner} that this snapshot needs were retired.", advice="Make a new backup.")
    return Checked(snapshot, manifest["at"], records, shredded, count, len(set(chunk_names(manifest))))
