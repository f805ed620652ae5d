"""`limen access`: who takes part. Run on the hub's machine, by whoever may write its database."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen import countries, settings
from limen.access import directory, keys, sessions
from limen.access.directory import Role
from limen.errors import NotFound
from limen.records.database import Database, open_database
from limen.records.tables import Device, Officer

app = typer.Typer(no_args_is_help=True)
country = typer.Typer(no_args_is_help=True, help="Countries that take part.")
officer = typer.Typer(no_args_is_help=True, help="People who search or keep records.")
device = typer.Typer(no_args_is_help=True, help="Capture devices and machines.")
app.add_typer(country, name="country")
app.add_typer(officer, name="officer")
app.add_typer(device, name="device")

console = Console()
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
KeyId = Annotated[str, typer.Argument(metavar="COUNTRY/NAME", help="Such as BIH/officer1.")]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        help="Ed25519 public key (PEM, OpenSSH or base64); else this user's key of that name, made if needed.",
    ),
]


@country.command("add")
def add_country(
    code: Annotated[str, typer.Argument(help="ISO 3166-1 alpha-3, such as FRA.")],
    contact: Annotated[str, typer.Option(help="Whom to call at its National Central Bureau.")] = "",
    data: DataFolder = None,
) -> None:
    """Register a country, or change its contact."""
    with _database(data).writing() as session:
        row = directory.add_country(session, code, contact)
    console.print(f"{row.code} ({countries.name(row.code)}) takes part.", highlight=False)


@country.command("list")
def list_countries(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the countries that take part."""
    with _database(data).reading() as session:
        rows = [
            {"country": row.code, "name": countries.name(row.code), "contact": row.contact}
            for row in directory.list_countries(session)
        ]
    _show(rows, as_json)


@officer.command("add")
def add_officer(
    name: KeyId,
    public_key: PublicKey = None,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(Role)}.")] = Role.OFFICER.value,
    pages_only: Annotated[
        bool, typer.Option("--pages-only", help="No key: enters the pages by invitation only.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Register an officer with a key; without --public-key, this user's own key of that name, made if needed."""
    wanted = Role.parse(role)
    with _database(data).writing() as session:
        added = directory.add_officer(session, name, None, wanted)
        if not pages_only:
            directory.check_key(session, key := _key(name, public_key))
            added.public_key = key
    _registered(name, made=not pages_only and public_key is None)


@officer.command("list")
def list_officers(
    of: Annotated[str | None, typer.Option("--country", help="Only of this country.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List officers, retired ones too."""
    with _database(data).reading() as session:
        rows = [{**_row(one), "role": one.role} for one in directory.list_officers(session, of)]
    _show(rows, as_json)


@officer.command("retire")
def retire_officer(name: KeyId, data: DataFolder = None) -> None:
    """Take no more from this officer, at once; their sessions end."""
    with _database(data).writing() as session:
        directory.retire_officer(session, name)
    console.print(f"{name} is retired.", highlight=False)


@device.command("add")
def add_device(name: KeyId, public_key: PublicKey = None, data: DataFolder = None) -> None:
    """Register a device with a key; without --public-key, this user's own key of that name, made if needed."""
    with _database(data).writing() as session:
        directory.add_device(session, name, _key(name, public_key))
    _registered(name, made=public_key is None)


@device.command("list")
def list_devices(
    of: Annotated[str | None, typer.Option("--country", help="Only of this country.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List devices, retired ones too."""
    with _database(data).reading() as session:
        rows = [_row(one) for one in directory.list_devices(session, of)]
    _show(rows, as_json)


@device.command("retire")
def retire_device(name: KeyId, data: DataFolder = None) -> None:
    """Take no more from this device, at once."""
    with _database(data).writing() as session:
        directory.retire_device(session, name)
    console.print(f"{name} is retired.", highlight=False)


@app.command("invite")
def invite(name: KeyId, data: DataFolder = None) -> None:
    """Print a link that signs an officer in to the pages, once, within 15 minutes."""
    hub = settings.load(data)
    with open_database(hub).writing() as session:
        found = directory.find_officer(session, name)
        if found is None:
            raise NotFound(
                f"There is no officer {name[:80]}.", advice=f"Register them: limen access officer add {name}."
            )
        token = sessions.invite(session, found)
    typer.echo(f"{hub.url}/enter/{token}")


def _database(data: Path | None) -> Database:
    return open_database(settings.load(data))


def _key(name: str, public_key: Path | None) -> bytes:
    if public_key is not None:
        return keys.read_public(public_key)
    if keys.path(name).exists():  # of another hub, or of an attempt that failed
        return keys.load(name).public_key().public_bytes_raw()
    return keys.generate(name)


def _registered(name: str, *, made: bool) -> None:
    console.print(f"{name} is registered.", highlight=False)
    if made:
        console.print(f"Private key: {keys.path(name)}", highlight=False, soft_wrap=True)


def _row(one: Officer | Device) -> dict[str, object]:
    return {
        "name": f"{one.country}/{one.name}",
        "key": keys.fingerprint(one.public_key) if one.public_key else None,
        "registered": _day(one.created),
        "retired": _day(one.retired),
    }


def _day(moment: int | None) -> str | None:
    return None if moment is None else time.strftime("%Y-%m-%d", time.gmtime(moment))


def _show(rows: Sequence[Mapping[str, object]], as_json: bool) -> None:
    if as_json:
        console.print_json(data=list(rows))
        return
    table = Table(*(rows[0] if rows else ["none"]), box=None, header_style="bold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console.print(table)
