"""Run by Alembic: migrate over the connection, and in the transaction, that `Database.upgrade` gives."""

from __future__ import annotations

from alembic import context

import limen.access.tables
import limen.access.vouching
import limen.records.encounters
import limen.records.holding  # noqa: F401 - so that the metadata has them
from limen.records.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
)
context.run_migrations()
