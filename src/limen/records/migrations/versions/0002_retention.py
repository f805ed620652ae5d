"""When a record's longest retention began: at first its first import, later its last extension.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("records", sa.Column("retained_from", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE records SET retained_from = created")
