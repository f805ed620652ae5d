"""How long things are kept: what is over is deleted, and it can be shown that nothing is past its time.

Rules: RPD Art. 49-50. A record past its end is never searched (the matcher and `store.visible_to` look at the time
themselves); here it is also deleted, with everything else that has an end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Delete, Select, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from limen.access import approvals, cases, watch
from limen.access.tables import AccessToken, Alert, Approval, Case, Certificate, DeviceCode, Provider, Use
from limen.errors import Unavailable
from limen.ledger.entry import Kind
from limen.records import shredding, store
from limen.records.database import Database
from limen.records.tables import Hit, Invite, Nonce, Record, Sample, Shred, SignIn, Tombstone
from limen.terms import Modality
from limen.vault.seal import OF_RECORD, OVERHEAD

HOUR, DAY = 3_600, 86_400
COUNTED = 24  # hours for which it is kept how often somebody asked (`access.caps`)
REVIEW = 183 * DAY  # an owner is asked six months before the end: RPD Art. 50
TOMBSTONES = 7 * DAY  # far longer than any front stays behind the feed; a matcher that starts anew needs none
GRACE = DAY  # what is purged every few minutes may be so much late before the audit complains
STILLNESS = 400 * DAY  # a clock that is this far beyond the last change is wrong, not right
BATCH = 200


def purge(database: Database, *, now: int | None = None) -> dict[str, int]:
    """Delete what is past its time. The front does so every few minutes.

    Returns:
        How many of each were deleted: records, hits, tombstones, sessions, invites, nonces, tokens, certificates,
        counts, approvals, alerts and cases.

    Raises:
        Unavailable: the clock cannot be right; nothing is deleted on its word.
    """
    now = int(time.time()) if now is None else now
    with database.reading() as session:
        latest = session.scalar(select(func.max(Record.updated)))
    if latest is not None and now > latest + STILLNESS:
        raise Unavailable(
            "The clock is more than a year beyond the last change of any record; nothing is deleted.",
            advice="Correct the clock, or import a record first if it is right.",
        )
    counts = {"records": sum(_expired_records(database, now))}
    for name, statement in _ended(now).items():
        with database.writing() as session:
            if name == "hits":  # `hits.keep` forgets them as they should be; whatever it missed does not open either
                for country, search in session.execute(select(Hit.country, Hit.search).where(Hit.expires <= now)).all():
                    shredding.put(session, country, search, now=now)
            counts[name] = _deleted(session, statement)
    for name, purge_some in {"approvals": approvals.purge, "alerts": watch.purge, "cases": cases.purge}.items():
        with database.writing() as session:
            counts[name] = purge_some(session, now=now)
    if counts["records"] or counts["hits"] or counts["cases"]:
        database.wipe_log()
    return counts


def _expired_records(database: Database, now: int) -> Iterator[int]:
    while True:
        with database.writing() as session:
            batch = session.scalars(select(Record).where(Record.valid_until <= now).limit(BATCH)).all()
            for record in batch:
                store.withdraw(session, record, now=now, kind=Kind.RECORD_EXPIRED)
        yield len(batch)
        if len(batch) < BATCH:
            return


def _ended(now: int) -> dict[str, Delete]:
    return {
        "hits": delete(Hit).where(Hit.expires <= now),
        "tombstones": delete(Tombstone).where(Tombstone.at <= now - TOMBSTONES),
        "sessions": delete(SignIn).where(SignIn.expires <= now),
        "invites": delete(Invite).where(Invite.expires <= now),
        "device codes": delete(DeviceCode).where(DeviceCode.expires <= now),
        "nonces": delete(Nonce).where(Nonce.expires <= now),
        "tokens": delete(AccessToken).where(AccessToken.expires <= now),
        "certificates": delete(Certificate).where(Certificate.until <= now),
        "counts": delete(Use).where(Use.hour <= now // HOUR - COUNTED),
    }


def _deleted(session: Session, statement: Delete) -> int:
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        records: how many there are, by owner.
        violations: what must not be, with how many; empty if all is well.
        due: records whose end is within six months, by owner: to be extended with a reason, or let go.
    """

    records: dict[str, int] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)


def audit(database: Database, *, now: int | None = None) -> Audit:
    """Count what is past its time, kept for longer than the rules allow, or not sealed."""
    now = int(time.time()) if now is None else now
    late = now - GRACE
    checks: dict[str, Select[Any]] = {
        "records past their time": _count(Record, Record.valid_until <= late),
        "records kept longer than allowed": _count(Record, *_too_long()),
        "hits past their time": _count(Hit, Hit.expires <= late),
        "sessions past their time": _count(SignIn, SignIn.expires <= late),
        "links past their time": _count(Invite, Invite.expires <= late),
        "device codes past their time": _count(DeviceCode, DeviceCode.expires <= late),
        "nonces past their time": _count(Nonce, Nonce.expires <= late),
        "tokens past their time": _count(AccessToken, AccessToken.expires <= late),
        "certificates past their time": _count(Certificate, Certificate.until <= late),
        "counts past their time": _count(Use, Use.hour <= late // HOUR - COUNTED),
        "approvals past their time": _count(Approval, *approvals.old(late)),
        "keys of deleted records past their time": _count(Shred, Shred.at <= late),
        "closed cases past their time": _count(Case, Case.delete_after <= late),
        "alerts past their time": _count(Alert, Alert.last <= late - watch.KEPT_SECONDS),
        "tombstones past their time": _count(Tombstone, Tombstone.at <= late - TOMBSTONES),
        "personal fields not sealed": _count(Record, _unsealed(Record.fields)),
        "templates not sealed": _count(Sample, _unsealed(Sample.template)),
        "portraits not sealed": _count(Sample, _unsealed(Sample.portrait)),
        "originals not sealed": _count(Sample, _unsealed(Sample.original)),
        "held captures not sealed": _count(Hit, _unsealed(Hit.held)),
        "cases not sealed": _count(Case, _unsealed(Case.content)),
        "secrets of providers not sealed": _count(Provider, _unsealed(Provider.secret)),
    }
    with database.reading() as session:
        found = {name: session.scalar(query) or 0 for name, query in checks.items()}
        return Audit(
            _by_owner(session),
            {name: number for name, number in found.items() if number},
            _by_owner(session, Record.valid_until > now, Record.valid_until <= now + REVIEW),
        )


def due(session: Session, owner: str, *, now: int | None = None) -> list[Record]:
    """An owner's records that end within six months, the first to end first."""
    now = int(time.time()) if now is None else now
    soon = (Record.owner == owner, Record.valid_until > now, Record.valid_until <= now + REVIEW)
    return list(session.scalars(select(Record).where(*soon).order_by(Record.valid_until)))


def _count(table: type, *conditions: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(table).where(*conditions)


def _too_long() -> tuple[ColumnElement[bool], ...]:
    of_a_person = (
        select(Sample.id)
        .where(Sample.record_id == Record.id, Sample.modality.notin_([0, Modality.MARK.value]))
        .exists()
    )
    kept = Record.valid_until - Record.retained_from
    return ((kept > store.RETENTION_MARKS) | ((kept > store.RETENTION) & of_a_person),)


def _unsealed(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether a blob lacks the frame of a sealed one: its version, and room for epoch, nonce and tag."""
    return column.is_not(None) & ((func.substr(column, 1, 1) != bytes([OF_RECORD])) | (func.length(column) < OVERHEAD))


def _by_owner(session: Session, *conditions: ColumnElement[bool]) -> dict[str, int]:
    rows = session.execute(select(Record.owner, func.count()).where(*conditions).group_by(Record.owner))
    return {str(owner): int(number) for owner, number in rows.tuples()}
