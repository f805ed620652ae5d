"""Restrictions that a hub adds to its policy: Cedar, `forbid` only, put in force by two people (`change-policy`).

    @because("BIH searches by day.")
    forbid (principal, action == Limen::Action::"search", resource)
    when { principal.country == Limen::Country::"BIH" && (context.hour < 6 || context.hour >= 20) };

What a rule may speak of is in `policies/limen.cedarschema`. The front takes a change over within seconds.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.access import approvals
from limen.access.approvals import Matter
from limen.access.policy import checked
from limen.access.tables import Rule
from limen.errors import BadInput, NotFound
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.tables import Officer

MAX_TEXT = 8_000  # characters
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def read(session: Session) -> Mapping[str, str]:
    """The restrictions, by name."""
    return {row.name: row.text for row in session.scalars(select(Rule).order_by(Rule.name))}


def parameters(name: str, text: str | None) -> dict[str, str | None]:
    """What an approval of a rule names: the rule's name and the SHA-256 of its text (None: it is taken away).

    Raises:
        BadInput: the name or the text cannot be a restriction's.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"'{name[:64]}' is no name of a rule.", advice="Use small letters, digits and hyphens.")
    if text is None:
        return {"rule": name, "sha256": None}
    if len(text) > MAX_TEXT:
        raise BadInput(f"A rule has at most {MAX_TEXT} characters.")
    return {"rule": name, "sha256": hashlib.sha256(checked(name, text).encode()).hexdigest()}


def put(session: Session, officer: Officer, name: str, text: str) -> None:
    """Put a restriction in force, or change it. `NotAllowed` without an approval of exactly this; `BadInput`."""
    approvals.use(session, officer, Matter.CHANGE_POLICY, parameters(name, text))
    session.merge(Rule(name=name, text=text, created=int(time.time())))
    journal.put(session, Kind.POLICY_CHANGED, f"{officer.country}/{officer.name}")


def remove(session: Session, officer: Officer, name: str) -> None:
    """Take a restriction away. `NotAllowed` without an approval of exactly this; `NotFound`."""
    approvals.use(session, officer, Matter.CHANGE_POLICY, parameters(name, None))
    row = session.get(Rule, name)
    if row is None:
        raise NotFound(f"There is no rule {name[:64]}.")
    session.delete(row)
    journal.put(session, Kind.POLICY_CHANGED, f"{officer.country}/{officer.name}")
