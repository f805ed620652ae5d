"""`limen keys`: countries' keys. For an operator, and for a country that takes its key back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from limen import countries
from limen import settings as configuration
from limen.access import approvals
from limen.access.approvals import Matter
from limen.access.here import officer_here
from limen.backup import mirror
from limen.errors import BadInput, Unavailable
from limen.hub import parts
from limen.hub.supervisor import running
from limen.ledger.entry import Kind
from limen.records import journal, reseal, store
from limen.records.database import Database, open_database
from limen.settings import Settings
from limen.vault.client import VaultClient
from limen.vault.commands import Verb
from limen.vault.custody import erase_root, read_secret
from limen.vault.files import create_private
from limen.vault.opening import KINDS, open_ring, root_custody
from limen.vault.reach import STOPPED

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False)

Data = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]
Country = Annotated[str, typer.Argument(metavar="COUNTRY", help="ISO 3166-1 alpha-3, such as FRA.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File whose first line is the passphrase; else it is asked for."),
]


@app.command("status")
def status(data: Data = None, as_json: AsJson = False) -> None:
    """Whose keys are there, who holds them, and which countries the hub answers without."""
    with _vault(data) as (settings, vault), _database(settings) as database, database.reading() as session:
        found = vault.command(Verb.STATUS)
        for one in found["countries"]:  # the vault alone cannot tell a record's key from a held capture's
            one["records"] = store.count(session, one["country"])
    if as_json:
        console.print_json(data=found)
        return
    console.print(f"The root is held by: {found['custody']}.")
    if found.get("front"):
        console.print("The front had {opened} records opened within an hour, of {per_hour}.".format(**found["front"]))
        if found["front"]["refused"]:
            console.print(f"[red]It asked for more {found['front']['refused']} times: it may have been taken over.[/]")
    table = Table("country", "state", "held by", "epoch", "records", "why", box=None)
    for one in found["countries"]:
        row = (one["country"], one["state"], one["custody"], one["epoch"], one["records"], one["reason"])
        table.add_row(*map(str, row))
    console.print(table)


@app.command("init")
def init(
    custody: Annotated[str, typer.Option(help=f"Who is to hold the root: {', '.join(KINDS)}.")] = "",
    data: Data = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a hub's keys before its first start; otherwise they are made then, in the custody of the settings."""
    settings = configuration.load(data, custody=custody or None)
    if (settings.data / "vault" / "keys.json").exists():
        raise BadInput("This hub has its keys already.", advice="See: limen keys status.")
    ring = open_ring(settings, _passphrase(settings.custody == "passphrase", settings, passphrase_file, new=True))
    console.print(f"Keys made, in the custody '{ring.custody}'. Hub key: {ring.identity.hex()}")
    ring.close()
    _say_custody(settings, ring.custody)


@app.command("custody")
def custody_(
    to: Annotated[str, typer.Argument(metavar="KIND", help=f"Who is to hold the root: {', '.join(KINDS)}.")],
    data: Data = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Have another custody hold the root. The hub must not be running; nothing that is sealed changes."""
    settings = configuration.load(data)
    if running(settings):
        raise Unavailable("The hub is running.", advice="Stop it first.")
    if to == settings.custody:
        raise BadInput(f"The custody is '{to}' already.")
    ring = open_ring(settings, _passphrase(settings.custody == "passphrase", settings, None))
    try:
        secret = _passphrase(to == "passphrase", settings, passphrase_file, new=True)
        ring.move(root_custody(settings, to, secret, create=True))
    finally:
        ring.close()
    for name in {"file": ("root.locked",), "passphrase": ("root.key",), "token": mirror.ROOTS}[to]:
        erase_root(settings.data / "vault" / name)
    console.print(f"The root is now in the custody '{to}'.")
    _say_custody(settings, to)


@app.command("rotate")
def rotate(country: Country, data: Data = None) -> None:
    """Begin a new epoch, seal all records of the country anew, destroy the older keys. May be cut off and run again."""
    owner = countries.check(country)
    with _vault(data) as (settings, keys), VaultClient.connect(settings) as vault, _database(settings) as database:
        state = _state(keys, owner)
        epoch, older = state["epoch"], [one for one in state["epochs"] if one < state["epoch"]]
        if not older:
            journal.announce(database, Kind.KEY_CHANGED, owner)
            older, epoch = [epoch], keys.command(Verb.ROTATE, owner)["epoch"]
        else:
            console.print(f"Going on with the rotation to epoch {epoch}.")
        total = reseal.left(database, owner, epoch)
        done = sum(track(reseal.reseal(database, vault, owner, epoch), f"Sealing {owner} anew", total, console=console))
        retired = [one for one in older if one not in reseal.in_use(database, owner)]
        for one in retired:
            keys.command(Verb.RETIRE, owner, one)
        database.wipe_log()
    console.print(f"{owner} seals with epoch {epoch}: {done} records sealed anew, {len(retired)} older keys destroyed.")
    if mirror.known(settings):
        console.print("Older backups open no longer: make one now (limen backup create).")


@app.command("revoke")
def revoke(
    country: Country,
    to: Annotated[
        Path | None, typer.Option("--to", help="New file for the country's key; the hub keeps no copy.")
    ] = None,
    data: Data = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a country's key out of the hub: within 10 seconds nothing of it matches, answers or opens."""
    owner = countries.check(country)
    with _vault(data) as (settings, keys), _database(settings) as database:
        own_token = _state(keys, owner)["custody"] == "token" and owner in settings.pkcs11_countries
        if not own_token and to is None:
            raise BadInput("The key needs a file to go to.", advice="Give one: --to FILE. Keep it: there is no copy.")
        if to is not None and to.exists():
            raise BadInput(f"{to} is there already.", advice="Give a new file.")
        if not yes:
            typer.confirm(f"Take the key of {owner} out of this hub?", abort=True)
        secret = _passphrase(not own_token, None, passphrase_file, new=True)
        handed = keys.command(Verb.HAND_OUT, owner, passphrase=secret)["handed"]
        if to is not None and handed:
            create_private(to, handed)
        journal.announce(database, Kind.SWITCH_CHANGED, owner)
        keys.command(Verb.REVOKE, owner, handed=handed, passphrase=secret)
        mirror.take_back(settings, owner)
    console.print(f"{owner} has its key back{f', in {to}' if to and handed else ''}. Nothing of it opens here.")


@app.command("restore")
def restore(
    country: Country,
    source: Annotated[Path | None, typer.Option("--from", help="The file that `revoke` wrote.")] = None,
    data: Data = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Give a country's key back to the hub: its records are searched again within seconds."""
    owner = countries.check(country)
    with _vault(data) as (settings, keys), _database(settings) as database:
        handed = _read(source) if source else b""
        secret = _passphrase(source is not None, None, passphrase_file)
        journal.announce(database, Kind.SWITCH_CHANGED, owner)
        keys.command(Verb.RESTORE, owner, handed=handed, passphrase=secret)
    console.print(f"The key of {owner} is here again.")


@app.command("release")
def release(
    country: Country,
    who: Annotated[str, typer.Option("--as", metavar="COUNTRY/NAME", help="Who asked (switch-on) and was approved.")],
    data: Data = None,
) -> None:
    """Switch a country's records on again that one of its people switched off; takes two of its people, always."""
    owner = countries.check(country)
    with _vault(data) as (settings, keys), _database(settings) as database:
        if _state(keys, owner)["state"] != STOPPED:
            raise BadInput(f"{owner} is not switched off.", advice="See: limen keys status.")
        with database.writing() as session:
            approvals.use(session, officer_here(session, who), Matter.SWITCH_ON, {"country": owner})
            journal.put(session, Kind.SWITCH_CHANGED, who)
        keys.command(Verb.RELEASE, owner)
    console.print(f"The records of {owner} are searched again within seconds.")


@contextlib.contextmanager
def _vault(data: Path | None) -> Iterator[tuple[Settings, VaultClient]]:
    """The vault's socket for keys: of the running hub, else of a vault for this command alone."""
    settings = configuration.load(data)
    if not (settings.data / "vault" / "keys.json").exists():
        raise BadInput(
            f"There is no hub with keys in {settings.data}.", advice="Run `limen keys init` or `limen serve`."
        )
    secret = b"" if running(settings) else _passphrase(settings.custody == "passphrase", settings, None)
    with parts.temporary(settings, ["vault"], passphrase=secret), VaultClient.connect(settings, "vault-keys") as vault:
        yield settings, vault


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def _state(keys: VaultClient, country: str) -> dict[str, Any]:
    for one in keys.command(Verb.STATUS)["countries"]:
        if one["country"] == country:
            return dict(one)
    raise BadInput(f"{country} has no key here.", advice="It gets one with its first record.")


def _passphrase(needed: bool, settings: Settings | None, file: Path | None, *, new: bool = False) -> bytes:
    """A passphrase where one is needed: from the file named, the one in the settings, or the terminal."""
    if not needed:
        return b""
    if file is None and settings is not None and settings.passphrase_file:
        file = Path(settings.passphrase_file)
    if file is not None:
        return read_secret(file, "passphrase")
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)).encode()


def _say_custody(settings: Settings, custody: str) -> None:
    if custody != configuration.load(settings.data).custody:
        console.print(f'Put this into {settings.data / "limen.toml"}: custody = "{custody}"')


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
