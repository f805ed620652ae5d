"""For how long a country holds what its hits' verification needs, and what its examiners said.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold_terms",
        sa.Column("country", sa.String(3), nullable=False),
        sa.Column("hours", sa.SmallInteger(), nullable=False),
        sa.Column("examiners", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["country"], ["countries.code"], name=op.f("fk_hold_terms_country_countries"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_hold_terms")),
    )
    op.create_table(
        "hit_verdicts",
        sa.Column("hit_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["hit_id"], ["hits.id"], name=op.f("fk_hit_verdicts_hit_id_hits"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_hit_verdicts_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hit_id", "officer_id", name=op.f("pk_hit_verdicts")),
    )
