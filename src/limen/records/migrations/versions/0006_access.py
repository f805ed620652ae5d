"""Who may do what: approvals, passkeys, providers, tokens, rules, caps, alerts, canaries, and cases.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OWNER = "current_setting('limen.owner', true)"
_RULE = f"{_OWNER} = '*' OR country = {_OWNER}"


def upgrade() -> None:
    op.create_table(
        "allowances",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=True),
        sa.Column("hour", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.BigInteger(), nullable=True),
        sa.Column("hours", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("name", "kind", name=op.f("pk_allowances")),
    )
    op.create_table(
        "rules",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=8000), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rules")),
    )
    op.create_table(
        "uses",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "kind", "hour", name=op.f("pk_uses")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=True),
        sa.Column("delete_after", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_cases_country_countries")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_country"), "cases", ["country"], unique=False)
    op.create_index(op.f("ix_cases_delete_after"), "cases", ["delete_after"], unique=False)
    op.create_index(op.f("ix_cases_due"), "cases", ["due"], unique=False)
    op.create_table(
        "providers",
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=400), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_providers_country_countries")),
        sa.PrimaryKeyConstraint("country", name=op.f("pk_providers")),
        sa.UniqueConstraint("id", name=op.f("uq_providers_id")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("seen_by", sa.Uuid(), nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["seen_by"], ["officers.id"], name=op.f("fk_alerts_seen_by_officers"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_country"), "alerts", ["country"], unique=False)
    op.create_index(op.f("ix_alerts_last"), "alerts", ["last"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("what", sa.String(length=400), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=True),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["officers.id"], name=op.f("fk_approvals_asked_by_officers")),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_approvals_country_countries")),
        sa.ForeignKeyConstraint(["decided_by"], ["officers.id"], name=op.f("fk_approvals_decided_by_officers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_expires"), "approvals", ["expires"], unique=False)
    op.create_table(
        "canaries",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_canaries_record_id_records"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_canaries")),
    )
    op.create_table(
        "identities",
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=3), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["country"], ["countries.code"], name=op.f("fk_identities_country_countries")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_identities_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_identities")),
        sa.UniqueConstraint("country", "subject", name=op.f("uq_identities_country_subject")),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("credential", sa.LargeBinary(length=1024), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_passkeys_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkeys_credential")),
    )
    op.create_index(op.f("ix_passkeys_officer_id"), "passkeys", ["officer_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=False),
        sa.Column("thumbprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_tokens_officer_id_officers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_expires"), "tokens", ["expires"], unique=False)
    op.create_index(op.f("ix_tokens_officer_id"), "tokens", ["officer_id"], unique=False)
    op.add_column("devices", sa.Column("suspended", sa.BigInteger(), nullable=True))
    op.add_column("officers", sa.Column("suspended", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("seen", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("way", sa.String(length=16), nullable=False, server_default="link"))

    if op.get_bind().dialect.name == "postgresql":  # as for records (0003): a country's cases are its own
        op.execute("ALTER TABLE cases ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE cases FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY of_country ON cases USING ({_RULE}) WITH CHECK ({_RULE})")
