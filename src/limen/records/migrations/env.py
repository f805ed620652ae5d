"""Run by Alembic: migrate over the connection, and in the transaction, that `Database.upgrade` gives."""

from __future__ import annotations

from alembic import context

from limen.records.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
)
context.run_migrations()
