"""`limen doctor`: what protects captures on this machine, and how this hub stands."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen import settings as configuration
from limen.hub.checks import Check, Status, check_hub, check_machine

_MARKS = {Status.OK: "[green]ok[/]", Status.ADVISED: "[yellow]advised[/]", Status.MISSING: "[red]missing[/]"}


def command(
    data: Annotated[Path | None, typer.Option(help="Folder of the hub.", envvar="LIMEN_DATA")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this machine and this hub. Exit status 1 if a protection is missing."""
    checks = [*check_machine(), *check_hub(configuration.load(data))]
    missing = any(check.status is Status.MISSING for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": not missing, "checks": [dataclasses.asdict(check) for check in checks]}, indent=1))
    else:
        _show(checks)
    raise typer.Exit(1 if missing else 0)


def _show(checks: list[Check]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for check in checks:
        advice = f"\n[dim]{check.advice}[/]" if check.advice else ""
        table.add_row(check.name, _MARKS[check.status], check.text + advice)
    Console(highlight=False).print(table)
