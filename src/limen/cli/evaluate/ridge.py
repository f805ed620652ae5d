"""`limen evaluate ridge`: a table, JSON, or DET curves."""

from __future__ import annotations

import json as json_
import math
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from limen.cli.lazy import stderr
from limen.evaluation import rates
from limen.evaluation.plots import KINDS, check_place, det_plot
from limen.evaluation.ridge import RATES, Report, evaluate, pool

WIDTH = 118  # characters that the table needs
COUNTS = ("images", "failed", "genuine", "impostor")


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Images finger_impression.ext, or one folder a set.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON; rates are fractions.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw DET curves into FILE (png, svg or pdf).")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that extract.")] = len(os.sched_getaffinity(0)),
) -> None:
    """Accuracy and speed of fingers on FVC-named images; speeds are of one core."""
    check_place(plot, KINDS)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        bars = {what: progress.add_task(what, total=None) for what in ("extract", "compare")}
        report = evaluate(
            folder,
            jobs=jobs,
            step=lambda what, done, total: progress.update(bars[what], completed=done, total=total),
        )
    if plot:
        _draw(report, plot, folder.name)
    if json:
        typer.echo(json_.dumps(_without_nan(report.json), indent=2))
    else:
        _print(report.json)


def _print(found: dict[str, Any]) -> None:
    table = Table(Column("set", no_wrap=True), *COUNTS, *RATES, box=SIMPLE, pad_edge=False)
    rows = {**found["sets"], "pooled": found["pooled"], "mean": found["mean"]}
    for name, row in rows.items():
        table.add_row(
            name, *(str(row.get(count, "")) for count in COUNTS), *(_percent(row[rate]) for rate in RATES),
            end_section=name == list(found["sets"])[-1],
        )  # fmt: skip
    console = Console(width=max(Console().width, WIDTH))
    console.print(table)
    speed = found["speed"]
    console.print(
        f"One core: {speed['extract_ms_p50']:.0f} ms a template, {speed['quality_ms_p50']:.0f} ms an NFIQ 2 score "
        f"(medians), {speed['comparisons_per_s']:,.0f} comparisons a second.",
        highlight=False,
    )


def _draw(report: Report, file: Path, title: str) -> None:
    parts = {name: part for name, part in report.scores.items() if len(part.genuine) and len(part.impostor)}
    if len(parts) > 1:
        parts["pooled"] = pool(list(parts.values()))
    curves = {name: rates.det(part.genuine, part.impostor)[1:] for name, part in parts.items()}
    det_plot(curves, file, title=title)


def _percent(rate: float) -> str:
    return "-" if math.isnan(rate) else f"{rate:.2%}"


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: null where there was nothing to measure."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
