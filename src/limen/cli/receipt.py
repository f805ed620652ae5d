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
from limen.ledger import logged
from limen.ledger import receipt as receipts
from limen.ledger.logged import Logged

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
    "policy": "Rules in force",
    "hardening": "That process had given up",
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
    """Check that a receipt was signed by the hub, not changed, and stands in its log. Exit status: 0 good, 1 not."""
    try:
        with file.open("rb") as stream:
            data = stream.read(receipts.MAX_RECEIPT + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    found = receipts.parse(data)
    key = _key(hub_key, hub)
    receipt = receipts.verify(found, key)
    proof = logged.check(found["log"], receipt, key) if "log" in found else None
    if as_json:
        said = {"good": True, "receipt": receipt, "log": _described(proof) if proof else None}
        typer.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return
    console = Console()
    console.print("[bold green]The receipt is good.[/]" if proof else "[bold green]The receipt's signature is good.[/]")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")  # nothing of what is proved is cut off
    table.add_row("[dim]Time[/]", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(receipt["minute"])))
    for name, title in FIELDS.items():
        if name in receipt:
            table.add_row(f"[dim]{title}[/]", escape(_said(receipt[name])))
    if proof:
        table.add_row("[dim]In the hub's log[/]", ", ".join(entry.kind.value for entry in proof.entries))
        table.add_row("[dim]Log at that time[/]", f"{proof.checkpoint.origin}, {proof.checkpoint.size} entries")
    else:
        table.add_row("[dim]In the hub's log[/]", "not shown: the receipt was taken before the log had the search")
    console.print(table)
    if proof:  # whole and on one line however narrow the screen, to be compared with a witness's
        console.print(
            f"[dim]Root of the log[/]          {proof.checkpoint.root.hex()}", highlight=False, soft_wrap=True
        )
    words = [receipts.PROVES, *([receipts.PROVES_LOGGED] if proof else []), receipts.CANNOT_PROVE]
    console.print("\n" + "\n".join(words), markup=False, highlight=False)


def _described(proof: Logged) -> dict[str, object]:
    head = proof.checkpoint
    kinds = [entry.kind.value for entry in proof.entries]
    return {"origin": head.origin, "size": head.size, "root": head.root.hex(), "entries": kinds}


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
