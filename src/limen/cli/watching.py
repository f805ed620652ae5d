"""Caps, alerts, suspensions and canaries: parts of `limen access`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from limen import countries, settings
from limen.access import canaries, caps, watch
from limen.access.approvals import Matter
from limen.access.caps import Kind
from limen.cli import decisions
from limen.cli.shown import AsJson, DataFolder, KeyId, console, database, day, show_rows
from limen.errors import BadInput, NotFound
from limen.hub import parts
from limen.ledger.entry import Kind as Entry
from limen.records import store
from limen.records.database import open_existing
from limen.records.index import keyed_hash
from limen.vault.client import VaultClient

IsDevice = Annotated[bool, typer.Option("--device", help="It is a device, not an officer.")]


def cap(
    name: Annotated[str, typer.Argument(metavar="COUNTRY[/NAME]", help="Such as BIH/officer1, or BIH.")],
    minute: Annotated[int | None, typer.Option(help="At most so many a minute.")] = None,
    hour: Annotated[int | None, typer.Option(help="At most so many an hour.")] = None,
    per_day: Annotated[int | None, typer.Option("--day", help="At most so many a day.")] = None,
    of: Annotated[
        str,
        typer.Option(
            help="searches; of an officer's records over HTTP: reads, changes, deletions; of a country's: bulk,"
            " deletions a day without a second person."
        ),
    ] = "searches",
    hours: Annotated[str, typer.Option(help="Usual hours in UTC, such as 6-18; others raise an alert.")] = "",
    device: IsDevice = False,
    person: Annotated[bool, typer.Option("--person", help="An officer's cap at the pages, not of their key.")] = False,
    who: decisions.AsTwo = "",
    data: DataFolder = None,
) -> None:
    """Set how much may be asked; without any number, the default again. In force within seconds."""
    if of == Kind.BULK:
        minute, hour = _bulk(name, minute, hour, per_day, who, data)
    kind = Kind.COUNTRY if "/" not in name else Kind.DEVICE if device else Kind.PERSON if person else Kind.OFFICER
    if of != "searches":
        kind = _of_records(of, kind)
    with database(data).writing() as session:
        caps.allow(session, (kind, name), minute=minute, hour=hour, day=per_day, hours=hours)
    console.print(f"The allowance of {name} ({kind}) is set.", highlight=False)


def _of_records(of: str, kind: Kind) -> Kind:
    if of == Kind.BULK and kind is Kind.COUNTRY:
        return Kind.BULK
    if of not in (Kind.READS, Kind.CHANGES, Kind.DELETIONS):
        raise BadInput(f"'{of[:40]}' is not counted so.", advice="Use searches, reads, changes, deletions or bulk.")
    if kind is not Kind.OFFICER:
        raise BadInput("Reads, changes and deletions are counted for officers.", advice="Give COUNTRY/NAME alone.")
    return Kind(of)


def _bulk(
    name: str, minute: int | None, hour: int | None, per_day: int | None, who: str, data: Path | None
) -> tuple[int | None, int | None]:
    """Minute and hour of a country's deletions, as its day's; more than one person may delete takes two."""
    if "/" in name or minute is not None or hour is not None:
        raise BadInput("Deletions without a second person are counted by country and day.", advice="Give --day alone.")
    if per_day is not None and per_day > caps.ALONE:
        asked = {"country": countries.check(name), "day": per_day}
        decisions.two_people(settings.load(data), who, Matter.BULK_DELETION, asked, Entry.POLICY_CHANGED)
    return per_day, per_day


def alerts(
    unseen: Annotated[bool, typer.Option("--unseen", help="Only those that nobody has looked into.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """What was noticed: who asks too much, or what nobody honest asks."""
    with database(data).reading() as session:
        rows = [
            {
                "rule": one.rule,
                "who": one.name,
                "times": one.count,
                "first": day(one.first),
                "last": day(one.last),
                "suspended": "yes" if one.suspended else "no",
                "seen": day(one.seen),
            }
            for one in watch.alerts(session, unseen=unseen)
        ]
    show_rows(rows, as_json)


def suspend(name: KeyId, device: IsDevice = False, data: DataFolder = None) -> None:
    """Let an officer or device do nothing more, at once, until they are reinstated."""
    with database(data).writing() as session:
        if not watch.suspend(session, name, device=device):
            raise NotFound(f"There is nobody {name[:80]} to suspend.")
    console.print(f"{name} is suspended.", highlight=False)


def reinstate(name: KeyId, device: IsDevice = False, data: DataFolder = None) -> None:
    """End a suspension."""
    with database(data).writing() as session:
        watch.reinstate(session, None, name, device=device)
    console.print(f"{name} may go on.", highlight=False)


def canary(
    country: Annotated[str, typer.Argument(help="Whose record.")],
    record: Annotated[str, typer.Argument(help="The owner's id of an imported record of nobody.")],
    data: DataFolder = None,
) -> None:
    """Make a record of nobody a canary: whoever finds it is suspended."""
    hub = settings.load(data)
    records = open_existing(hub)
    with parts.temporary(hub, ["vault"]), VaultClient.connect(hub) as vault:
        key = keyed_hash(records, vault, country).record_id(record)
    with records.writing(country) as session:
        found = store.by_external_key(session, country, key)
        if found is None:
            raise NotFound(f"{country} has no record of that id here.")
        canaries.name(session, found.id)
    console.print("The record is a canary.", highlight=False)
