"""`limen evaluate forgetting`: the forgetting drill."""

from __future__ import annotations

import json as json_
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen.cli.lazy import stderr
from limen.evaluation.forgetting.drill import CANNOT_TELL, Drill, Report

console = Console(highlight=False)


def command(
    samples: Annotated[
        Path | None,
        typer.Option(
            envvar="LIMEN_TEST_DATA", help="Folder of real samples, for faces; without it one public portrait."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each kind of search is made.")] = 3,
    tls: Annotated[bool, typer.Option("--tls", help="Let the hub speak TLS, with a certificate of its own.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The forgetting drill: what searches leave behind in memory and on disk. Needs root.

    A hub of its own is started and searched in every way; then the memory of all its processes, its files and its raw
    disk are looked through for pieces of what was sent and computed. Exit status 1 if anything is found, if a search
    did not end as it must, or if the positive control shows that the scanner sees nothing.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):  # as a shell has it; hub and disk are put away on the way out
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    with stderr.status("Forgetting drill ...") as line:
        report = Drill(samples, rounds, lambda what: line.update(f"Forgetting drill: {what} ..."), tls=tls).run()
    if json:
        typer.echo(json_.dumps(report.json(), indent=2))
    else:
        _print(report)
    raise typer.Exit(0 if report.passed else 1)


def _print(report: Report) -> None:
    table = Table("searches that end", "number", "answers", "windows", "found", box=None, pad_edge=False)
    for name, group in report.groups.items():
        answers = ", ".join(f"{count} {outcome}" for outcome, count in group.outcomes.items())
        table.add_row(name, str(group.searches), answers, f"{group.windows:,}", str(group.hits))
    console.print(table)
    for name, group in report.groups.items():
        for place, count in group.by_path.items():
            console.print(f"[red]{name}: {count} windows in {place} ({dict(group.by_kind)})[/]")
        for case in group.unexpected:
            console.print(f"[red]{name}: {case}, which must not be[/]")
    kinds = ", ".join(f"{count} of {kind}" for kind, count in report.control_by_kind.items())
    raw = "not looked at"
    if report.disk is not None:
        raw = f"{report.disk / 1e6:,.0f} MB (of a deleted file's {report.disk_control[0]} windows it showed "
        raw += f"{report.disk_control[1]})"
    console.print(
        f"\nLooked at: {report.memory / 1e6:,.0f} MB of {report.processes} processes' memory, {report.files} files, "
        f"raw disk {raw}.\nPositive control, a worker stopped at its work: {report.control} windows seen ({kinds}).\n"
        f"Left out, because the hub held them before the first search: {report.left_out} windows.",
    )
    for name, group in report.groups.items():
        for kind, reasons in group.why.items():
            if kind == CANNOT_TELL and reasons:
                said = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
                console.print(f"{name}: cannot tell, because of {said}.")
    for said in report.not_scanned:
        console.print(f"[yellow]Not looked at: {said}[/]")
    clean = "[green]Nothing was left behind where it was looked.[/]"
    verdict = clean if report.passed else "[red]The drill failed.[/]"
    console.print(f"{verdict} {report.seconds:,.0f} s.")
