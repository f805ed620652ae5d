"""Which records are encounters of which person (OSIA).

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OWNER = "current_setting('limen.owner', true)"
_RULE = f"{_OWNER} = '*' OR owner = {_OWNER}"


def upgrade() -> None:
    op.create_table(
        "encounters",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(length=3), nullable=False),
        sa.Column("person", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["countries.code"], name=op.f("fk_encounters_owner_countries")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_encounters_record_id_records"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_encounters")),
    )
    op.create_index(op.f("ix_encounters_person"), "encounters", ["person"], unique=False)
    if op.get_bind().dialect.name == "postgresql":  # as for records (0003)
        op.execute("ALTER TABLE encounters ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE encounters FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_owner ON encounters USING ({_RULE}) WITH CHECK ({_RULE})")
