"""`limen records`: a country's records in, listed, shown, withdrawn and out again. For the clerks of its NCB."""

from __future__ import annotations

import functools
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from limen import countries, settings
from limen.access import caps
from limen.access.approvals import Matter
from limen.backup import mirror
from limen.cli import decisions, importing, leads, reextract, retaining
from limen.cli.owned import Country, RecordId, find_own, owned
from limen.cli.shown import AsJson, DataFolder, console, errors, show_rows
from limen.errors import BadInput, Damaged
from limen.ledger.entry import Kind
from limen.records import export, export_files, shredding, store
from limen.records.database import Database
from limen.records.tables import State

app = typer.Typer(no_args_is_help=True)
app.command("import")(importing.command)


@app.command("list")
def list_records(country: Country, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List a country's records."""
    owner = countries.check(country)
    with owned(data, owner=owner) as (_, database, vault):
        rows = [export.listed(row, vault) for row in export.pages(database, owner)]
    show_rows(rows, as_json)
    if damaged := sum(row["state"] == export.DAMAGED for row in rows):
        raise Damaged(f"{damaged} record(s) do not open.", advice="Restore them from a backup.")


@app.command("show")
def show(record: RecordId, country: Country, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show one record: what its owner says, and its samples (never the images themselves)."""
    owner = countries.check(country)
    with owned(data, owner=owner) as (_, database, vault):
        found = find_own(database, vault, owner, record)
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
    show_rows(samples, as_json)


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
    by_hand = (caps.Kind.BULK, owner)
    with owned(data, owner=owner) as (hub, database, vault):
        found = [find_own(database, vault, owner, record) for record in records]  # all of them, before any is deleted
        with database.reading() as session:
            lately = caps.used(session, by_hand, now=time.time())
        alone = lately + len(found) <= caps.ALONE
        if not alone:
            asked = {"country": owner, "records": sorted(records)}
            decisions.two_people(hub, who, Matter.BULK_DELETION, asked, Kind.DELETED)
        if not yes:
            typer.confirm(f"Withdraw {len(found)} record(s) of {owner} for good?", abort=True)
        for one in found:
            with database.writing(owner) as session:
                if alone:
                    caps.note(session, by_hand, 1, now=time.time())
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
    with owned(data, owner=owner) as (_, database, vault):
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


@app.command("migrate")
def migrate(data: DataFolder = None) -> None:
    """Bring the database to this release's schema (PostgreSQL; SQLite does so by itself)."""
    database = Database(settings.load(data).database_url)
    database.upgrade()
    console.print(f"The database has schema {database.version()[1]}.", highlight=False)


app.command("extend")(retaining.extend)
app.command("audit")(retaining.audit)
app.command("reminders")(retaining.list_reminders)
app.command("purge")(retaining.purge)
app.command("leads")(leads.command)
app.command("reextract")(reextract.command)


def _set_state(record: str, owner: str, data: Path | None, state: State) -> None:
    with owned(data, owner=owner) as (_, database, vault):
        found = find_own(database, vault, owner, record)
        with database.writing(owner) as session:
            row = store.by_id(session, found.id)
            if row is not None:
                store.set_state(session, row, state)
    console.print(f"The record is {state}.", highlight=False)
