"""The database's tables of who may do what. Times are Unix seconds; secrets stand here as hashes, or sealed.

The people and devices themselves are beside the records that refer to them (`records.tables`).
"""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from limen.records.tables import Table


class Approval(Table):
    """Something that takes two people (`access.approvals`).

    digest: SHA-256 of the parameters; what: the same for people, without anything personal. country: whose data or
    people it is about; None: the whole hub. verdict: "", "approved" or "denied". used: when it was carried out.
    """

    __tablename__ = "approvals"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(String(40))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    what: Mapped[str] = mapped_column(String(400))
    reason: Mapped[str] = mapped_column(String(400))
    country: Mapped[str | None] = mapped_column(ForeignKey("countries.code"))
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id"))
    asked: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)
    verdict: Mapped[str] = mapped_column(String(16), default="")
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("officers.id"))
    decided: Mapped[int | None]
    used: Mapped[int | None]


class Passkey(Table):
    """A WebAuthn credential of a person. public_key: COSE; count: the authenticator's, 0 where it keeps none."""

    __tablename__ = "passkeys"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), index=True)
    credential: Mapped[bytes] = mapped_column(LargeBinary(1024), unique=True)
    public_key: Mapped[bytes]
    count: Mapped[int]
    name: Mapped[str] = mapped_column(String(64))
    created: Mapped[int]
    used: Mapped[int | None]


class Provider(Table):
    """A country's own OpenID Connect provider. secret: sealed by the vault; None for a public client."""

    __tablename__ = "providers"

    country: Mapped[str] = mapped_column(ForeignKey("countries.code"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True)
    issuer: Mapped[str] = mapped_column(String(400))
    client: Mapped[str] = mapped_column(String(200))
    secret: Mapped[bytes | None]
    created: Mapped[int]


class Identity(Table):
    """Who an officer is at their country's provider: the `sub` that it says."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("country", "subject"),)

    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), primary_key=True)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    subject: Mapped[str] = mapped_column(String(255))
    created: Mapped[int]


class Bureau(Table):
    """The address of a National Central Bureau that is called when something waits for it (`access.bureaus`)."""

    __tablename__ = "bureaus"

    country: Mapped[str] = mapped_column(ForeignKey("countries.code"), primary_key=True)
    address: Mapped[str] = mapped_column(String(400))
    created: Mapped[int]


class AccessToken(Table):
    """A token of a machine, bound to a key (RFC 9449). token_hash: SHA-256; thumbprint: of the key (RFC 7638)."""

    __tablename__ = "tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), index=True)
    thumbprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    created: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)


class Certificate(Table):
    """A machine's TLS client certificate (`access.certificates`). thumbprint: SHA-256 of it; until: its own end."""

    __tablename__ = "certificates"

    thumbprint: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), index=True)
    certificate: Mapped[bytes]
    until: Mapped[int]
    created: Mapped[int]


class DeviceCode(Table):
    """A one-time code of a device (`access.enlisting`). code_hash: SHA-256; by: who gave it out."""

    __tablename__ = "device_codes"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"))
    name: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(80))
    created: Mapped[int]
    expires: Mapped[int] = mapped_column(index=True)


class Rule(Table):
    """A restriction in Cedar that this hub adds to its policies (`access.rules`)."""

    __tablename__ = "rules"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str] = mapped_column(String(8000))
    created: Mapped[int]


class Allowance(Table):
    """What an officer, device or country may ask at most, where it is not the default; name: `BIH`, `BIH/officer1`.

    None: as by default. hours: of the day, UTC, in which searches are expected (`6-18`); empty: all.
    """

    __tablename__ = "allowances"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)  # officer, device, country
    minute: Mapped[int | None]
    hour: Mapped[int | None]
    day: Mapped[int | None]
    hours: Mapped[str] = mapped_column(String(8), default="")


class Use(Table):
    """How many searches an officer, device or country made in an hour; name as in `Allowance`."""

    __tablename__ = "uses"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # Unix time in hours
    count: Mapped[int]


class Alert(Table):
    """That somebody asks too much, or asks what nobody honest does. rule: `access.watch.Rule`'s own word."""

    __tablename__ = "alerts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(16))  # officer, device, country
    name: Mapped[str] = mapped_column(String(80))
    country: Mapped[str] = mapped_column(String(3), index=True)
    count: Mapped[int]
    first: Mapped[int]
    last: Mapped[int] = mapped_column(index=True)
    suspended: Mapped[bool]
    seen_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("officers.id", ondelete="SET NULL"))
    seen: Mapped[int | None]


class Canary(Table):
    """A record of nobody, which no honest search finds."""

    __tablename__ = "canaries"

    record_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("records.id", ondelete="CASCADE"), primary_key=True)
    created: Mapped[int]


class Case(Table):
    """A request of a person concerned. content: sealed, what they ask and what was done; outcome: "" while open.

    country: the National Central Bureau that answers. due: what the control commission is held to.
    """

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    country: Mapped[str] = mapped_column(ForeignKey("countries.code"), index=True)
    content: Mapped[bytes]
    opened: Mapped[int]
    due: Mapped[int] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(16), default="")
    closed: Mapped[int | None]
    delete_after: Mapped[int | None] = mapped_column(index=True)
