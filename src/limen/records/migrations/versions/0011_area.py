"""How much skin with ridges a print shows.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("samples", sa.Column("area", sa.BigInteger(), nullable=False, server_default="0"))
