"""`limen receipt`: check the receipt of a search, with nothing but the hub's published key."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from limen import settings
from limen.client.hub import HubClient
from limen.errors import BadInput
from limen.ledger import receipt as receipts

app = typer.Typer(no_args_is_help=True)

FIELDS = {
    "search": "Search",
    "purpose": "Purpose",
    "answer": "Answer",
    "images": "Images sent",
    "sealed": "Sealed on its way",
    "deleted": "Deleted",
    "kept": "Kept",
    "process": "The process that opened it",
    "software": "Software",
}


@app.callback()
def _root() -> None:
    """Receipts of searches."""


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The receipt, as the officer's page or `limen search` wrote it.")],
    hub_key: Annotated[str, typer.Option(metavar="HEX", envvar="LIMEN_HUB_KEY", help="The hub's published key.")] = "",
    hub: Annotated[
        str, typer.Option(envvar="LIMEN_HUB", help="Ask this hub for its key instead; default: this machine's.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Check that a receipt was signed by the hub and not changed. Exit status: 0 good, 1 not."""
    try:
        with file.open("rb") as stream:
            data = stream.read(receipts.MAX_RECEIPT + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    found = receipts.parse(data)
    receipt = receipts.verify(found, _key(hub_key, hub))
    if as_json:
        typer.echo(json.dumps({"good": True, "receipt": receipt}, indent=1, ensure_ascii=False))
        return
    console = Console()
    console.print("[bold green]The receipt is good.[/]")
    table = Table.grid(padding=(0, 2))
    table.add_row("[dim]Time[/]", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(receipt["minute"])))
    for name, title in FIELDS.items():
        table.add_row(f"[dim]{title}[/]", escape(_said(receipt.get(name))))
    console.print(table)
    console.print(f"\n{receipts.PROVES}\n{receipts.CANNOT_PROVE}", markup=False, highlight=False)


def _key(hub_key: str, hub: str) -> bytes:
    if not hub_key:
        with HubClient(hub or settings.load().url, httpx.Auth()) as client:
            return client.identity()
    try:
        key = bytes.fromhex(hub_key)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput("The hub's key is not 32 bytes in hexadecimal.", advice="Copy it from where it is published.")
    return key


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return str(value)
