"""Under which name the vault keeps a record's secret, where a sample of it has gone since it was made.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("records", sa.Column("sealed_as", sa.Uuid(), nullable=True))
