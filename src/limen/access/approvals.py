"""Two people for what one alone must not do: someone asks, another approves within a day, then it is done once.

    asked = approvals.ask(session, officer, Matter.EXPORT, {"records": ids}, what="Export 12 records", reason="...")
    approvals.decide(session, other_officer, asked.id, approved=True)
    ...
    with database.writing() as session:                     # the one who asked comes again, with the same parameters
        approvals.use(session, officer, Matter.EXPORT, {"records": ids})
        ...                                                 # carry it out in the same transaction

An approval holds for one matter, the person who asked, and exactly the parameters that were shown, whose digest is
kept; it is used up by the transaction that carries the matter out, so that of two at once one wins. Who may ask and who
may approve is policy. All of it is on record in the ledger.
"""

from __future__ import annotations

import enum
import hashlib
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from limen.access import vouching
from limen.access.policy import Action, may
from limen.access.tables import Approval
from limen.errors import BadInput, NotAllowed, NotFound
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.tables import Officer
from limen.settings import Settings

WAIT_SECONDS = 24 * 3600  # for the second person, and then for the first to carry it out
KEPT_SECONDS = 365 * 24 * 3600  # afterwards the ledger alone remembers
MAX_TEXT = 400  # characters of what is asked, and why


class Matter(enum.StrEnum):
    """What takes two people."""

    OPEN_PSEUDONYM = "open-pseudonym"  # of the ledger: who it was
    CHANGE_POLICY = "change-policy"
    CHANGE_THRESHOLDS = "change-thresholds"
    EXPORT = "export"  # records leave the hub
    BULK_DELETION = "bulk-deletion"
    SWITCH_ON = "switch-on"  # a country's records, after one of its people switched them off

    @property
    def of_country(self) -> bool:
        """Whether it is about one country's data, and asked and approved by its own people."""
        return self in (Matter.EXPORT, Matter.BULK_DELETION, Matter.SWITCH_ON)


def ask(
    session: Session,
    officer: Officer,
    matter: Matter,
    parameters: Mapping[str, Any],
    *,
    what: str,
    reason: str,
    country: str | None = None,
    now: int | None = None,
) -> Approval:
    """Ask for something that takes two people.

    Args:
        session: of `Database.writing`.
        officer: who asks.
        matter: what kind of thing.
        parameters: exactly what, as JSON values; only their digest is kept.
        what: the same in words for the one who decides; names nobody concerned.
        reason: why.
        country: whose data it is about; None: the hub's own matter.

    Raises:
        NotAllowed: this person may not even ask.
        BadInput: no words or no reason; or the parameters name another country than the one asked for.
    """
    now = int(time.time()) if now is None else now
    may(officer, Action.ASK_APPROVAL, owner=country, matter=matter)
    _check_country(matter, parameters, country)
    if not what.strip() or not reason.strip() or max(len(what), len(reason)) > MAX_TEXT:
        raise BadInput(
            f"What is asked and why must each be said in at most {MAX_TEXT} characters.", advice="Give a reason."
        )
    row = Approval(
        id=uuid.uuid4(),
        action=matter.value,
        digest=digest(matter, parameters),
        what=what.strip(),
        reason=reason.strip(),
        country=country,
        asked_by=officer.id,
        asked=now,
        expires=now + WAIT_SECONDS,
    )
    session.add(row)
    session.flush()
    journal.put(session, Kind.APPROVAL_ASKED, _name(officer), now=now)
    return row


def decide(
    session: Session, officer: Officer, approval_id: uuid.UUID, *, approved: bool, now: int | None = None
) -> Approval:
    """Approve or deny what another person asked.

    Raises:
        NotFound: there is none, or none that this person may see; it was decided, or its time is over.
        NotAllowed: by policy, or because it is, or could be, the person who asked (`access.vouching`).
    """
    now = int(time.time()) if now is None else now
    row = session.get(Approval, approval_id)
    if row is None or row.expires <= now or row.verdict:
        raise NotFound("There is nothing of this number to decide.", advice="See `limen access approvals`.")
    may(officer, Action.APPROVE, owner=row.country, matter=row.action)
    asker = session.get(Officer, row.asked_by)
    if row.asked_by == officer.id or (asker is not None and _same_key(asker, officer)):
        raise NotAllowed("Whoever asked cannot decide: it takes two people.", advice="Ask a colleague.")
    if asker is not None and not vouching.independent(session, asker, officer):
        raise NotAllowed(
            "One of you let the other in, or the same person both of you: that could be one person.",
            advice="Ask a colleague whom somebody else registered, or have the operator renew a link: "
            "limen access invite --anew.",
        )
    values = {
        "verdict": "approved" if approved else "denied",
        "decided_by": officer.id,
        "decided": now,
        "expires": now + WAIT_SECONDS,
    }
    undecided = update(Approval).where(Approval.id == row.id, Approval.verdict == "").values(values)
    if session.execute(undecided.returning(Approval.id)).first() is None:  # of two at once, one wins
        raise NotFound("Somebody else has decided this just now.")
    journal.put(session, Kind.APPROVED if approved else Kind.DENIED, _name(officer), now=now)
    session.refresh(row)
    return row


def use(
    session: Session, officer: Officer, matter: Matter, parameters: Mapping[str, Any], *, now: int | None = None
) -> Approval:
    """Use an approval up, in the transaction that carries the matter out. The one who asked must come again.

    Raises:
        NotAllowed: there is no approval of exactly this for this person, or it is used up (`needs-approval`).
    """
    now = int(time.time()) if now is None else now
    wanted = (
        Approval.action == matter.value,
        Approval.digest == digest(matter, parameters),
        Approval.asked_by == officer.id,
        Approval.verdict == "approved",
        Approval.used.is_(None),
        Approval.expires > now,
    )
    first = select(Approval.id).where(*wanted).order_by(Approval.asked).limit(1)
    row_id = session.scalars(first).one_or_none()
    taken = update(Approval).where(Approval.id == row_id, Approval.used.is_(None)).values(used=now)
    if row_id is None or session.execute(taken.returning(Approval.id)).first() is None:
        raise NotAllowed(
            f"This takes two people ({matter}), and no approval of exactly this is open.",
            advice="Ask: limen access ask; another person approves: limen access approve.",
            code="needs-approval",
        )
    row = session.get_one(Approval, row_id, populate_existing=True)
    decider = session.get(Officer, row.decided_by)
    _check_country(matter, parameters, row.country)
    may(officer, Action.ASK_APPROVAL, owner=row.country, matter=matter)
    if decider is None or decider.retired is not None or decider.suspended is not None:
        raise NotAllowed("Whoever approved this may no longer do so.", advice="Ask anew.", code="needs-approval")
    return row


def check_thresholds(session: Session, fpir_refer: float, fpir_hit: float) -> None:
    """`NotAllowed` unless two people agreed to these accepted false-positive rates. The release's own need nobody."""
    parameters = {"fpir_refer": fpir_refer, "fpir_hit": fpir_hit}
    if (fpir_refer, fpir_hit) == (Settings.fpir_refer, Settings.fpir_hit):
        return
    agreed = (Approval.digest == digest(Matter.CHANGE_THRESHOLDS, parameters), Approval.verdict == "approved")
    if session.scalars(select(Approval.id).where(*agreed).limit(1)).first() is None:
        raise NotAllowed(
            "The accepted false-positive rates were changed, and no two people agreed to that.",
            advice=f"Ask: limen access ask {Matter.CHANGE_THRESHOLDS} '{json.dumps(parameters)}', or set them back.",
            code="needs-approval",
        )


def waiting(session: Session, officer: Officer, *, now: int | None = None) -> Sequence[Approval]:
    """What this person asked or may decide, and is not over; the oldest first."""
    now = int(time.time()) if now is None else now
    query = select(Approval).where(Approval.expires > now, Approval.used.is_(None)).order_by(Approval.asked)
    return [row for row in session.scalars(query) if row.asked_by == officer.id or _may_decide(officer, row)]


def purge(session: Session, *, now: int | None = None) -> int:
    """Delete what was asked more than a year ago, but for thresholds, which stay in force; how many."""
    now = int(time.time()) if now is None else now
    gone = delete(Approval).where(*old(now)).returning(Approval.id)
    return len(session.execute(gone).all())


def old(now: int) -> tuple[ColumnElement[bool], ...]:
    """What `purge` deletes."""
    return (Approval.expires <= now - KEPT_SECONDS, Approval.action != Matter.CHANGE_THRESHOLDS.value)


def digest(matter: Matter, parameters: Mapping[str, Any]) -> bytes:
    """SHA-256 over matter and parameters, as canonical JSON; `BadInput` if they are no JSON."""
    try:
        text = json.dumps([matter.value, parameters], sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        raise BadInput("What is asked cannot be written as JSON.") from None
    return hashlib.sha256(b"limen-approval-v1\0" + text.encode()).digest()


def _check_country(matter: Matter, parameters: Mapping[str, Any], country: str | None) -> None:
    """Two people of one country cannot agree to what concerns another's data."""
    if matter.of_country and (country is None or parameters.get("country", country) != country):
        raise BadInput(f"This is about one country's own data ({matter}).", advice="Ask someone of that country.")


def _may_decide(officer: Officer, row: Approval) -> bool:
    try:
        may(officer, Action.APPROVE, owner=row.country, matter=row.action)
    except NotAllowed:
        return False
    return True


def _same_key(one: Officer, other: Officer) -> bool:
    """Two names with one key are one person (the directory refuses it; a changed database might not)."""
    return one.public_key is not None and one.public_key == other.public_key


def _name(officer: Officer) -> str:
    return f"{officer.country}/{officer.name}"
