"""The first schema.

Revision ID: 0001
Revises: none
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "countries",
        sa.Column("code", sa.String(length=3), nullable=False),
        sa.Column("contact", sa.String(length=400), nullable=False),
        sa.Column("index_key", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_countries")),
    )
    op.create_table(
        "nonces",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_nonces")),
    )
    op.create_index(op.f("ix_nonces_expires"), "nonces", ["expires"], unique=False)
    op.create_table(
        "sequence",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_sequence_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequence")),
    )
    op.create_table(
        "tombstones",
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("change", name=op.f("pk_tombstones")),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_devices_country_countries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("country", "name", name=op.f("uq_devices_country_name")),
        sa.UniqueConstraint("public_key", name=op.f("uq_devices_public_key")),
    )
    op.create_table(
        "officers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_officers_country_countries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officers")),
        sa.UniqueConstraint("country", "name", name=op.f("uq_officers_country_name")),
        sa.UniqueConstraint("public_key", name=op.f("uq_officers_public_key")),
    )
    op.create_table(
        "records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=3), nullable=False),
        sa.Column("external_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.Column("fields_epoch", sa.BigInteger(), nullable=False),
        sa.Column("fields_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("visible", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["countries.code"], name=op.f("fk_records_owner_countries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("handle", name=op.f("uq_records_handle")),
        sa.UniqueConstraint("owner", "external_key", name=op.f("uq_records_owner_external_key")),
    )
    op.create_index(op.f("ix_records_owner"), "records", ["owner"], unique=False)
    op.create_index(op.f("ix_records_valid_until"), "records", ["valid_until"], unique=False)
    op.create_table(
        "hits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("search", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("owner", sa.String(length=3), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.LargeBinary(), nullable=True),
        sa.Column("held_epoch", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_hits_country_countries")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_hits_device_id_devices"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_hits_officer_id_officers"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["owner"], ["countries.code"], name=op.f("fk_hits_owner_countries")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_hits_record_id_records"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hits")),
    )
    op.create_index(op.f("ix_hits_country"), "hits", ["country"], unique=False)
    op.create_index(op.f("ix_hits_expires"), "hits", ["expires"], unique=False)
    op.create_index(op.f("ix_hits_owner"), "hits", ["owner"], unique=False)
    op.create_index(op.f("ix_hits_record_id"), "hits", ["record_id"], unique=False)
    op.create_index(op.f("ix_hits_search"), "hits", ["search"], unique=False)
    op.create_table(
        "invites",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_invites_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invites")),
    )
    op.create_index(op.f("ix_invites_expires"), "invites", ["expires"], unique=False)
    op.create_index(op.f("ix_invites_officer_id"), "invites", ["officer_id"], unique=False)
    op.create_table(
        "samples",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.BigInteger(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("modality", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("model", sa.String(length=16), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("minutiae", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("ppi", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("original_length", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.LargeBinary(), nullable=True),
        sa.Column("portrait", sa.LargeBinary(), nullable=True),
        sa.Column("original", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_samples_record_id_records"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("handle", name=op.f("uq_samples_handle")),
    )
    op.create_index("ix_samples_change", "samples", ["change"], unique=True)
    op.create_index(op.f("ix_samples_record_id"), "samples", ["record_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_sessions_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires"), "sessions", ["expires"], unique=False)
    op.create_index(op.f("ix_sessions_officer_id"), "sessions", ["officer_id"], unique=False)
    op.execute("INSERT INTO sequence (id, value) VALUES (1, 0)")
