"""Tokens of machines, bound to a key: OAuth 2.0 client credentials with DPoP (RFC 9449), for systems that know these.

    POST /v1/token     grant_type=client_credentials, client_assertion=<JWT signed by the registered key> (RFC 7523)
                       DPoP: <proof by the key that will use the token>
    GET /v1/...        Authorization: DPoP <token>,  DPoP: <proof with ath>

A token lives ten minutes, is worth nothing without its key, and ends at once with `limen access revoke`. A proof covers
method, address and token, not the body: whoever needs that signs requests instead (`access.signing`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from limen.access import directory
from limen.access.signing import KEY_ID
from limen.access.tables import AccessToken
from limen.errors import NotSignedIn
from limen.records.tables import Nonce, Officer

TOKEN_SECONDS = 600
PROOF_SECONDS = 60  # from `iat` until a proof is too old; the clocks may differ by SKEW
SKEW = 5
ASSERTION_SECONDS = 300  # the longest life of a client assertion
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["EdDSA", "Ed25519", "ES256"]  # of proofs; assertions are by a registered Ed25519 key
MAX_JWT = 4096  # characters
TOKEN_LENGTH = 43


@dataclass(frozen=True)
class Issued:
    """A new token and the seconds that it lives."""

    token: str
    seconds: int = TOKEN_SECONDS


def issue(session: Session, assertion: str, proof: str, url: str, *, now: float | None = None) -> Issued:
    """A token for the officer who signed the assertion, bound to the key of the proof.

    Args:
        assertion: JWT: `iss` and `sub` the officer (`COUNTRY/NAME`), `aud` the token address, `exp` within five
            minutes, `jti` new each time; signed with the officer's registered Ed25519 key.
        proof: DPoP proof for POST at `url`.
        url: the token address as the client wrote it.

    Raises:
        NotSignedIn: either is not good, or was used before.
    """
    now = time.time() if now is None else now
    officer, claims = _asserted(session, assertion, now)
    if not _same(str(claims.get("aud", "")), url):
        raise _refused("The assertion is for another address.")
    thumbprint = _proven(session, proof, "POST", url, None, now)
    _spend(session, "assertion", str(claims["jti"]), int(claims["exp"]), now)
    session.execute(delete(AccessToken).where(AccessToken.expires <= now))
    token = secrets.token_urlsafe(32)
    row = AccessToken(token_hash=_hash(token), officer_id=officer.id, thumbprint=thumbprint)
    row.created, row.expires = int(now), int(now) + TOKEN_SECONDS
    session.add(row)
    return Issued(token)


def requester(
    session: Session, method: str, url: str, authorization: str, proof: str, *, now: float | None = None
) -> Officer:
    """Who sends a request with a token.

    Args:
        session: of `Database.writing`: the proof is spent.
        authorization: the header, `DPoP <token>`.
        proof: the header `DPoP`.

    Raises:
        NotSignedIn: token or proof is not good, over, revoked, of another key, or the proof was used before.
    """
    now = time.time() if now is None else now
    scheme, _, token = authorization.partition(" ")
    row = session.get(AccessToken, _hash(token)) if len(token) == TOKEN_LENGTH else None
    if scheme.lower() != "dpop" or row is None or row.expires <= now:
        raise _refused("The token is over, was revoked, or never was one.", "Ask for a new one at /v1/token.")
    thumbprint = _proven(session, proof, method, url, token, now)
    officer = session.get(Officer, row.officer_id)
    if not hmac.compare_digest(thumbprint, row.thumbprint) or officer is None or officer.retired is not None:
        raise _refused("The proof is not by the token's key.")
    return officer


def _asserted(session: Session, assertion: str, now: float) -> tuple[Officer, dict[str, Any]]:
    """The officer who signed the assertion, and its claims."""
    if len(assertion) > MAX_JWT:
        raise _refused("The assertion is too long.")
    try:
        unverified = jws.extract_compact(assertion.encode("ascii"))
        name = str(_claims(unverified.payload).get("sub", ""))
        officer = directory.find_officer(session, name) if KEY_ID.fullmatch(name) else None
        key = OKPKey.import_key(_jwk((officer and officer.public_key) or bytes(32)))
        claims = dict(jwt.decode(assertion, key, algorithms=["EdDSA", "Ed25519"]).claims)
        until = int(claims["exp"])
    except (JoseError, ValueError, KeyError, TypeError, UnicodeError, RecursionError):
        raise _refused("The assertion is not good.") from None
    if officer is None or officer.public_key is None or claims.get("iss") != name or not claims.get("jti"):
        raise _refused("The assertion is not good.")
    if not now - SKEW < until <= now + ASSERTION_SECONDS + SKEW:
        raise _refused("The assertion is too old, or good for too long.", "Let it live for at most five minutes.")
    return officer, claims


def _proven(session: Session, proof: str, method: str, url: str, token: str | None, now: float) -> bytes:
    """Thumbprint (SHA-256) of the key that a good proof is by; the proof is spent (RFC 9449, 4.3)."""
    if not proof or len(proof) > MAX_JWT:
        raise _refused("The request has no DPoP proof.", "Send one in the header DPoP (RFC 9449).")
    try:
        header = jws.extract_compact(proof.encode("ascii")).headers()
        given = header["jwk"]
        key: OKPKey | ECKey = OKPKey.import_key(given) if given["kty"] == "OKP" else ECKey.import_key(given)
        if header.get("typ") != "dpop+jwt" or key.is_private:
            raise ValueError
        claims = jwt.decode(proof, key, algorithms=ALGORITHMS).claims
        issued, name = int(claims["iat"]), str(claims["jti"])
        covered = claims["htm"] == method.upper() and _same(str(claims["htu"]), url)
        ath = str(claims.get("ath", ""))
    except (JoseError, ValueError, KeyError, TypeError, UnicodeError, RecursionError, AttributeError):
        raise _refused("The DPoP proof is not good.") from None
    if not covered or not 8 <= len(name) <= 256:
        raise _refused("The DPoP proof is for another request.")
    if not now - PROOF_SECONDS <= issued <= now + SKEW:
        raise _refused("The DPoP proof is too old or from the future; check the clock.")
    if token is not None and not hmac.compare_digest(ath, _b64(hashlib.sha256(token.encode()).digest())):
        raise _refused("The DPoP proof is for another token.")
    thumbprint = base64.urlsafe_b64decode(key.thumbprint() + "=")
    _spend(session, thumbprint.hex(), name, issued + PROOF_SECONDS + SKEW, now)
    return thumbprint


def _spend(session: Session, of: str, name: str, expires: int, now: float) -> None:
    session.execute(delete(Nonce).where(Nonce.expires < int(now)))
    try:
        digest = hashlib.sha256(f"dpop\0{of}\0{name}".encode()).digest()
        session.execute(insert(Nonce).values(digest=digest, expires=expires + 1))
    except IntegrityError:
        raise _refused("This was sent before.", "Make a new proof for every request.") from None


def _same(one: str, other: str) -> bool:
    """Whether two addresses have the same host and path; TLS may end at a proxy, so the scheme may differ."""
    left, right = urlsplit(one), urlsplit(other)
    return (left.netloc.lower(), left.path or "/") == (right.netloc.lower(), right.path or "/")


def _claims(payload: bytes | None) -> dict[str, Any]:
    found = json.loads(payload or b"{}")
    return found if isinstance(found, dict) else {}


def _jwk(public_key: bytes) -> dict[str, str | list[str]]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _b64(public_key)}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _refused(message: str, advice: str = "") -> NotSignedIn:
    return NotSignedIn(message, advice=advice)
