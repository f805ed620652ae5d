"""How long records are kept: parts of `limen records`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from limen import countries, settings
from limen.cli.owned import Country, RecordId, find_own, owned
from limen.cli.shown import AsJson, DataFolder, console, show_rows
from limen.errors import Damaged
from limen.records import extension, reminders, retention, store
from limen.records.database import open_existing
from limen.records.enrolment import enrol
from limen.records.entry import moment
from limen.records.index import keyed_hash
from limen.records.moments import day


def extend(
    record: RecordId,
    country: Country,
    until: Annotated[str, typer.Option(help="The new last day: YYYY-MM-DD.")],
    reason: Annotated[str, typer.Option(help="Why the record must be kept for longer (RPD Art. 50).")],
    data: DataFolder = None,
) -> None:
    """Keep a record for longer, with a reason."""
    owner, end = countries.check(country), moment("until", until, end=True) or 0
    with owned(data, "opener", owner=owner) as (hub, database, vault):
        found = find_own(database, vault, owner, record)
        hashes = keyed_hash(database, vault, owner)
        extension.extend(database, vault, hashes, found, end, reason, functools.partial(enrol, hub))
    console.print(f"Kept until {until}.", highlight=False)


def audit(
    country: Annotated[
        str | None, typer.Option("--country", "-c", help="Also list this country's records due.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Prove that nothing is past its time, kept for too long or unsealed; exit status 1 if something is."""
    database = open_existing(settings.load(data))
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
            show_rows(due, as_json)
    if found.violations:
        raise Damaged(
            "The audit found what must not be.",
            advice="Run `limen records purge`, or the hub, which also destroys keys; then look again.",
        )
    if not as_json:
        console.print("Nothing is past its time, kept too long or unsealed.")


def purge(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Delete what is past its time. The running hub does so by itself."""
    counts = retention.purge(open_existing(settings.load(data)))
    if as_json:
        console.print_json(data=counts)
    else:
        console.print(", ".join(f"{number} {name}" for name, number in counts.items()) + " deleted.", highlight=False)


def list_reminders(country: Country, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Records that end soon and were not extended: extend them with a reason, or let them go."""
    owner = countries.check(country)
    with owned(data, owner=owner) as (_, database, vault):
        with database.reading(owner) as session:
            found = reminders.waiting(session, owner)
        rows = [
            {
                "record_id": store.personal_fields(one.record, vault).record_id,
                "last_day": day(one.record.valid_until - 1),
                "reminded": day(one.at),
                "bureau_called": day(one.sent) if one.sent else None,
            }
            for one in found
        ]
    show_rows(rows, as_json)


def _due(data: Path | None, owner: str) -> list[dict[str, Any]]:
    with owned(data, owner=owner) as (_, database, vault):
        with database.reading(owner) as session:
            rows = retention.due(session, owner)
        return [
            {"record_id": store.personal_fields(row, vault).record_id, "last_day": day(row.valid_until - 1)}
            for row in rows
        ]
