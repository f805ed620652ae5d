"""`limen evaluate fused`: accuracy of face and fingers together, on chimeric persons."""

from __future__ import annotations

import base64
import json as json_
import tempfile
from html import escape
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from limen.cli.evaluate.tables import group_rows, group_table
from limen.evaluation import fused, fused_tail, groups
from limen.evaluation.plots import KINDS, check_place, det_plot


def command(
    faces: Annotated[Path, typer.Argument(help="Folder of identity/image.", exists=True, file_okay=False)],
    fingers: Annotated[Path, typer.Argument(help="Folder of sets of FVC-named prints.", exists=True, file_okay=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the DET curves into this file (png, svg, pdf).")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report with table and plot into this file.")] = None,
    draws: Annotated[int, typer.Option(help="How many random pairings of faces and fingers.", min=1)] = fused.DRAWS,
    by: Annotated[str, typer.Option(metavar="COLUMN", help="Also per group, by this column of the manifest.")] = "",
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of people and their groups; default manifest.csv in FACES.")
    ] = None,
    tail: Annotated[bool, typer.Option("--tail", help="Also check predicted against observed FPIR.")] = False,
) -> None:
    """Misses at stated false alarm rates for face, fingers and both, with confidence intervals, beside the law's."""
    grouping = groups.read(faces, by, manifest) if by else None
    check_place(plot, KINDS)
    check_place(html)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def step(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done)

        photos, prints = fused.load(faces, fingers, step)
        found = fused.trials(photos, prints, draws=draws)
        figures = fused.report(found)
        if grouping is not None:
            figures["by"] = {"column": by, "conditions": fused.by_group(found, grouping, photos.names)}
        if tail:
            figures["tail"] = fused_tail.report(photos, prints)
    if plot is not None:
        det_plot(fused.curves(found), plot, title=_title(figures), axes=("FPIR", "FNIR"))
    if html is not None:
        html.write_text(_page(figures, found), "utf-8")
    if json:
        typer.echo(json_.dumps(figures, indent=2))
    else:
        _show(figures)


def _show(figures: dict[str, Any]) -> None:
    console = Console()
    console.print(_table(figures))
    if "by" in figures:
        for name, found in figures["by"]["conditions"].items():
            console.print(group_table(f"{name}, by {figures['by']['column']}", found))
    if "tail" in figures:
        console.print(_promises(figures["tail"]))


def _promises(tail: dict[str, Any]) -> Table:
    shape = tail["law"]["pareto"]["all"]["shape"]
    table = Table("searched with", "records", *(f"accepted {rate:g}" for rate in fused_tail.RATES))
    table.title = "Do thresholds keep their promise? Observed FPIR"
    table.caption = f"excess of different fingers' evidence over 0: generalised Pareto, shape {shape:.2f}"
    rows: dict[tuple[str, int], list[str]] = {}
    for row in tail["fpir"]:
        rows.setdefault((row["searched_with"], row["records"]), []).append(f"{row['observed']:.2%}")
    for (name, size), cells in rows.items():
        table.add_row(name, f"{size:,}", *cells)
    return table


def _title(figures: dict[str, Any]) -> str:
    searches = f"{figures['mated_searches']:,} mated and {figures['non_mated_searches']:,} non-mated searches"
    return f"{searches} of {figures['records']:,} chimeric persons"


def _rows(figures: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name, rates in figures["conditions"].items():
        cells = [f"{r['fnir']:.2%} ({r['interval'][0]:.2%} to {r['interval'][1]:.2%})" for r in rates.values()]
        law = figures["law"].get(name, {}).get("fpir_0.001")
        rows.append([name, *cells, f"{law:.1%}" if law is not None else ""])
    return rows


def _head() -> list[str]:
    return ["searched with", *(f"FNIR at FPIR {rate:g}" for rate in fused.FPIR), "law, at FPIR 0.001"]


def _table(figures: dict[str, Any]) -> Table:
    table = Table(*_head(), title=_title(figures), caption="in brackets: 95 % confidence, bootstrap by person")
    for row in _rows(figures):
        table.add_row(*row)
    return table


def _page(figures: dict[str, Any], found: dict[str, fused.Trial]) -> str:
    """A page that stands alone: the table, and the DET curves as an embedded picture."""
    with tempfile.NamedTemporaryFile(suffix=".svg") as file:
        det_plot(fused.curves(found), file.name, axes=("FPIR", "FNIR"))
        picture = base64.b64encode(Path(file.name).read_bytes()).decode("ascii")
    head = "".join(f"<th>{cell}</th>" for cell in _head())
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in _rows(figures))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>Limen: face and fingers together</title>"
        "<style>body{font:16px sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse;display:block;overflow-x:auto}"
        "td,th{border:1px solid #999;padding:.3em .6em;text-align:left}img{max-width:40em;width:100%}</style>"
        f"<h1>Face and fingers together</h1><p>{_title(figures)}. FNIR with 95 % confidence, bootstrap by person.</p>"
        f"<table><tr>{head}</tr>{body}</table>"
        f"{_group_html(figures)}"
        f'<p><img alt="DET curves" src="data:image/svg+xml;base64,{picture}"></p></html>\n'
    )


def _group_html(figures: dict[str, Any]) -> str:
    if "by" not in figures:
        return ""
    parts = []
    for name, found in figures["by"]["conditions"].items():
        head, *body = group_rows(found)
        lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
        cells = "".join(f"<th>{cell}</th>" for cell in head)
        title = f"{name}, by {escape(figures['by']['column'])}"
        parts.append(f"<h2>{title}</h2><table><tr>{cells}</tr>{lines}</table>")
    return "".join(parts)
