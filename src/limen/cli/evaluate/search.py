"""`limen evaluate search`: a gallery of N persons, measured."""

from __future__ import annotations

import json as json_
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from limen.cli.lazy import stderr
from limen.evaluation.search import Measure, evaluate

CORES = len(os.sched_getaffinity(0))


def command(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Real fingers, finger_impression.ext, or a folder a set.")
    ] = None,
    persons: Annotated[int, typer.Option(min=1, help="Persons in the gallery, ten made-up fingers each.")] = 1000,
    searches: Annotated[int, typer.Option(min=1, help="Searches of each kind that are timed.")] = 40,
    probes: Annotated[int, typer.Option(min=0, help="Mated probes that are also compared exhaustively.")] = 20,
    threads: Annotated[int, typer.Option(min=1, help="Threads that a search may use.")] = CORES,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; times in ms, memory in bytes.")] = False,
) -> None:
    """1:N search: memory, load time, search times, loss against exhaustive comparison."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        bars: dict[str, Any] = {}

        def step(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what.replace("_", " "), total=total)
            progress.update(bars[what], completed=done, total=total)

        measure = Measure(searches=searches, exhaustive=probes, threads=threads)
        found = evaluate(persons, folder, measure, jobs=CORES, step=step)
    if json:
        typer.echo(json_.dumps(found, indent=2))
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    out = Console(highlight=False)
    out.print(
        f"{found['fingers']:,} fingers of {found['persons']:,} persons: "
        f"{found['memory']['per_finger']:,.0f} bytes a finger, {found['memory']['bytes'] / 2**20:,.0f} MiB; "
        f"loaded in {found['load']['seconds']:,.0f} s."
    )
    table = Table("search, ms of wall clock", "p50", "p95", "p99", box=SIMPLE, pad_edge=False)
    for name, row in found["search_ms"].items():
        table.add_row(name.replace("_", " "), *(f"{row[q]:,.0f}" for q in ("p50", "p95", "p99")))
    out.print(table)
    batch, loss, change = found["batch"], found["loss"], found["change_ms"]
    out.print(f"In batches: {batch['two_finger_searches_per_s']:,.1f} two-finger searches a second.")
    out.print(f"Add {change['add']:.2f} ms, replace {change['replace']:.2f} ms, withdraw {change['withdraw']:.2f} ms.")
    out.print(
        f"Of {loss['rank1_exhaustive']} mated probes that exhaustive comparison finds, "
        f"{loss['lost']} lost ({loss['fraction']:.2%})."
    )
