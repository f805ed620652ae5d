"""`limen drill`: play the thief on a hub of its own, and count what there is to be had."""

from __future__ import annotations

import json as json_
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen.cli.lazy import stderr
from limen.evaluation.breach import drill
from limen.evaluation.breach.report import EXPECTED, Report, table

app = typer.Typer(no_args_is_help=True)
console = Console(highlight=False)


@app.callback()
def _drills() -> None:
    """Play the thief on a hub of its own."""


@app.command("breach")
def breach(
    people: Annotated[int, typer.Option(min=5, help="How many people both of the drill's hubs keep.")] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What a thief of each place can read, use or link. Exit status 1 if there is anything that must not be.

    Two hubs are built and used, then robbed: disk, database, backup, the front's memory, logs, an officer's device, and
    a front that was taken over. The same is done with sealing switched off, where everything must be found.
    """
    with stderr.status("Breach drill ...") as line:
        report = drill.Drill(people, lambda what: line.update(f"Breach drill: {what} ...")).run()
    if json:
        typer.echo(json_.dumps(report.json(), indent=2))
    else:
        _print(report)
    raise typer.Exit(0 if report.passed else 1)


def _print(report: Report) -> None:
    found = Table(
        "thief has", "biometrics", "personal fields", "usable keys", "linked persons", box=None, pad_edge=False
    )
    for row in table(report):
        found.add_row(*row)
    console.print(found)
    console.print("\n(found, of what the same thief finds where sealing is switched off)")
    for place, why in EXPECTED.items():
        for what, reason in why.items():
            console.print(f"{place}, {what.replace('_', ' ')}: {reason}.")
    links = ", ".join(f"{name} {one.d_sys:.2f}" for name, one in report.linkage.items())
    bare = ", ".join(f"{name} {one.d_sys:.2f}" for name, one in report.control_linkage.items())
    console.print(f"D_sys between two hubs: {links}; without sealing: {bare}.")
    for place, why_not in report.not_played.items():
        console.print(f"[yellow]{place} was not played: {why_not}.[/]")
    for problem in report.unexpected:
        console.print(f"[red]{problem}: this must not be.[/]")
    for place in report.blind:
        console.print(
            f"[red]{place}: the drill did not see what the control left there, so its zeros prove nothing.[/]"
        )
    if report.passed:
        console.print("[bold green]Passed.[/]")
