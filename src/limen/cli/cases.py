"""`limen cases`: requests of persons concerned (access, correction, deletion), with their deadlines."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from limen import countries, settings
from limen.access import cases
from limen.access.cases import CaseKind, Content, Outcome
from limen.cli.shown import AsJson, DataFolder, console, database, day, show_rows
from limen.errors import BadInput
from limen.hub import parts
from limen.records.moments import iso
from limen.vault.client import VaultClient

app = typer.Typer(no_args_is_help=True)
Word = TypeVar("Word", CaseKind, Outcome)
Number = Annotated[str, typer.Argument(help="The case's number, such as 2026-0007.")]
Country = Annotated[str, typer.Option(help="Whose National Central Bureau answers.")]
By = Annotated[str, typer.Option(metavar="COUNTRY/NAME", help="Who does this; kept with the case.")]


@app.command("open")
def open_case(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(CaseKind)}.")],
    country: Country,
    person: Annotated[str, typer.Option(help="Who asks, and how to reach them; sealed.")],
    request: Annotated[str, typer.Option(help="What they ask, in their words; sealed.")],
    received: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="When it came; default today.")] = "",
    by: By = "",
    data: DataFolder = None,
) -> None:
    """Open a case; prints its number and deadline."""
    with _vault(data) as vault, database(data).writing() as session:
        case = cases.open_case(
            session,
            vault,
            countries.check(country),
            _one(CaseKind, kind),
            Content(person, request),
            by=by,
            received=_moment(received),
        )
    console.print(f"Case {case.number}, to be answered by {day(case.due)}.", highlight=False)


@app.command("list")
def list_cases(
    country: Annotated[str, typer.Option(help="Only of this country.")] = "",
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are not closed.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List cases, the first due first; nothing of what they say."""
    of = countries.check(country) if country else None
    with database(data).reading(of) as session:
        rows = [
            {
                "case": case.number,
                "kind": case.kind,
                "country": case.country,
                "came": day(case.opened),
                "due": day(case.due),
                "stands": cases.standing(case),
            }
            for case in cases.list_cases(session, of, only_open=only_open)
        ]
    show_rows(rows, as_json)


@app.command("show")
def show(number: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show what a case says."""
    with _vault(data) as vault, database(data).reading() as session:
        case = cases.find(session, number)
        said = cases.read(case, vault)
    found = {
        "case": case.number,
        "kind": case.kind,
        "country": case.country,
        "came": day(case.opened),
        "due": day(case.due),
        "stands": cases.standing(case),
        "person": said.person,
        "request": said.request,
        "notes": [{"at": iso(at), "by": by, "text": text} for at, by, text in said.notes],
    }
    if as_json:
        console.print_json(data=found)
        return
    for name, value in found.items():
        if name != "notes":
            console.print(f"{name:8} {value}", highlight=False, markup=False)
    for at, by, text in said.notes:
        console.print(f"{iso(at)} {by or 'operator'}: {text}", highlight=False, markup=False)


@app.command("note")
def note(number: Number, text: Annotated[str, typer.Argument()], by: By = "", data: DataFolder = None) -> None:
    """Add what was done."""
    with _vault(data) as vault, database(data).writing() as session:
        cases.note(session, vault, cases.find(session, number), text, by=by)
    console.print("Noted.")


@app.command("close")
def close(
    number: Number,
    outcome: Annotated[str, typer.Argument(help=f"One of {', '.join(Outcome)}.")],
    text: Annotated[str, typer.Option("--answer", help="What the person is told, and why; sealed.")],
    by: By = "",
    data: DataFolder = None,
) -> None:
    """Close a case with its outcome."""
    with _vault(data) as vault, database(data).writing() as session:
        case = cases.find(session, number)
        cases.close(session, vault, case, _one(Outcome, outcome), text, by=by)
    console.print(f"Case {number} is closed: {cases.standing(case)}.", highlight=False)


@app.command("report")
def report(
    country: Annotated[str, typer.Option(help="Only of this country.")] = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Counts for the control commission: how many cases stand how."""
    of = countries.check(country) if country else None
    with database(data).reading(of) as session:
        show_rows([{"stands": word, "cases": count} for word, count in cases.report(session, of).items()], as_json)


@contextlib.contextmanager
def _vault(data: Path | None) -> Iterator[VaultClient]:
    hub = settings.load(data)
    with parts.temporary(hub, ["vault"]), VaultClient.connect(hub) as vault:
        yield vault


def _one(kind: type[Word], text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"'{text[:40]}' is not one of {', '.join(kind)}.") from None


def _moment(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp())
    except ValueError:
        raise BadInput(f"'{text[:20]}' is no day.", advice="Write it as 2026-11-22.") from None
