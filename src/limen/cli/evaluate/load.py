"""`limen evaluate load`: how long a hub takes until its whole gallery answers."""

from __future__ import annotations

import json as json_
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from limen.cli.lazy import stderr
from limen.evaluation.load import evaluate


def command(
    templates: Annotated[
        int, typer.Option(min=11, help="Templates in the gallery: a face and ten fingers each.")
    ] = 50_000,
    folder: Annotated[
        Path | None,
        typer.Option("--in", help="Where to make the hub's data, which are removed again; 2 KB a template."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; times in seconds, memory in bytes.")] = False,
) -> None:
    """How long from `limen serve` until the whole gallery answers, and again after the matcher was killed."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="limen-load-") as place,
        Progress(*columns, console=stderr, transient=True) as progress,
    ):
        bars: dict[str, Any] = {}

        def step(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=done, total=total)

        found = evaluate(templates, Path(place), step=step)
    if json:
        typer.echo(json_.dumps(found, indent=2))
        return
    out, start = Console(highlight=False), found["start"]
    out.print(f"{found['templates']:,} templates of {found['records']:,} records, each with its own key.")
    out.print(f"From the start of the hub until all of it answers: {start['seconds']:.1f} s.")
    used = ", ".join(f"{name} {seconds:.1f}" for name, seconds in start["processor_seconds"].items())
    out.print(f"Processor seconds: {used}.")
    unsealing = found["unsealing"]
    each = 1e6 * sum(unsealing["processor_seconds"].values()) / found["templates"]
    out.print(f"Of these, unsealed into the matcher: {unsealing['seconds']:.1f} s; {each:.1f} us of processor each.")
    out.print(f"From the matcher's death until all of it answers again: {found['matcher_killed']['seconds']:.1f} s.")
    out.print(f"The matcher holds {found['matcher_resident_bytes'] / 2**20:,.0f} MiB.")
