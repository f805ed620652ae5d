"""`limen evaluate border`: the whole hub, measured from outside with real samples."""

from __future__ import annotations

import json as json_
import socket
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from limen.evaluation import border


def command(
    samples: Annotated[Path, typer.Argument(help="Folder with faces/lfw_dev and fingerprints/.", exists=True)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Two countries' records in, 430 people searched through a running hub: who is found, and who is found wrongly."""
    with tempfile.TemporaryDirectory(prefix="limen-") as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("images and searches", total=border.size(samples))
            figures = border.run(samples, Path(folder), port, lambda done: progress.advance(task, done))
    if json:
        typer.echo(json_.dumps(figures, indent=2))
    else:
        Console().print(table(figures))


def table(figures: dict[str, Any]) -> Table:
    """Figures as a table, a row a group."""
    shown = Table(title=f"{figures['records']} records of two countries", title_justify="left")
    for heading in (
        "searched with",
        "searches",
        "hit",
        "refer",
        "no-hit",
        "cannot-tell",
        "right record",
        "wrong record",
    ):
        shown.add_column(heading, justify="left" if heading == "searched with" else "right")
    for group, row in figures["groups"].items():
        found = str(row["found"]) if "found" in row else "-"
        wrong = str(row.get("wrong", row.get("false")))
        counts = [str(row[name]) for name in ("searches", "hit", "refer", "no-hit", "cannot-tell")]
        shown.add_row(group, *counts, found, wrong)
    return shown
