"""Records whose keys are to be shredded, until they are.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OWNER = "current_setting('limen.owner', true)"
_RULE = f"{_OWNER} = '*' OR owner = {_OWNER}"


def upgrade() -> None:
    op.create_table(
        "shreds",
        sa.Column("record", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(3), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_shreds")),
    )
    if op.get_bind().dialect.name == "postgresql":  # as for records (0003)
        op.execute("ALTER TABLE shreds ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE shreds FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_owner ON shreds USING ({_RULE}) WITH CHECK ({_RULE})")
