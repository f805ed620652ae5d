"""What the commands on people and records share: their options, the hub's database, tables to look at."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from limen import settings
from limen.records.database import Database, open_existing

console, errors = Console(), Console(stderr=True)
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
KeyId = Annotated[str, typer.Argument(metavar="COUNTRY/NAME", help="Such as BIH/officer1.")]


def database(data: Path | None) -> Database:
    """The hub's database; `NotFound` where there is no hub."""
    return open_existing(settings.load(data))


def day(moment: int | None) -> str | None:
    """The UTC day of a moment in Unix seconds."""
    return None if moment is None else time.strftime("%Y-%m-%d", time.gmtime(moment))


def show_rows(rows: Sequence[Mapping[str, object]], as_json: bool) -> None:
    """Print rows as a table, or as JSON."""
    if as_json:
        console.print_json(data=list(rows))
        return
    names = [name.replace("_", " ") for name in rows[0]] if rows else ["none"]
    table = Table(*names, box=None, header_style="bold")
    for row in rows:  # Text: what is in a name is no markup
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    console.print(table)
