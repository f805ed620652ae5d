"""`limen exchange`: look into, check and convert ANSI/NIST-ITL, minutiae and image files."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from limen.errors import BadFile
from limen.exchange import an2, conversion, inspection, isolated, mrz
from limen.exchange.fields import name
from limen.exchange.minutiae import Standard
from limen.records.entry import image_kind
from limen.ridge.comparator import compare_many, prepare
from limen.ridge.evidence import llr

app = typer.Typer(no_args_is_help=True)
_LONG = 120  # characters of a value in the readable table; --json has all

File = Annotated[Path, typer.Argument(help="ANSI/NIST-ITL (also XML), minutiae, face record or image file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def show(
    file: File,
    images: Annotated[Path | None, typer.Option(help="Write a small JPEG of every image into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Show the records of a file, their fields and images, and what is wrong with them."""
    report = _inspect(file, "base", thumbnails=images is not None, as_json=as_json)
    if images is not None:
        _write_thumbnails(report, images)
    if as_json:
        _print_json(report)
        return
    out = Console(highlight=False)
    for number, record in enumerate(report.records):
        _print_record(out, number, record, report.profile)
    _print_problems(out, report)


@app.command()
def check(
    file: File,
    profile: Annotated[str, typer.Option(help="base: the standard alone; int-i: INTERPOL's rules too.")] = "base",
    as_json: Json = False,
) -> None:
    """Check a file against the standard's rules. Exit status 1 if any is broken."""
    report = _inspect(file, profile, thumbnails=False, as_json=as_json)
    if as_json:
        _print_json(report)
    else:
        _print_problems(Console(highlight=False), report)
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def convert(
    source: File,
    target: Annotated[
        Path,
        typer.Argument(help=f"File to write: {' '.join((*conversion.IMAGES, *conversion.MINUTIAE))}, or .an2."),
    ],
    standard: Annotated[
        Standard | None, typer.Option(help="Of a minutiae file; default: by suffix, .fmr the newest.")
    ] = None,
    record: Annotated[int | None, typer.Option(help="Which record's image or minutiae, counted from 0.")] = None,
    kind: Annotated[
        str, typer.Option(help="Of what becomes .an2: face, right-index, palm:21, mark, ... or a code.")
    ] = "finger",
) -> None:
    """Convert images to images or to .an2, minutiae between standards and .an2, XML to the traditional encoding."""
    if source.resolve() == target.resolve():
        raise BadFile("Source and target are the same file.")
    modality, position = image_kind(kind)
    data = conversion.convert(
        _read(source), target.name, standard=standard, record=record, modality=modality, position=position
    )
    partial = target.with_name(target.name + ".part")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BadFile(f"{target} cannot be written: {error.strerror}.") from None
    Console(highlight=False).print(f"{target}: {len(data):,} bytes")


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Minutiae file, or ANSI/NIST-ITL file with Type-9 records.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    as_json: Json = False,
) -> None:
    """Compare all minutiae templates of A with all of B: log-likelihood ratios, in nats, for one finger."""
    firsts, seconds = (conversion.templates(_read(file)) for file in (a, b))
    prepared = [prepare(template) for template in seconds]
    ratios = [[round(float(llr(s)), 2) for s in compare_many(prepare(first), prepared)] for first in firsts]
    if as_json:
        typer.echo(json.dumps({"llr": ratios, "minutiae": [[len(t) for t in firsts], [len(t) for t in seconds]]}))
        return
    table = Table("A \\ B", *(f"view {n}" for n in range(len(seconds))), box=None)
    for number, row in enumerate(ratios):
        table.add_row(f"view {number}", *(f"{ratio:+.1f}" for ratio in row))
    Console(highlight=False).print(table)


@app.command("mrz")
def read_zone(
    file: Annotated[Path, typer.Argument(help="Text of two or three lines; - reads what is typed.")],
    as_json: Json = False,
) -> None:
    """Read the machine readable zone of a travel document, and check its check digits (ICAO 9303)."""
    data = sys.stdin.buffer.read(mrz.MAX_TEXT + 1) if str(file) == "-" else isolated.read_file(file, mrz.MAX_TEXT)
    document = asdict(mrz.read(data.decode("utf-8", "replace")))
    if as_json:
        typer.echo(json.dumps(document))
        return
    table = Table(show_header=False, box=None)
    for key, value in document.items():
        table.add_row(key.replace("_", " "), escape(value))
    Console(highlight=False).print(table)


def _read(file: Path) -> bytes:
    return isolated.read_file(file, inspection.MAX_BYTES)


def _inspect(file: Path, profile: str, *, thumbnails: bool, as_json: bool) -> inspection.Report:
    """The report; with --json, a file of which nothing can be read is a report too."""
    try:
        return inspection.inspect(_read(file), profile=profile, thumbnails=thumbnails)
    except BadFile as error:
        if not as_json:
            raise
        _print_json(inspection.Report(problems=[an2.Problem(None, "", error.message)]))
        raise typer.Exit(1) from None


def _print_json(report: inspection.Report) -> None:
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False))


def _print_record(out: Console, number: int, record: isolated.Message, profile: str) -> None:
    idc = "" if record["idc"] is None else f", IDC {record['idc']}"
    out.print(f"[bold]record {number}: type {escape(str(record['type']))}{idc}[/]")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    fields, images = record["fields"], record["images"]
    assert isinstance(fields, dict) and isinstance(images, list)
    for tag, value in fields.items():
        table.add_row(escape(str(tag)), escape(name(str(tag), profile)), escape(_short(value)))
    for image in images:
        table.add_row(
            "", "image", escape(", ".join(f"{key} {value}" for key, value in image.items() if value is not None))
        )
    out.print(table)


def _short(value: object) -> str:
    """A value on one line: items apart by commas, subfields by bars; control characters made visible."""
    if isinstance(value, list):
        value = " | ".join(", ".join(row) for row in value)
    text = "".join(letter if letter.isprintable() else "·" for letter in str(value))
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text)} characters)"


def _print_problems(out: Console, report: inspection.Report) -> None:
    if not report.problems:
        out.print("[green]No problems.[/]")
        return
    table = Table("record", "field", "problem", box=None)
    for problem in report.problems:
        where = "file" if problem.record is None else str(problem.record)
        table.add_row(where, escape(problem.field), escape(problem.message))
    out.print(f"[yellow]{len(report.problems)} problem{'s' if len(report.problems) > 1 else ''}[/]")
    out.print(table)


def _write_thumbnails(report: inspection.Report, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, jpeg in report.thumbnails.items():
            kind = str(report.records[index]["type"]).replace(":", "-")
            (folder / f"{index:03d}-type-{kind}.jpg").write_bytes(jpeg)
    except OSError as error:
        raise BadFile(f"{folder} cannot be written: {error.strerror}.") from None
