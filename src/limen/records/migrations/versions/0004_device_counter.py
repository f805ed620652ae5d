"""The counter of a device's last signed capture: one that does not go up is a replay.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("counter", sa.BigInteger(), nullable=False, server_default="0"))
