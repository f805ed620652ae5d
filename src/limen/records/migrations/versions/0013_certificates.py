"""TLS client certificates of machines.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("thumbprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_certificates_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("thumbprint", name=op.f("pk_certificates")),
    )
    op.create_index(op.f("ix_certificates_officer_id"), "certificates", ["officer_id"], unique=False)
