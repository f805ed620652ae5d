"""Sessions of the pages: a one-time link, then a cookie. The database knows only hashes of both secrets.

A token has 256 random bits, so its plain SHA-256 cannot be guessed backwards and needs no slow hash.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from limen.errors import NotFound, NotSignedIn
from limen.records.tables import Invite, Officer, SignIn

INVITE_SECONDS = 15 * 60  # long enough to send a link to a colleague, short enough not to lie about
SESSION_SECONDS = 8 * 3600  # one shift
TOKEN_LENGTH = 43  # characters: 32 bytes in base64 without padding


def invite(session: Session, officer: Officer, *, now: int | None = None) -> str:
    """A token for a one-time link that signs this officer in; links given earlier stop working."""
    now = _now(now)
    session.execute(delete(Invite).where((Invite.officer_id == officer.id) | (Invite.expires <= now)))
    token = secrets.token_urlsafe(32)
    session.add(Invite(token_hash=_hash(token), officer_id=officer.id, created=now, expires=now + INVITE_SECONDS))
    return token


def redeem(session: Session, token: str, *, now: int | None = None) -> str:
    """Use a one-time link up; returns the cookie's token of a new session.

    Raises:
        NotSignedIn: the link was used, is too old, or never was one (which of these is not said).
    """
    now = _now(now)
    used = delete(Invite).where(Invite.token_hash == _hash(token), Invite.expires > now)
    officer_id = session.execute(used.returning(Invite.officer_id)).scalar_one_or_none()  # of two at once, one wins
    officer = session.get(Officer, officer_id) if officer_id else None
    if officer is None or officer.retired is not None:
        raise NotSignedIn("This link was used already or is too old.", advice="Ask for a new one.")
    session.execute(delete(SignIn).where(SignIn.expires <= now))
    cookie = secrets.token_urlsafe(32)
    session.add(SignIn(token_hash=_hash(cookie), officer_id=officer.id, created=now, expires=now + SESSION_SECONDS))
    return cookie


def officer_of_session(session: Session, cookie: str, *, now: int | None = None) -> Officer | None:
    """The officer whom a cookie's token signs in; None if the session is over, revoked, or never was."""
    if len(cookie) != TOKEN_LENGTH:
        return None
    query = (
        select(Officer)
        .join(SignIn, SignIn.officer_id == Officer.id)
        .where(SignIn.token_hash == _hash(cookie), SignIn.expires > _now(now), Officer.retired.is_(None))
    )
    return session.scalars(query).one_or_none()


def sign_out(session: Session, cookie: str) -> None:
    """End one session."""
    session.execute(delete(SignIn).where(SignIn.token_hash == _hash(cookie)))


def revoke(session: Session, officer: Officer) -> int:
    """End all sessions of an officer and void their links, at once; returns how many sessions there were."""
    if session.get(Officer, officer.id) is None:
        raise NotFound("There is no such officer.")
    session.execute(delete(Invite).where(Invite.officer_id == officer.id))
    ended = session.execute(delete(SignIn).where(SignIn.officer_id == officer.id).returning(SignIn.token_hash))
    return len(ended.all())


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _now(now: int | None) -> int:
    return int(time.time()) if now is None else now
