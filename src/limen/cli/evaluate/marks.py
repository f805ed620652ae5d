"""`limen evaluate marks`: ranks of crime-scene marks' mates, both ways."""

from __future__ import annotations

import json as json_
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from limen.cli.lazy import stderr
from limen.evaluation.marks import evaluate


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Marks NAME_latent.ext, and mates NAME_rolled.ext.")],
    prints: Annotated[Path, typer.Option(help="Folder of other prints, searched with those below it.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that extract.")] = len(os.sched_getaffinity(0)),
) -> None:
    """Do marks find their prints, and prints their marks, among all others?"""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        bar = progress.add_task("prints", total=None)
        found = evaluate(
            folder, prints, jobs=jobs, step=lambda _, done, total: progress.update(bar, completed=done, total=total)
        )
    if json:
        typer.echo(json_.dumps(found, indent=1))
        return
    table = Table("mark", "turned", "minutiae", f"rank of {found['prints']}", "nats", "others", "rank back", box=SIMPLE)
    for row in found["marks"]:
        values = (row["minutiae"], row["rank"], row["nats"], row["others"], row["back"])
        shown = (
            "-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value) for value in values
        )
        table.add_row(row["mark"], f"{row['turn']:.0f}", *shown)
    Console().print(table)
