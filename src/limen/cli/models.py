"""`limen models`: list, add and check the models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from limen import models, settings
from limen.errors import Damaged, LimenError
from limen.face import intake
from limen.models import in_use

app = typer.Typer(no_args_is_help=True)
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]


@app.command("list")
def list_(data: DataFolder = None) -> None:
    """Every model: what it does, whether it is in use, where it comes from, under which licence."""
    folder = _look(data)
    working = in_use.chosen(folder)
    table = Table("model", "role", "in use", "template", "licence", "source")
    for name in models.names():
        try:
            model = models.manifest(name)
        except LimenError as error:
            table.add_row(name, "", "", "", "", error.message, style="red")
            continue
        template = f"{model.dimension} x float32, {model.metric}" if model.dimension else ""
        table.add_row(name, model.role, _use(name, model.role, working), template, model.licence, model.source)
    Console().print(table)


@app.command()
def add(
    manifest: Annotated[Path, typer.Argument(help="NAME.toml, with the ONNX file that it names beside it.")],
    data: DataFolder = None,
) -> None:
    """Add a face model: check its manifest, file and licence, run it, and copy it to DATA/models."""
    folder = _look(data)
    added = intake.add(manifest, folder)
    out = Console(highlight=False)
    out.print(f"Model {added.name} is added: {added.dimension} x float32, {added.licence}.")
    if not (folder / added.calibration).is_file():
        out.print("It is not calibrated yet, and cannot be used before:", soft_wrap=True)
        out.print(
            f"  limen evaluate face FOLDER --model {added.name} --calibrate {folder / added.calibration}",
            soft_wrap=True,
        )
    out.print(f"To use it: limen records reextract --model {added.name}")


@app.command()
def check(
    quiet: Annotated[bool, typer.Option(help="Print only what is wrong.")] = False, data: DataFolder = None
) -> None:
    """Check every model: its file against its SHA-256, an added one's shape, run and calibration too. Exit status 1
    if one cannot be used."""
    _look(data)
    out, wrong = Console(highlight=False, soft_wrap=True), []
    for name in models.names():
        try:
            size = intake.checked(name)
        except LimenError as error:
            wrong.append(error)
            out.print(f"[red]wrong[/]  {name}: {error.message}")
        else:
            if not quiet:
                out.print(f"[green]fits[/]   {name}: {size:,} bytes, sha256 {models.manifest(name).sha256[:16]}…")
    try:
        in_use.chosen(models.folder_of(settings.load(data).data))
    except LimenError as error:
        wrong.append(error)
        out.print(f"[red]wrong[/]  in use: {error.message}")
    if wrong:
        raise Damaged(f"{len(wrong)} of {len(models.names())} models cannot be used.", advice=wrong[0].advice)


def _look(data: Path | None) -> Path:
    folder = models.folder_of(settings.load(data).data)
    models.look_in(folder)
    return folder


def _use(name: str, role: str, working: list[str]) -> str:
    if role != "face-embedder":
        return "yes"
    if name not in working:
        return ""
    return "yes" if name == working[0] else "until the gallery has moved"
