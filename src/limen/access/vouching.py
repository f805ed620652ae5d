"""Who let whom in: so that one person who registers others at the desk is not two.

A bureau's clerk registers colleagues and gives them their links, or their keys. Whoever does can act in that name, by a
key that they kept or a link that they opened themselves. So two people count as two only if neither of them, and nobody
before them, let both in. Whom the operator lets in on the hub's machine depends on nobody here.
"""

from __future__ import annotations

import time
import uuid

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from limen.access import sessions
from limen.access.tables import Passkey
from limen.records.tables import Officer, Table


class Voucher(Table):
    """That an officer let another in. by_key: with a public key, which stays; else with a link, for a passkey."""

    __tablename__ = "vouchers"

    officer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), primary_key=True)
    by_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("officers.id", ondelete="CASCADE"), primary_key=True)
    by_key: Mapped[bool]
    created: Mapped[int]


def vouch(session: Session, officer: Officer, by: Officer, *, by_key: bool = False, now: int | None = None) -> None:
    """Note that `by` lets an officer in.

    Args:
        session: of `Database.writing`.
        by_key: with a public key that `by` brought; else with a one-time link that `by` saw.
    """
    known = session.get(Voucher, (officer.id, by.id))
    if known is not None:
        known.by_key = known.by_key or by_key
        return
    created = int(time.time()) if now is None else now
    session.add(Voucher(officer_id=officer.id, by_id=by.id, by_key=by_key, created=created))


def independent(session: Session, one: Officer, other: Officer) -> bool:
    """Whether no single person let both in, and neither the other."""
    return not _before(session, one) & _before(session, other)


def renew(session: Session, officer: Officer) -> str:
    """A one-time link that begins anew: every passkey, session and link of before ends, and who gave them is forgotten.

    For the operator, who knows whom they give it to, and for whoever lost a passkey.
    """
    session.execute(delete(Passkey).where(Passkey.officer_id == officer.id))
    session.execute(delete(Voucher).where(Voucher.officer_id == officer.id, Voucher.by_key.is_(False)))
    sessions.revoke(session, officer)
    return sessions.invite(session, officer)


def _before(session: Session, officer: Officer) -> set[uuid.UUID]:
    """The officer, who let them in, who let these in, and so on."""
    found, new = {officer.id}, {officer.id}
    while new:
        new = set(session.scalars(select(Voucher.by_id).where(Voucher.officer_id.in_(new)))) - found
        found |= new
    return found
