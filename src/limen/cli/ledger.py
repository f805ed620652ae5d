"""`limen ledger`: check the transparency log, and witness another hub's."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from limen import settings as configuration
from limen.access import approvals
from limen.access.approvals import Matter
from limen.access.here import officer_here
from limen.client.log import RemoteLog
from limen.errors import BadInput, NotFound
from limen.ledger import note
from limen.ledger.audit import audit
from limen.ledger.entry import Entry, Kind
from limen.ledger.note import Key
from limen.ledger.tiles import Folder
from limen.ledger.tree import WIDTH
from limen.ledger.witness import Witness, witness_key
from limen.records import journal
from limen.records.database import open_existing
from limen.vault.client import VaultClient
from limen.vault.commands import Verb

app = typer.Typer(no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Folder of the hub.", envvar="LIMEN_DATA")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _root() -> None:
    """The transparency log."""


@app.command("verify")
def verify(
    log: Annotated[
        str, typer.Argument(metavar="[URL|FOLDER]", help="https://HOST/ledger, or a copy; default: this hub's own.")
    ] = "",
    data: Data = None,
    hub_key: Annotated[
        str,
        typer.Option(metavar="HEX", envvar="LIMEN_HUB_KEY", help="The hub's published key; default: ask the vault."),
    ] = "",
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the copy of a remote log here; next time only news come."),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="An earlier checkpoint, from a witness or a backup; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Re-derive every hash of the log from its entries. Exit status: 0 good, 1 not."""
    settings = configuration.load(data)
    began = time.monotonic()
    with _at_hand(log, keep, settings) as (folder, own):
        key = _hex(hub_key) if hub_key else own()
        found = audit(folder, key, [note.opened(note_, _key_of(note_, key)) for note_ in map(_read, checkpoint or [])])
    head = found.checkpoint
    if as_json:
        said = {
            "good": True,
            "origin": head.origin,
            "key": str(Key(head.origin, key)),
            "size": head.size,
            "root": head.root.hex(),
            "kinds": dict(sorted(found.kinds.items())),
            "tiles": found.tiles,
            "earlier_checkpoints": found.earlier,
            "seconds": round(time.monotonic() - began, 3),
        }
        typer.echo(json.dumps(said, indent=1))
        return
    console = Console(highlight=False)
    console.print(
        f"[bold green]The log is good:[/] {head.size} entries, {found.tiles} tiles, root {head.root.hex()}.",
        soft_wrap=True,
    )
    console.print(f"Its key, for witnesses: {Key(head.origin, key)}", markup=False, soft_wrap=True)
    for kind, count in sorted(found.kinds.items()):
        console.print(f"  {kind:20} {count}")
    if _remote(log) and not hub_key:
        console.print(
            "[dim]The key came from the hub itself: compare it with what its operator publishes, "
            "or give that one with --hub-key.[/]"
        )
    if not checkpoint:
        console.print(
            "[dim]This shows that the log is whole, not that it is the one that others were shown: "
            "give a witness's checkpoint with --checkpoint.[/]"
        )


@app.command("witness")
def witness(
    logs: Annotated[
        list[str], typer.Argument(metavar="URL|FOLDER...", help="Other hubs' logs: https://HOST/ledger, or copies.")
    ],
    key: Annotated[
        list[str] | None, typer.Option(metavar="NAME+ID+BASE64", help="The other log's key; needed once.")
    ] = None,
    name: Annotated[str, typer.Option(help="This witness's name; default: from the hub's address.")] = "",
    data: Data = None,
) -> None:
    """Cosign other hubs' checkpoints, each checked to continue the last one seen. Prints the cosigned notes."""
    settings = configuration.load(data)
    keys = {found.name: found for found in map(Key.parse, key or [])}
    with VaultClient.connect(settings) as vault:
        known = witness_key(name or settings.url.partition("://")[2].rstrip("/") + "/witness", vault.identity())
        cosigner = Witness(settings.data / "witness", known, vault.sign)
        for log in logs:
            with _at_hand(log, None, settings, entries=False) as (folder, _):
                origin = note.parse(note.split(_read(folder / "checkpoint"))[0]).origin
                typer.echo(cosigner.cosign(folder, keys.get(origin)).decode(), nl=False)


@app.command("open")
def open_pseudonym(
    entry: Annotated[str, typer.Argument(metavar="INDEX|ID", help="The entry: its number in the log, or its id.")],
    officer: Annotated[str, typer.Option("--as", metavar="COUNTRY/NAME", help="Who asks, with a key on this machine.")],
    reason: Annotated[str, typer.Option(help="Why; asks a second person to approve.")] = "",
    data: Data = None,
) -> None:
    """Tell who an entry is about. It takes two: one asks with --reason, another approves, the first comes again."""
    settings = configuration.load(data)
    found = _entry_of(settings.data / "ledger", entry)
    if not found.who:
        raise NotFound("This entry names nobody.")
    parameters = {"entry": found.id.hex(), "kind": found.kind.value}
    database = open_existing(settings)
    if reason:
        with database.writing() as session:
            asked = approvals.ask(
                session,
                officer_here(session, officer),
                Matter.OPEN_PSEUDONYM,
                parameters,
                what=f"Tell who entry {found.id.hex()} ({found.kind.value}) of the ledger is about",
                reason=reason,
            )
            number = asked.id
        typer.echo(f"Asked. Another person approves: limen access approve {number}")
        return
    with database.writing() as session:
        approvals.use(session, officer_here(session, officer), Matter.OPEN_PSEUDONYM, parameters)
        journal.put(session, Kind.PSEUDONYM_OPENED, officer)
        with VaultClient.connect(settings, "vault-keys") as vault:
            who = vault.command(Verb.REVEAL, entry=found.id, pseudonym=found.who)["who"]
    typer.echo(who)


def _entry_of(folder: Path, wanted: str) -> Entry:
    """An entry of the log by its index or its id; of several with one id (a search's), the one that names somebody."""
    size = note.parse(note.split(_read(folder / "checkpoint"))[0]).size
    log = Folder(folder)
    if wanted.isdigit() and len(wanted) < 32:
        if int(wanted) >= size:
            raise NotFound(f"The log has {size} entries.")
        return Entry.unpack(log.bundle(int(wanted) // WIDTH, int(wanted) % WIDTH + 1)[-1])
    text = f'"id":"{wanted.lower()}"'.encode()
    for bundle in reversed(range(-(-size // WIDTH))):
        for line in reversed(log.bundle(bundle, min(WIDTH, size - bundle * WIDTH))):
            if text in line and (found := Entry.unpack(line)).who:
                return found
    raise NotFound("There is no such entry that names somebody.", advice="Give its index, or its id in hexadecimal.")


def _remote(log: str) -> bool:
    return log.startswith(("http://", "https://"))


@contextmanager
def _at_hand(
    log: str, keep: Path | None, settings: configuration.Settings, *, entries: bool = True
) -> Iterator[tuple[Path, Callable[[], bytes]]]:
    """The log as a folder, and how to ask for its hub's key where none is given."""
    if not _remote(log):
        here = Path(log) if log else settings.data / "ledger"
        if not (here / "checkpoint").exists():  # before anybody is asked for a key
            raise NotFound(f"There is no ledger in {here}.", advice="A hub's ledger begins with its first entry.")
        yield here, lambda: _identity(settings)
        return
    with tempfile.TemporaryDirectory(prefix="limen-log-") as temporary, RemoteLog(log) as remote:
        folder = keep or Path(temporary)
        remote.copy(folder, entries=entries)
        yield folder, lambda: remote.key().public


def _identity(settings: configuration.Settings) -> bytes:
    with VaultClient.connect(settings) as vault:
        return vault.identity()


def _key_of(data: bytes, public: bytes) -> Key:
    return Key(note.parse(note.split(data)[0]).origin, public)


def _hex(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput("The hub's key is not 32 bytes in hexadecimal.", advice="Copy it from where it is published.")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
