"""On PostgreSQL, row-level security: a transaction sees the records of the owner that it named.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OWNER = "current_setting('limen.owner', true)"
_ALL = f"{_OWNER} = '*'"
_RULES = {  # a transaction that named nobody sees nothing
    "records": f"{_ALL} OR owner = {_OWNER}",
    "samples": f"{_ALL} OR EXISTS (SELECT 1 FROM records WHERE records.id = record_id AND records.owner = {_OWNER})",  # noqa: S608 - constants
    "hits": f"{_ALL} OR owner = {_OWNER} OR country = {_OWNER}",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, rule in _RULES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")  # for the tables' owner too
        op.execute(f"CREATE POLICY of_owner ON {table} USING ({rule}) WITH CHECK ({rule})")
