"""Schema versions (Alembic), applied by `records.database.Database.upgrade`."""
