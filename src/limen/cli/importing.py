"""`limen records import`: a country's records in, from a folder with a manifest or ANSI/NIST-ITL files."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from limen import countries
from limen.cli.owned import Country, owned
from limen.cli.shown import AsJson, DataFolder, console, errors
from limen.errors import BadFile, BadInput
from limen.exchange import is_transaction
from limen.records import importer, manifest, rejects, store
from limen.records.entry import moment, visibility
from limen.terms import Purpose


def command(
    path: Annotated[Path, typer.Argument(help="Folder with a manifest, a manifest, or ANSI/NIST-ITL file(s).")],
    country: Country,
    data: DataFolder = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many images are worked on at once.")] = 2,
    rejects_file: Annotated[
        Path | None, typer.Option("--rejects", help=f"Where to list what was rejected (default PATH/{rejects.NAME}).")
    ] = None,
    purpose: Annotated[str, typer.Option(help="For records that state none (RPD Art. 10).")] = "",
    visible_to: Annotated[str, typer.Option(help="For records that state nothing: all, none, or codes.")] = "",
    valid_until: Annotated[str, typer.Option(help="For records that state nothing: YYYY-MM-DD.")] = "",
    as_json: AsJson = False,
) -> None:
    """Import records. Safe to interrupt and to run again: what is there and unchanged is left as it is."""
    owner = countries.check(country)
    if not path.exists():
        raise BadFile(f"{path} does not exist.")
    defaults = _defaults(purpose, visible_to, valid_until)
    found = manifest.find(path)
    entries, bad_rows = manifest.read(found, defaults) if found else ([], [])
    files = [] if found else _an2_files(path)
    total = sum(len(entry.images) for entry in entries) + len(files)
    folder = path if path.is_dir() else path.parent
    started, counts, enrolled, shortened, crowded = time.monotonic(), Counter[str](), 0, 0, 0
    with owned(data, "opener", owner=owner) as (hub, database, vault):
        job = importer.Import(hub, database, vault, owner, folder, jobs=jobs, defaults=defaults)
        with rejects.RejectsFile(rejects_file or rejects.default_place(path, hub.data)) as listed:
            for reject in bad_rows:
                counts[importer.REJECTED] += 1
                listed.add(reject)
            with _progress(total, quiet=as_json) as advance:
                for step in job.entries(entries) if found else job.files(files):
                    counts[step.outcome] += 1
                    enrolled, shortened = enrolled + step.enrolled, shortened + step.shortened
                    crowded += step.crowded
                    for reject in step.rejects:
                        listed.add(reject)
                    advance(step.images)
    stored = sum(count for outcome, count in counts.items() if outcome != importer.REJECTED)
    result = {
        "country": owner,
        **{outcome: counts[outcome] for outcome in (importer.ADDED, importer.CHANGED, importer.UNCHANGED)},
        "rejected": counts[importer.REJECTED],
        "images_enrolled": enrolled,
        "rejects": listed.count,
        "rejects_file": str(listed.path) if listed.count else None,
        "shortened": shortened,
        "several_faces": crowded,
        "seconds": round(time.monotonic() - started, 1),
    }
    console.print_json(data=result) if as_json else _say(result)
    if not stored:
        raise BadInput("No record was imported.", advice=f"See {listed.path}." if listed.count else "")


def _an2_files(path: Path) -> list[Path]:
    """ANSI/NIST-ITL files of a folder, by their first bytes, relative to it; one file is taken whatever it is."""
    if path.is_file():
        return [Path(path.name)]
    found = sorted(file.relative_to(path) for file in path.rglob("*") if file.is_file() and _is_an2(file))
    if not found:
        raise BadFile(
            f"{path} has neither a manifest nor ANSI/NIST-ITL files.",
            advice=f"Add {' or '.join(manifest.NAMES)}; docs/records.md has the columns.",
        )
    return found


def _is_an2(file: Path) -> bool:
    try:
        with file.open("rb") as start:
            return is_transaction(start.read(4096))
    except OSError:
        return False


def _defaults(purpose: str, visible_to: str, valid_until: str) -> dict[str, str]:
    """Checked now, so that a slip is not repeated in every record's reject."""
    if purpose and purpose not in set(Purpose):
        raise BadInput(f"'{purpose[:40]}' is no purpose.", advice=f"Use one of {', '.join(Purpose)}.")
    visibility(visible_to)
    moment("valid_until", valid_until)
    given = {"purpose": purpose, "visible_to": visible_to, "valid_until": valid_until}
    return {name: value for name, value in given.items() if value}


@contextlib.contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=quiet, transient=True) as progress:
        task = progress.add_task("Enrolling", total=total)
        yield lambda images: progress.advance(task, images)


def _say(result: Mapping[str, Any]) -> None:
    words = [f"{result[name]} {name}" for name in ("added", "changed", "unchanged", "rejected")]
    console.print(
        f"{result['country']}: records {', '.join(words)}; "
        f"{result['images_enrolled']} images enrolled in {result['seconds']} s.",
        highlight=False,
    )
    if result["shortened"]:
        years = store.RETENTION // store.YEAR
        console.print(f"{result['shortened']} kept for a shorter time than stated: {years} years (marks: 15) at most.")
    if result["several_faces"]:
        console.print(
            f"{result['several_faces']} photo(s) with several faces; the most prominent was enrolled. Check them with "
            "`limen records show`, and crop those where it is the wrong one."
        )
    if result["rejects"]:
        console.print(
            f"{result['rejects']} rejects, with reasons: {result['rejects_file']}", soft_wrap=True, markup=False
        )
