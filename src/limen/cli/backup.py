"""`limen backup`: sealed, incremental backups, and bringing a hub back from one."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from limen import settings as configuration
from limen.backup import check, mirror
from limen.backup import create as creating
from limen.backup import restore as restoring
from limen.backup.repository import Repository
from limen.errors import NotFound
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.database import Database, open_database
from limen.settings import Settings
from limen.vault.custody import read_secret

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False)

Where = Annotated[Path, typer.Argument(metavar="REPOSITORY", help="Folder of the backups, best on another machine.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File whose first line is the repository's passphrase.")
]
Snapshot = Annotated[str, typer.Option("--snapshot", help="Its name (limen backup list); default the last one.")]


@app.command("create")
def create(
    repository: Where,
    data: Data = None,
    passphrase_file: PassphraseFile = None,
    keep: Annotated[int, typer.Option(min=1, help="Forget older snapshots than this many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Back the hub up, while it runs. The first time makes the repository; then only what changed is written."""
    settings = configuration.load(data)
    new = not (repository / "repository.json").exists()
    secret = _passphrase(passphrase_file, new=new)
    opened = Repository.create(repository, secret) if new else Repository.open(repository, secret)
    with _database(settings) as database:
        journal.announce(database, Kind.BACKUP_MADE)
        made = creating.create(settings, database, opened)
    dropped = creating.prune(opened, keep)
    _say(
        {**dataclasses.asdict(made), "dropped": dropped},
        f"Snapshot {made.snapshot}: {made.records} records, {made.rows} rows, {made.files} files; "
        f"{made.written:,} bytes new, {dropped} chunks dropped, {made.seconds:.1f} s.",
        as_json,
    )


@app.command("restore")
def restore(
    repository: Where,
    to: Annotated[Path, typer.Option("--to", help="Data folder of the new hub: empty, or not there yet.")],
    database: Annotated[str, typer.Option(help="URL of its empty database; default SQLite in the folder.")] = "",
    snapshot: Snapshot = "",
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a hub back: everything but what was shredded since."""
    opened = Repository.open(repository, _passphrase(passphrase_file))
    settings = restoring.located(Settings(), to, database)
    restored = restoring.restore(opened, settings, snapshot)
    with _database(settings) as new:
        journal.announce(new, Kind.BACKUP_RESTORED)
    _say(
        dataclasses.asdict(restored),
        f"Restored {restored.snapshot} to {to}: {restored.records} records ({restored.shredded} were shredded since), "
        f"{restored.rows} rows, {restored.files} files, {restored.seconds:.1f} s.",
        as_json,
    )


@app.command("verify")
def verify(
    repository: Where,
    snapshot: Snapshot = "",
    passphrase_file: PassphraseFile = None,
    every: Annotated[bool, typer.Option("--all", help="All snapshots, not only one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open every chunk and read every row of a snapshot, and see whether its keys are there."""
    opened = Repository.open(repository, _passphrase(passphrase_file))
    names = opened.snapshots()
    if not names:
        raise NotFound("The repository has no snapshot.")
    checked = [check.check(opened, name) for name in (names if every else [snapshot or names[-1]])]
    text = "\n".join(
        f"{one.snapshot} is good: {one.records} records ({one.shredded} shredded since), {one.rows} rows, "
        f"{one.chunks} chunks."
        for one in checked
    )
    _say([dataclasses.asdict(one) for one in checked], text, as_json)


@app.command("list")
def list_(repository: Where, as_json: AsJson = False) -> None:
    """Names of the snapshots, the oldest first. Needs no passphrase."""
    if not (repository / "repository.json").is_file():
        raise NotFound(f"There is no backup repository in {repository}.")
    names = sorted(path.name for path in (repository / "snapshots").iterdir())
    _say(names, "\n".join(names) or "No snapshot.", as_json)


@app.command("forget")
def forget(repository: Where, data: Data = None) -> None:
    """A repository was destroyed: shredding waits for it no longer."""
    mirror.forget(configuration.load(data), repository)
    console.print(f"{repository} is no longer waited for.")


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def _passphrase(file: Path | None, *, new: bool = False) -> bytes:
    if file is not None:
        return read_secret(file, "passphrase")
    said = typer.prompt("Passphrase of the repository", hide_input=True, confirmation_prompt=new, err=True)
    return str(said).encode()


def _say(content: Any, text: str, as_json: bool) -> None:
    if as_json:
        console.print_json(data=content)
    else:
        console.print(text, soft_wrap=True)
