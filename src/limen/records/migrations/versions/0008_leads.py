"""Leads between unsolved marks and prints, and up to which change new samples were searched for them.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OWNER = "current_setting('limen.owner', true)"
_RULE = f"{_OWNER} = '*' OR owner = {_OWNER}"  # as for records: a transaction that named nobody sees nothing


def upgrade() -> None:
    op.create_table(
        "leads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mark_id", sa.Uuid(), nullable=False),
        sa.Column("found_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(3), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["mark_id"], ["records.id"], name=op.f("fk_leads_mark_id_records"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["found_id"], ["records.id"], name=op.f("fk_leads_found_id_records"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["owner"], ["countries.code"], name=op.f("fk_leads_owner_countries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
        sa.UniqueConstraint("mark_id", "found_id", name=op.f("uq_leads_mark_id_found_id")),
    )
    op.create_index(op.f("ix_leads_found_id"), "leads", ["found_id"])
    op.create_index(op.f("ix_leads_owner"), "leads", ["owner"])
    op.create_table(
        "unsolved",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_unsolved_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsolved")),
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE leads ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE leads FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_owner ON leads USING ({_RULE}) WITH CHECK ({_RULE})")
