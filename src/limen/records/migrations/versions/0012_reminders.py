"""Of which ends owners were reminded, and where their bureaus are called.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OWNER = "current_setting('limen.owner', true)"
_RULE = f"{_OWNER} = '*' OR country = {_OWNER}"


def upgrade() -> None:
    op.create_table(
        "bureaus",
        sa.Column("country", sa.String(3), nullable=False),
        sa.Column("address", sa.String(400), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_bureaus_country_countries")),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_bureaus")),
    )
    op.create_table(
        "reminders",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(3), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_reminders_country_countries")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_reminders_record_id_records"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_reminders")),
    )
    op.create_index(op.f("ix_reminders_country"), "reminders", ["country"], unique=False)
    if op.get_bind().dialect.name == "postgresql":  # as for records (0003)
        op.execute("ALTER TABLE reminders ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE reminders FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_owner ON reminders USING ({_RULE}) WITH CHECK ({_RULE})")
