"""Verify a hit: an examiner of the country that searched compares what was captured with the record, and decides.

The three outcomes are those of forensic face and fingerprint examination. Where a country asks for two examiners, they
decide apart: neither is shown the other's verdict before giving their own, and two that differ are inconclusive. Once
every hit of a search is decided and none is confirmed or inconclusive, what was captured is let go at once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.capture import container
from limen.capture.container import Sample
from limen.errors import BadInput, NotFound, Refused
from limen.hits.follow import Vault
from limen.hits.keep import let_go, terms
from limen.ledger.entry import Kind
from limen.opener.holding import context
from limen.records import journal
from limen.records.holding import HitVerdict
from limen.records.tables import Hit, Record
from limen.terms import Answer, Purpose

OPEN = "open"


class Outcome(StrEnum):
    """What examiners say."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Kept:
    """A hit that is kept, as its country's examiners see it.

    Attributes:
        said: this examiner's own verdict, if any.
        holds: whether what was captured is still held.
    """

    hit: Hit
    record: Record
    said: str
    holds: bool


def of_country(session: Session, country: str, officer: uuid.UUID, *, now: int | None = None) -> list[Kept]:
    """A country's hits that are kept now, the newest first."""
    now = int(time.time()) if now is None else now
    query = select(Hit).where(Hit.country == country, Hit.expires > now, Hit.record_id.is_not(None))
    found = [_kept(session, hit, officer) for hit in session.scalars(query.order_by(Hit.at.desc()))]
    return [one for one in found if one is not None]


def one(session: Session, hit_id: uuid.UUID, country: str, officer: uuid.UUID, *, now: int | None = None) -> Kept:
    """One hit of the country's searches; `NotFound` if there is none, or its deadline is past."""
    now = int(time.time()) if now is None else now
    hit = session.get(Hit, hit_id)
    kept = _kept(session, hit, officer) if hit and hit.country == country and hit.expires > now else None
    if kept is None:
        raise NotFound("There is no such hit; its time may be over.", code="no-such-hit")
    return kept


def decide(
    session: Session,
    hit_id: uuid.UUID,
    country: str,
    officer: uuid.UUID,
    outcome: str,
    *,
    by: str,
    now: int | None = None,
) -> str:
    """One examiner's verdict; what the hit counts as now: `open` while another examiner's is missing.

    Args:
        by: `COUNTRY/NAME`, for the ledger.

    Raises:
        NotFound: no such hit.
        BadInput: no such outcome.
        Refused: this examiner has decided it, or it is decided (`already-decided`), or they made the search
            themselves (`own-search`).
    """
    now = int(time.time()) if now is None else now
    kept = one(session, hit_id, country, officer, now=now)
    try:
        said = Outcome(outcome)
    except ValueError:
        raise BadInput("A verdict is one of: " + ", ".join(Outcome) + ".", code="bad-request") from None
    if kept.said or kept.hit.state != OPEN:
        raise Refused("This hit has been decided.", code="already-decided")
    if kept.hit.officer_id == officer:
        raise Refused("Whoever made a search does not verify it.", advice="Ask a colleague.", code="own-search")
    session.add(HitVerdict(hit_id=hit_id, officer_id=officer, outcome=said.value, at=now))
    session.flush()
    verdicts = list(session.scalars(select(HitVerdict.outcome).where(HitVerdict.hit_id == hit_id)))
    journal.put(session, Kind.HIT_VERIFIED, by, purpose=Purpose(kept.hit.purpose), answer=Answer(kept.hit.answer))
    if len(verdicts) >= terms(session, country).examiners:
        kept.hit.state = verdicts[0] if len(set(verdicts)) == 1 else Outcome.INCONCLUSIVE.value
        session.flush()
        states = set(session.scalars(select(Hit.state).where(Hit.search == kept.hit.search)))
        if states == {Outcome.REJECTED.value}:
            let_go(session, country, kept.hit.search)
    return kept.hit.state


def held(session: Session, kept: Kept) -> bytes | None:
    """The sealed capture of a hit's search, wherever among its hits it lies."""
    query = select(Hit.held).where(Hit.search == kept.hit.search, Hit.held.is_not(None)).limit(1)
    return session.scalar(query)


async def pictures(vault: Vault, hit: Hit, sealed: bytes) -> Sequence[Sample]:
    """What was captured, opened by the vault.

    Raises:
        Unavailable, KeyUnavailable, Damaged: as the vault says; also when the search's key has been destroyed.
    """
    opened = await vault.unseal(context(hit.search.bytes, hit.country.encode("ascii")), sealed)
    return container.decode(opened).samples


def _kept(session: Session, hit: Hit, officer: uuid.UUID) -> Kept | None:
    record = session.get(Record, hit.record_id) if hit.record_id else None
    if record is None:
        return None
    verdict = session.get(HitVerdict, (hit.id, officer))
    holds = select(Hit.id).where(Hit.search == hit.search, Hit.held.is_not(None)).limit(1)
    return Kept(hit, record, verdict.outcome if verdict else "", session.scalar(holds) is not None)
