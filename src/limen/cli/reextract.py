"""`limen records reextract`: move the gallery to another face model. For the hub's operator."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from limen import models, settings
from limen.errors import LimenError
from limen.face import intake
from limen.hub import parts
from limen.hub.supervisor import running
from limen.models import in_use
from limen.records import reextract, store
from limen.records.database import Database, open_existing
from limen.records.enrolment import enrol
from limen.records.index import Vault
from limen.records.reextract import Step
from limen.vault.client import VaultClient

MOST_NAMED = 20  # records that are named one by one
console, errors = Console(), Console(stderr=True)


def command(
    model: Annotated[str, typer.Option(help="The model to move to: limen models list.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="The hub's data folder (default LIMEN_DATA, else limen-data).")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many records are worked on at once.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
) -> None:
    """Move all faces to another model, while searches go on. Safe to interrupt and to run again.

    Probes are extracted with both models until every record has moved. Records whose photos were not kept stay with
    the earlier model, and are named.
    """
    hub, began = settings.load(data), time.monotonic()
    folder = models.folder_of(hub.data)
    models.look_in(folder)
    intake.usable(model)
    before = in_use.chosen(folder)
    database = open_existing(hub)
    in_use.choose(folder, [model, *(name for name in before if name != model)])
    counts, stuck = Counter[str](), list[Step]()
    served = running(hub)  # else the parts that follow serve this command alone, and nobody searches
    if todo := len(reextract.left(database, model)):
        with parts.temporary(hub, ["vault", "opener"]), VaultClient.connect(hub) as vault:
            if before[0] != model and served:
                errors.print(f"Waiting {hub.offer_seconds} s for searches that began before.", highlight=False)
                time.sleep(hub.offer_seconds)
            counts, stuck = _run(reextract.Move(database, vault, partial(enrol, hub), model, jobs=jobs), todo, as_json)
            named = [_named(step, database, vault) for step in stuck[:MOST_NAMED]]
    if not reextract.left(database, model):
        in_use.choose(folder, [model])
    database.close()
    result = {
        "model": model,
        "in_use": in_use.chosen(folder),
        "records": counts["records"],
        "photos": counts["photos"],
        "not_moved": len(stuck),
        "seconds": round(time.monotonic() - began, 1),
    }
    if as_json:
        console.print_json(data=result | {"not_moved_records": named if stuck else []})
        return
    console.print(
        f"{result['records']} records with {result['photos']} photos moved to '{model}' in {result['seconds']} s.",
        highlight=False,
    )
    if stuck:
        console.print(f"{len(stuck)} records stay with an earlier model, and are searched by it:", highlight=False)
        for row in named:
            console.print(f"  {row['owner']} {row['record']}: {row['why']}", highlight=False, markup=False)
        if len(stuck) > MOST_NAMED:
            console.print(f"  and {len(stuck) - MOST_NAMED} more", highlight=False)


def _run(move: reextract.Move, todo: int, quiet: bool) -> tuple[Counter[str], list[Step]]:
    """Move all, with a bar; how many records and photos moved, and the records that could not whole."""
    counts, stuck = Counter[str](), list[Step]()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=quiet, transient=True) as progress:
        task = progress.add_task("Moving records", total=todo)
        for step in move.run():
            counts["photos"] += step.moved
            if step.why:
                stuck.append(step)
            else:
                counts["records"] += 1
            progress.advance(task)
    return counts, stuck


def _named(step: Step, database: Database, vault: Vault) -> dict[str, str]:
    """A record that could not be moved, by its owner's own id as far as it opens."""
    name = "?"
    with suppress(LimenError), database.reading(step.owner) as session:
        if record := store.by_id(session, step.record):
            name = store.personal_fields(record, vault).record_id
    return {"owner": step.owner, "record": name, "why": step.why}
