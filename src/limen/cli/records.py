"""`limen records`: a country's records in, listed, shown, withdrawn and out again. For the clerks of its NCB."""

from __future__ import annotations

import contextlib
import functools
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from limen import countries, settings
from limen.access.approvals import Matter
from limen.backup import mirror
from limen.cli import decisions, reextract
from limen.errors import BadFile, BadInput, Damaged, NotFound
from limen.exchange import is_transaction
from limen.hits import leads
from limen.hub import parts
from limen.ledger.entry import Kind
from limen.records import export, export_files, extension, importer, manifest, rejects, retention, shredding, store
from limen.records.database import Database, open_database
from limen.records.enrolment import enrol
from limen.records.entry import moment, visibility
from limen.records.index import keyed_hash
from limen.records.moments import day
from limen.records.tables import Record, State
from limen.settings import Settings
from limen.terms import Purpose
from limen.vault.client import VaultClient

BULK = 10  # records: from here on, deleting them at once takes two people

app = typer.Typer(no_args_is_help=True)
console = Console()
errors = Console(stderr=True)


Country = Annotated[str, typer.Option("--country", "-c", help="The owner: ISO 3166-1 alpha-3, such as FRA.")]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
RecordId = Annotated[str, typer.Argument(metavar="RECORD", help="The owner's own record id.")]


@app.command("import")
def import_(
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
    with _vault(data, "opener", owner=owner) as (hub, database, vault):
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


@app.command("list")
def list_records(country: Country, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List a country's records."""
    owner = countries.check(country)
    with _vault(data, owner=owner) as (_, database, vault):
        rows = [export.listed(row, vault) for row in export.pages(database, owner)]
    _show(rows, as_json)
    if damaged := sum(row["state"] == export.DAMAGED for row in rows):
        raise Damaged(f"{damaged} record(s) do not open.", advice="Restore them from a backup.")


@app.command("show")
def show(record: RecordId, country: Country, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show one record: what its owner says, and its samples (never the images themselves)."""
    owner = countries.check(country)
    with _vault(data, owner=owner) as (_, database, vault):
        found = _find(database, vault, owner, record)
        values = export.described(found, store.personal_fields(found, vault))
        samples = [export.sample_summary(sample) for sample in found.samples]
    if as_json:
        console.print_json(data={**values, "state": found.state, "samples": samples})
        return
    for name, value in values.items():
        if value:
            text = ", ".join(value) if isinstance(value, list) else str(value)
            console.print(f"[bold]{name.replace('_', ' '):>16}[/]  ", end="")
            console.print(text, highlight=False, markup=False)
    _show(samples, as_json)


@app.command("withdraw")
def withdraw(
    records: Annotated[list[str], typer.Argument(metavar="RECORD...", help="The owner's own record ids.")],
    country: Country,
    data: DataFolder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    who: decisions.AsTwo = "",
) -> None:
    """Delete records with all their samples; within seconds no search finds them."""
    owner = countries.check(country)
    if len(records) > BULK:
        asked = {"country": owner, "records": sorted(records)}
        decisions.two_people(settings.load(data), who, Matter.BULK_DELETION, asked, Kind.DELETED)
    with _vault(data, owner=owner) as (hub, database, vault):
        found = [_find(database, vault, owner, record) for record in records]  # all of them, before any is deleted
        if not yes:
            typer.confirm(f"Withdraw {len(found)} record(s) of {owner} for good?", abort=True)
        for one in found:
            with database.writing(owner) as session:
                row = store.by_id(session, one.id)
                if row is not None:
                    store.withdraw(session, row)
        database.wipe_log()
        shredding.shred(database, vault, functools.partial(mirror.shred, hub))
    console.print(f"{len(found)} withdrawn.", highlight=False)


@app.command("export")
def export_(
    folder: Annotated[Path, typer.Argument(help="A new folder; it will hold names and images in clear.")],
    country: Country,
    data: DataFolder = None,
    form: Annotated[str, typer.Option("--format", help="manifest; an2: an ANSI/NIST-ITL file a record.")] = "manifest",
    who: decisions.AsTwo = "",
    as_json: AsJson = False,
) -> None:
    """Write a country's own records, in clear, as a folder that `records import` takes."""
    owner = countries.check(country)
    decisions.two_people(settings.load(data), who, Matter.EXPORT, {"country": owner, "format": form}, Kind.EXPORTED)
    if form not in ("manifest", "an2"):
        raise BadInput(f"Records are not exported as '{form[:40]}'.", advice="Use manifest or an2.")
    with _vault(data, owner=owner) as (_, database, vault):
        if form == "an2":
            outcomes = Counter(_said(one) for one in export_files.export_files(database, vault, owner, folder))
        else:
            outcomes = Counter(export.export(database, vault, owner, folder))
    count, damaged = outcomes[True], outcomes[False]
    if as_json:
        console.print_json(data={"country": owner, "records": count, "damaged": damaged, "folder": str(folder)})
    else:
        console.print(
            f"{count} records of {owner} in {folder}, [bold]in clear[/]: keep it safe, and delete it after use."
        )
    if damaged:
        raise Damaged(f"{damaged} record(s) were left out.", advice="Restore from a backup those that do not open.")


def _said(written: export_files.Written) -> bool:
    """Whether a record was written; says why not."""
    if not written.file:
        errors.print(f"A record was left out: {written.reason}", highlight=False, markup=False)
    return bool(written.file)


@app.command("suspend")
def suspend(record: RecordId, country: Country, data: DataFolder = None) -> None:
    """Keep a record, but let no search find it."""
    _set_state(record, countries.check(country), data, State.SUSPENDED)


@app.command("resume")
def resume(record: RecordId, country: Country, data: DataFolder = None) -> None:
    """Let searches find a suspended record again."""
    _set_state(record, countries.check(country), data, State.ACTIVE)


@app.command("extend")
def extend(
    record: RecordId,
    country: Country,
    until: Annotated[str, typer.Option(help="The new last day: YYYY-MM-DD.")],
    reason: Annotated[str, typer.Option(help="Why the record must be kept for longer (RPD Art. 50).")],
    data: DataFolder = None,
) -> None:
    """Keep a record for longer, with a reason."""
    owner, end = countries.check(country), moment("until", until, end=True) or 0
    with _vault(data, "opener", owner=owner) as (hub, database, vault):
        found = _find(database, vault, owner, record)
        hashes = keyed_hash(database, vault, owner)
        extension.extend(database, vault, hashes, found, end, reason, functools.partial(enrol, hub))
    console.print(f"Kept until {until}.", highlight=False)


@app.command("leads")
def list_leads(
    country: Country,
    settle: Annotated[str, typer.Option(metavar="LEAD", help="Note what an examiner says of this lead.")] = "",
    as_: Annotated[leads.State, typer.Option("--as", help="What the examiner says.")] = leads.State.DISMISSED,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Prints that may have left a country's unsolved marks: found as either came in, for an examiner to compare."""
    owner = countries.check(country)
    with _vault(data, owner=owner) as (_, database, vault):
        if settle:
            with database.writing() as session:
                leads.settle(session, _lead_id(settle), owner, as_, owner)
        with database.reading() as session:
            known = leads.of_country(session, owner, None if everything else leads.State.OPEN)
        rows = [_lead(one, vault) for one in known]
    _show(rows, as_json)


@app.command("audit")
def audit(
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Also list this country's records due.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Prove that nothing is past its time, kept for too long or unsealed; exit status 1 if something is."""
    database = open_database(settings.load(data))
    found = retention.audit(database)
    due = _due(data, countries.check(country)) if country else []
    if as_json:
        listed = {"due_records": due} if country else {}
        console.print_json(data={"violations": found.violations, "records": found.records, "due": found.due, **listed})
    else:
        for name, number in found.violations.items():
            console.print(f"[bold red]{number} {name}[/]", highlight=False)
        total, soon = sum(found.records.values()), sum(found.due.values())
        console.print(f"{total} records; {soon} end within six months.", highlight=False)
        if due:
            _show(due, as_json)
    if found.violations:
        raise Damaged("The audit found what must not be.", advice="Run `limen records purge`, then look again.")
    if not as_json:
        console.print("Nothing is past its time, kept too long or unsealed.")


@app.command("purge")
def purge(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Delete what is past its time. The running hub does so by itself."""
    counts = retention.purge(open_database(settings.load(data)))
    if as_json:
        console.print_json(data=counts)
    else:
        console.print(", ".join(f"{number} {name}" for name, number in counts.items()) + " deleted.", highlight=False)


@app.command("migrate")
def migrate(data: DataFolder = None) -> None:
    """Bring the database to this release's schema (PostgreSQL; SQLite does so by itself)."""
    database = Database(settings.load(data).database_url)
    database.upgrade()
    console.print(f"The database has schema {database.version()[1]}.", highlight=False)


app.command("reextract")(reextract.command)


@contextlib.contextmanager
def _vault(data: Path | None, *more: str, owner: str) -> Iterator[tuple[Settings, Database, VaultClient]]:
    """The hub's database and vault: of the running hub, else served for this command alone.

    Raises:
        NotFound: the owner does not take part in this hub; said before anything is started.
    """
    hub = settings.load(data)
    database = open_database(hub)
    with database.reading() as session:
        store.registered(session, owner)
    with parts.temporary(hub, ["vault", *more]), VaultClient.connect(hub) as vault:
        yield hub, database, vault
    database.close()


def _set_state(record: str, owner: str, data: Path | None, state: State) -> None:
    with _vault(data, owner=owner) as (_, database, vault):
        found = _find(database, vault, owner, record)
        with database.writing(owner) as session:
            row = store.by_id(session, found.id)
            if row is not None:
                store.set_state(session, row, state)
    console.print(f"The record is {state}.", highlight=False)


def _lead_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise BadInput("That is no lead's id.", advice="See: limen records leads.") from None


def _lead(known: leads.Known, vault: VaultClient) -> dict[str, Any]:
    """A lead in one line of a list."""
    found = store.personal_fields(known.found, vault)
    return {
        "lead": known.lead.id.hex,
        "state": known.lead.state,
        "found": day(known.lead.at),
        "mark": store.personal_fields(known.mark, vault).record_id,
        "print_of": f"{known.found.owner} {found.record_id}",
        "name": found.names[0] if found.names else "",
    }


def _due(data: Path | None, owner: str) -> list[dict[str, Any]]:
    with _vault(data, owner=owner) as (_, database, vault):
        with database.reading(owner) as session:
            rows = retention.due(session, owner)
        return [
            {"record_id": store.personal_fields(row, vault).record_id, "last_day": day(row.valid_until - 1)}
            for row in rows
        ]


def _find(database: Database, vault: VaultClient, owner: str, record_id: str) -> Record:
    key = keyed_hash(database, vault, owner).record_id(record_id)
    with database.reading(owner) as session:
        found = store.by_external_key(session, owner, key)
    if found is None:
        raise NotFound(f"{owner} has no record of this id.", advice=f"See: limen records list --country {owner}.")
    return found


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
            f"{result['several_faces']} photos show several faces; the most prominent was enrolled. Check them with "
            "`limen records show`, and crop those where it is the wrong one."
        )
    if result["rejects"]:
        console.print(
            f"{result['rejects']} rejects, with reasons: {result['rejects_file']}", soft_wrap=True, markup=False
        )


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        console.print_json(data=rows)
        return
    table = Table(*(name.replace("_", " ") for name in (rows[0] if rows else ["none"])), box=None, header_style="bold")
    for row in rows:
        table.add_row(
            *(Text("" if value is None else str(value)) for value in row.values())
        )  # Text: no markup in names
    console.print(table)
