"""`limen records leads`: prints that may have left a country's unsolved marks."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import typer

from limen import countries
from limen.cli.owned import Country, owned
from limen.cli.shown import AsJson, DataFolder, show_rows
from limen.errors import BadInput
from limen.hits import leads
from limen.records import store
from limen.records.moments import day
from limen.vault.client import VaultClient


def command(
    country: Country,
    settle: Annotated[str, typer.Option(metavar="LEAD", help="Note what an examiner says of this lead.")] = "",
    as_: Annotated[leads.State, typer.Option("--as", help="What the examiner says.")] = leads.State.DISMISSED,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Prints that may have left a country's unsolved marks: found as either came in, for an examiner to compare."""
    owner = countries.check(country)
    with owned(data, owner=owner) as (_, database, vault):
        if settle:
            with database.writing() as session:
                leads.settle(session, _lead_id(settle), owner, as_, owner)
        with database.reading() as session:
            known = leads.of_country(session, owner, None if everything else leads.State.OPEN)
        rows = [_lead(one, vault) for one in known]
    show_rows(rows, as_json)


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
