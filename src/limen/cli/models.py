"""`limen models`: list and check the models."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen import models
from limen.errors import Damaged

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Every model: what it does, where it comes from, under which licence."""
    table = Table("model", "role", "package", "template", "licence", "source")
    for name in models.names():
        model = models.manifest(name)
        template = f"{model.dimension} x float32, {model.metric}" if model.dimension else ""
        table.add_row(name, model.role, model.package, template, model.licence, model.source)
    Console().print(table)


@app.command()
def check(quiet: Annotated[bool, typer.Option(help="Print only what is wrong.")] = False) -> None:
    """Check every model's file against the SHA-256 in its manifest. Exit status 1 if one does not fit."""
    out, wrong = Console(highlight=False), []
    for name in models.names():
        try:
            data = models.read(name)
        except Damaged as error:
            wrong.append(error)
            out.print(f"[red]wrong[/]  {name}: {error.message}")
        else:
            if not quiet:
                out.print(f"[green]fits[/]   {name}: {len(data):,} bytes, sha256 {models.manifest(name).sha256[:16]}…")
    if wrong:
        raise Damaged(f"{len(wrong)} of {len(models.names())} models cannot be used.", advice=wrong[0].advice)
