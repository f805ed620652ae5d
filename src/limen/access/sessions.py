"""Sessions of the pages: a passkey, a country's provider or a one-time link, then a cookie; short, and ended at once.

The database knows only hashes of links and cookies.

A token has 256 random bits, so its plain SHA-256 cannot be guessed backwards and needs no slow hash.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
import time

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from limen.access.tables import AccessToken
from limen.errors import NotFound, NotSignedIn
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.tables import Invite, Officer, SignIn

INVITE_SECONDS = 15 * 60  # long enough to send a link to a colleague, short enough not to lie about
SESSION_SECONDS = 8 * 3600  # one shift
IDLE_SECONDS = 30 * 60  # without any request: whoever walked away signs in again with a touch
SEEN_SECONDS = 60  # how exactly the last request is noted
TOKEN_LENGTH = 43  # characters: 32 bytes in base64 without padding


class Way(enum.StrEnum):
    """How somebody signed in."""

    LINK = "link"
    PASSKEY = "passkey"
    PROVIDER = "provider"


def invite(session: Session, officer: Officer, *, now: int | None = None) -> str:
    """A token for a one-time link that signs this officer in; links given earlier stop working."""
    now = _now(now)
    session.execute(delete(Invite).where((Invite.officer_id == officer.id) | (Invite.expires <= now)))
    token = secrets.token_urlsafe(32)
    session.add(Invite(token_hash=_hash(token), officer_id=officer.id, created=now, expires=now + INVITE_SECONDS))
    return token


def invited(session: Session, token: str, *, now: int | None = None) -> Officer:
    """Whom a link is for, without using it up; raises as `take`."""
    found = session.scalars(
        select(Officer)
        .join(Invite, Invite.officer_id == Officer.id)
        .where(Invite.token_hash == _hash(token), Invite.expires > _now(now), Officer.retired.is_(None))
    ).one_or_none()
    if found is None:
        raise _bad_link()
    return found


def take(session: Session, token: str, *, now: int | None = None) -> Officer:
    """Use a one-time link up; whom it was for.

    Raises:
        NotSignedIn: the link was used, is too old, or never was one (which of these is not said).
    """
    used = delete(Invite).where(Invite.token_hash == _hash(token), Invite.expires > _now(now))
    officer_id = session.execute(used.returning(Invite.officer_id)).scalar_one_or_none()  # of two at once, one wins
    officer = session.get(Officer, officer_id) if officer_id else None
    if officer is None or officer.retired is not None:
        raise _bad_link()
    return officer


def redeem(session: Session, token: str, *, now: int | None = None) -> str:
    """Use a one-time link up; returns the cookie's token of a new session. Raises as `take`."""
    return begin(session, take(session, token, now=now), Way.LINK, now=now)


def begin(session: Session, officer: Officer, way: Way, *, now: int | None = None) -> str:
    """Sign an officer in; returns the cookie's token of a new session. On record in the ledger."""
    now = _now(now)
    session.execute(delete(SignIn).where(SignIn.expires <= now))
    cookie = secrets.token_urlsafe(32)
    row = SignIn(token_hash=_hash(cookie), officer_id=officer.id, created=now, expires=now + SESSION_SECONDS)
    row.seen, row.way = now, way.value
    session.add(row)
    journal.put(session, Kind.SIGNED_IN, f"{officer.country}/{officer.name}", now=now)
    return cookie


def officer_of_session(session: Session, cookie: str, *, now: int | None = None) -> Officer | None:
    """The officer whom a cookie's token signs in; None if the session is over, idle, revoked, or never was."""
    found = seen(session, cookie, now=now)
    return found[0] if found else None


def seen(session: Session, cookie: str, *, now: int | None = None) -> tuple[Officer, bool] | None:
    """As `officer_of_session`, and whether it is time to `touch` the session."""
    if len(cookie) != TOKEN_LENGTH:
        return None
    now = _now(now)
    alive = (SignIn.expires > now, (SignIn.seen > now - IDLE_SECONDS) | (SignIn.created > now - IDLE_SECONDS))
    query = (
        select(Officer, SignIn.seen)
        .join(SignIn, SignIn.officer_id == Officer.id)
        .where(SignIn.token_hash == _hash(cookie), Officer.retired.is_(None), *alive)
    )
    row = session.execute(query).one_or_none()
    return (row[0], now - row[1] >= SEEN_SECONDS) if row else None


def touch(session: Session, cookie: str, *, now: int | None = None) -> None:
    """Note that the session was used."""
    session.execute(update(SignIn).where(SignIn.token_hash == _hash(cookie)).values(seen=_now(now)))


def sign_out(session: Session, cookie: str) -> None:
    """End one session."""
    session.execute(delete(SignIn).where(SignIn.token_hash == _hash(cookie)))


def revoke(session: Session, officer: Officer, *, by: str = "") -> int:
    """End all sessions and tokens of an officer and void their links, at once; returns how many there were.

    Args:
        by: who does it, `COUNTRY/NAME`, for the ledger; empty: the operator.
    """
    if session.get(Officer, officer.id) is None:
        raise NotFound("There is no such officer.")
    session.execute(delete(Invite).where(Invite.officer_id == officer.id))
    ended = 0
    for table in (SignIn, AccessToken):
        gone = delete(table).where(table.officer_id == officer.id).returning(table.token_hash)
        ended += len(session.execute(gone).all())
    journal.put(session, Kind.POLICY_CHANGED, by)
    return ended


def _bad_link() -> NotSignedIn:
    return NotSignedIn("This link was used already or is too old.", advice="Ask for a new one.")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _now(now: int | None) -> int:
    return int(time.time()) if now is None else now
