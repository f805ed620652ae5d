"""`limen serve`: the hub in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen import settings as configuration
from limen.access import directory
from limen.access.directory import Role
from limen.hub import Hub
from limen.hub.checks import missing_protections
from limen.records.database import open_database
from limen.settings import Settings

console = Console(highlight=False)


def command(
    data: Annotated[
        Path | None, typer.Option(help="Folder of everything that the hub keeps.", envvar="LIMEN_DATA")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    production: Annotated[
        bool | None, typer.Option("--production", help="Refuse to start where a protection is missing.")
    ] = None,
) -> None:
    """Run the hub: front, opener, matcher and vault, until Ctrl-C."""
    settings = configuration.load(data, host=host, port=port, production=production)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    hub = Hub(settings, passphrase=_passphrase(settings))
    with console.status("Starting: loading models and records ..."):
        hub.start()
    try:
        _greet(hub)
        ended.wait()
    finally:
        with console.status("Stopping ..."):
            hub.stop()
    console.print("Stopped.")


def _passphrase(settings: configuration.Settings) -> bytes:
    """Asked for on the terminal, where the keys need one and no file holds it."""
    if settings.custody != "passphrase" or settings.passphrase_file:
        return b""
    new = not (settings.data / "vault" / "keys.json").exists()
    return str(typer.prompt("Passphrase of the keys", hide_input=True, confirmation_prompt=new, err=True)).encode()


def _greet(hub: Hub) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("process", "pid", "state"):
        table.add_column(heading)
    for part in hub.parts.values():
        table.add_row(part.name, str(part.pid), part.state)
    console.print(table)
    settings = hub.settings
    for what, where in {
        "\nOfficers' page": settings.pages,
        "API": f"{settings.url}/docs",
        "Health": f"{settings.url}/health",
        "Records, log": settings.data.absolute(),
        **({"TLS authority": settings.data.absolute() / "tls" / "ca.pem"} if _own_authority(settings) else {}),
    }.items():
        console.print(f"{what:17}{where}")
    if missing := missing_protections():
        console.print(f"[yellow]Protections missing on this machine: {', '.join(missing)}.[/] See `limen doctor`.")
    if not _administered(settings):
        console.print("\nNo administrator yet. `limen access first COUNTRY/NAME` prints the first one's one-time link.")
    console.print("\nFirst steps: `limen access --help`, `limen records import --help`. Stop with Ctrl-C.")
    sys.stdout.flush()


def _own_authority(settings: Settings) -> bool:
    return settings.over_tls and not settings.tls_certificate


def _administered(settings: Settings) -> bool:
    database = open_database(settings)
    with database.reading() as session:
        people = directory.list_officers(session)
    database.close()
    return any(one.role == Role.ADMINISTRATOR and one.retired is None for one in people)
