"""What commands on a country's own records share: options, the hub's database and vault, a record by its id."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from limen import settings
from limen.errors import NotFound
from limen.hub import parts
from limen.records import store
from limen.records.database import Database, open_existing
from limen.records.index import keyed_hash
from limen.records.tables import Record
from limen.settings import Settings
from limen.vault.client import VaultClient

Country = Annotated[str, typer.Option("--country", "-c", help="The owner: ISO 3166-1 alpha-3, such as FRA.")]
RecordId = Annotated[str, typer.Argument(metavar="RECORD", help="The owner's own record id.")]


@contextlib.contextmanager
def owned(data: Path | None, *more: str, owner: str) -> Iterator[tuple[Settings, Database, VaultClient]]:
    """The hub's database and vault: of the running hub, else served for this command alone.

    Raises:
        NotFound: the owner does not take part in this hub; said before anything is started.
    """
    hub = settings.load(data)
    database = open_existing(hub)
    with database.reading() as session:
        store.registered(session, owner)
    with parts.temporary(hub, ["vault", *more]), VaultClient.connect(hub) as vault:
        yield hub, database, vault
    database.close()


def find_own(database: Database, vault: VaultClient, owner: str, record_id: str) -> Record:
    """A record of this owner by the owner's own id; `NotFound`."""
    key = keyed_hash(database, vault, owner).record_id(record_id)
    with database.reading(owner) as session:
        found = store.by_external_key(session, owner, key)
    if found is None:
        raise NotFound(f"{owner} has no record of this id.", advice=f"See: limen records list --country {owner}.")
    return found
