"""`limen evaluate face`: accuracy and speed of faces on identity/image folders."""

from __future__ import annotations

import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from limen import models, settings
from limen.cli.evaluate.tables import group_table
from limen.errors import BadInput
from limen.evaluation import face, face_calibration, face_speed, face_tail, groups
from limen.evaluation.plots import KINDS, check_place, det_plot
from limen.face import evidence
from limen.models.in_use import DEFAULT


def command(
    directory: Annotated[Path, typer.Argument(help="Folder of identity/image.", exists=True, file_okay=False)],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the DET curve into this file (png, svg, pdf).")] = None,
    tail: Annotated[bool, typer.Option("--tail", help="Also check predicted against observed FPIR.")] = False,
    model: Annotated[str, typer.Option(help="Which model: limen models list.")] = DEFAULT,
    calibrate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the model's calibration, fitted to these photos, and nothing else."),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure speed alone: photos of 640 x 480, and a million templates.")
    ] = False,
    by: Annotated[str, typer.Option(metavar="COLUMN", help="Also per group, by this column of the manifest.")] = "",
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of people and their groups; default manifest.csv in the folder."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
    ] = None,
) -> None:
    """Accuracy and speed of faces: pairs, and an open set with one photo of each person enrolled."""
    models.look_in(models.folder_of(settings.load(data).data))
    found = face.find(directory)
    check_place(plot, KINDS)
    check_place(calibrate)
    grouping = groups.read(directory, by, manifest) if by else None
    if speed:
        _say_speed(face_speed.report(found, model), json)
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("photos", total=len(found))
        if calibrate is not None:
            _calibrate(face_calibration.raw(found, model, lambda: progress.advance(task)), calibrate)
            return
        photos = face.embed(found, lambda: progress.advance(task), model)
    figures = face.report(photos)
    if grouping is not None:
        names = sorted({name for name, _ in found})
        figures["by"] = {"column": by, "groups": groups.of_faces(photos, grouping, names)}
    if tail:
        figures["tail"] = face_tail.report(photos)
    if plot is not None:
        det_plot({"one photo enrolled": face.open_set(photos).curve()}, plot, title="Faces", axes=("FPIR", "FNIR"))
    if json:
        typer.echo(json_.dumps(figures, indent=2))
    else:
        Console().print(_table(figures))
        if grouping is not None:
            Console().print(group_table(f"one photo enrolled, by {by}", figures["by"]["groups"]))
        if tail:
            Console().print(_promises(figures["tail"]))
        if not figures["open_set"]["non_mated_probes"]:
            Console(stderr=True).print("Nobody has a single photo, so there are no non-mated probes and no FNIR.")


def _say_speed(figures: dict[str, Any], json: bool) -> None:
    if json:
        typer.echo(json_.dumps(figures, indent=2))
        return
    photo, search = figures["photo"], figures["search"]
    table = Table("median of", "ms", "95 % within")
    rows = {
        "probe": "photo of 640 x 480, bytes to template, one core: probe",
        "reference": "  reference (with its mirror image)",
    }
    for name, of in rows.items():
        table.add_row(of, f"{photo[f'{name}_ms_p50']:.1f}", f"{photo[f'{name}_ms_p95']:.1f}")
    what = f"search of {search['templates']:,} x {search['dimension']}, by the clock"
    for together, milliseconds in search["ms_p50"].items():
        table.add_row(f"{what}: {together} together", f"{milliseconds:.1f}")
    table.add_row("  insert, replace and withdraw one", f"{search['insert_replace_withdraw_ms_p50']:.3f}")
    Console().print(table)


def _calibrate(photos: face.Photos, file: Path) -> None:
    """Write a calibration; SFace keeps the lengths that stand for its qualities, so that old templates stay valid."""
    sface = evidence.calibration(DEFAULT)
    limits = (sface.weak, sface.strong) if photos.model == DEFAULT else None
    text = face_calibration.calibrated(photos, limits)
    try:
        file.write_text(text)
    except OSError as error:
        raise BadInput(f"{file} cannot be written: {error.strerror}.") from None
    Console(stderr=True, highlight=False).print(f"Written: {file}. Measure with it: limen evaluate face FOLDER.")


def _table(figures: dict[str, Any]) -> Table:
    trial, speed = figures["open_set"], figures["speed"]
    table = Table("measure", "value", title=f"{figures['images']:,} photos of {figures['identities']:,} people")
    table.add_row("photos without a usable face", f"{figures['failed']:,}")
    for fmr, rate in figures["tar"].items():
        table.add_row(f"pairs: true accept rate at FMR {fmr}", f"{rate:.2%}")
    for enrolled, rates in {"1": trial, **figures["open_set_enrolled"]}.items():
        table.add_section()
        table.add_row(f"open set: people enrolled, with up to {enrolled} photo(s)", f"{rates['enrolled']:,}")
        table.add_row("  mated and non-mated probes", f"{rates['mated_probes']:,} and {rates['non_mated_probes']:,}")
        table.add_row("  rank 1", f"{rates['rank1']:.2%}")
        for name, rate in rates["fnir"].items():
            table.add_row(
                f"  FNIR at FPIR {float(name.removeprefix('fpir_')):g}", "" if rate is None else f"{rate:.2%}"
            )
    table.add_section()
    table.add_row("detection, one core, median", f"{speed['detect_ms_p50']:.1f} ms")
    table.add_row("alignment, quality and embedding, one core, median", f"{speed['embed_ms_p50']:.1f} ms")
    return table


def _promises(tail: dict[str, Any]) -> Table:
    law = tail["pareto"]
    table = Table("records", "FPIR accepted", "FPIR observed", title="Do thresholds keep their promise?")
    table.caption = f"highest non-mated scores: generalised Pareto, shape {law['shape']:.2f}"
    for row in tail["fpir"]:
        table.add_row(f"{row['records']:,}", f"{row['accepted']:.2%}", f"{row['observed']:.2%}")
    return table
