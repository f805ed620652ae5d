"""What nobody honest does, and what follows: an alert for the security officers, and suspension at once or in the end.

| rule | notices | alert | suspension |
|---|---|---|---|
| `canary` | a search found a record that no honest search finds | at once | at once |
| `same-target` | the same record nearly or really found, again and again, by one officer within an hour | 20 | 200 |
| `same-target` | the same by a whole country, in a hundredth of its searches or more | 400 | |
| `burst` | searches beyond a cap | at once | 1,000 within an hour |
| `bulk` | records read, changed or deleted beyond a cap | at once | 100 within an hour |
| `retired-device` | a request signed by a device that is retired | at once | (it is refused anyway) |
| `suspended-device` | the same of one that is suspended | at once | |
| `opened` | the vault refused to open more of a country's records for the front than hits need | at once | |
| `off-hours` | searches outside of an officer's usual hours | at once | |

An alert says who and how often, never what was searched. Suspension ends sessions and tokens; a security officer of
the same country (or the operator) ends it.
"""

from __future__ import annotations

import enum
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from limen.access import directory
from limen.access.policy import Action, may
from limen.access.tables import AccessToken, Alert
from limen.errors import NotFound
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.tables import Invite, Officer, SignIn

HOUR = 3600
JOINED_SECONDS = HOUR  # what comes within that of the last time counts towards the same alert
KEPT_SECONDS = 365 * 86_400  # of alerts

log = structlog.get_logger("access")


@dataclass(frozen=True)
class Limits:
    """From how many occurrences on within an hour an alert is raised, and somebody suspended (None: never)."""

    alert: int
    suspend: int | None


class Rule(enum.StrEnum):
    """What is noticed."""

    CANARY = "canary"
    SAME_TARGET = "same-target"
    BURST = "burst"
    BULK = "bulk"
    RETIRED_DEVICE = "retired-device"
    SUSPENDED_DEVICE = "suspended-device"
    OPENED = "opened"
    OFF_HOURS = "off-hours"


LIMITS = {
    Rule.CANARY: Limits(1, 1),
    # 128 answers with scores, or 1,600 with one bit each, rebuild a template (docs/security.md); the same traveller is
    # seldom searched more often than a dozen times.
    Rule.SAME_TARGET: Limits(20, 200),
    Rule.BURST: Limits(1, 1_000),
    Rule.BULK: Limits(1, 100),  # a system that is told 429 and goes on a hundred times is no honest one
    Rule.RETIRED_DEVICE: Limits(1, None),
    Rule.SUSPENDED_DEVICE: Limits(1, None),
    Rule.OPENED: Limits(1, None),
    Rule.OFF_HOURS: Limits(1, None),
}


def notice(
    session: Session,
    rule: Rule,
    name: str,
    *,
    device: bool = False,
    count: int | None = None,
    suspends: bool = True,
    now: int | None = None,
) -> Alert | None:
    """Raise an alert, or let an open one count up; suspend if the rule says so.

    Args:
        rule: what was noticed.
        name: of the officer (or device), `COUNTRY/NAME`; a country alone where the hub itself is to blame.
        count: how often within the last hour, where whoever noticed counts itself; else each call counts one.
        suspends: whether the rule's suspension is carried out.

    Returns:
        The alert; None while there is no need for one.
    """
    now = int(time.time()) if now is None else now
    limits, kind = LIMITS[rule], "device" if device else "officer"
    kind = kind if "/" in name else "country"
    open_alert = session.scalars(
        select(Alert)
        .where(Alert.rule == rule.value, Alert.name == name, Alert.seen.is_(None), Alert.last > now - JOINED_SECONDS)
        .order_by(Alert.last.desc())
        .limit(1)
    ).one_or_none()
    total = count if count is not None else (open_alert.count + 1 if open_alert else 1)
    if total < limits.alert:
        return None
    if open_alert is None:
        open_alert = Alert(id=uuid.uuid4(), rule=rule.value, kind=kind, name=name, country=name[:3])
        open_alert.first, open_alert.suspended = now, False
        session.add(open_alert)
        log.warning("alert", rule=rule.value)  # who it is stands in the database alone
    open_alert.count, open_alert.last = total, now
    if suspends and limits.suspend is not None and total >= limits.suspend and not open_alert.suspended:
        open_alert.suspended = suspend(session, name, device=device, now=now)
    return open_alert


def suspend(session: Session, name: str, *, device: bool = False, by: str = "", now: int | None = None) -> bool:
    """Let somebody or a device do nothing more, at once; False if there is none, or they are suspended already."""
    now = int(time.time()) if now is None else now
    found = directory.find_device(session, name) if device else directory.find_officer(session, name)
    if found is None or found.suspended is not None:
        return False
    found.suspended = now
    if isinstance(found, Officer):
        for table in (Invite, SignIn, AccessToken):
            session.execute(delete(table).where(table.officer_id == found.id))
    journal.put(session, Kind.SUSPENDED, by or name, now=now)
    log.warning("suspended", device=device)
    return True


def reinstate(session: Session, officer: Officer | None, name: str, *, device: bool = False) -> None:
    """End a suspension.

    Args:
        officer: who does it; None: the operator, on the hub's machine.

    Raises:
        NotFound: there is nobody of this name who is suspended.
        NotAllowed: by policy; nobody reinstates themselves, for the suspended may nothing.
    """
    if officer is not None:
        may(officer, Action.REINSTATE, owner=name[:3])
    found = directory.find_device(session, name) if device else directory.find_officer(session, name)
    if found is None or found.suspended is None:
        raise NotFound(f"There is nobody suspended of the name {name[:80]}.")
    found.suspended = None
    journal.put(session, Kind.POLICY_CHANGED, f"{officer.country}/{officer.name}" if officer else "")


def alerts(session: Session, officer: Officer | None = None, *, unseen: bool = False) -> Sequence[Alert]:
    """Alerts, the latest first: all for the operator (None), else those of the officer's country.

    Raises:
        NotAllowed: by policy.
    """
    query = select(Alert).order_by(Alert.last.desc()).limit(500)
    if officer is not None:
        may(officer, Action.SEE_ALERTS, owner=officer.country)
        query = query.where(Alert.country == officer.country)
    return session.scalars(query.where(Alert.seen.is_(None)) if unseen else query).all()


def see(session: Session, officer: Officer, alert_id: uuid.UUID, *, now: int | None = None) -> None:
    """Note that a person has looked into an alert; `NotFound`, `NotAllowed`."""
    alert = session.get(Alert, alert_id)
    if alert is None or alert.country != officer.country:
        raise NotFound("There is no such alert.")
    may(officer, Action.SEE_ALERTS, owner=alert.country)
    alert.seen_by, alert.seen = officer.id, int(time.time()) if now is None else now


def purge(session: Session, *, now: int | None = None) -> int:
    """Delete alerts that are a year old; how many."""
    now = int(time.time()) if now is None else now
    return len(session.execute(delete(Alert).where(Alert.last <= now - KEPT_SECONDS).returning(Alert.id)).all())
