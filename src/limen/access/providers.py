"""A country's own OpenID Connect provider: authorization code flow with PKCE (RFC 7636), for its own officers alone.

Who somebody is at the provider (`sub`) must have been named before (`name`): the provider says who it is, the National
Central Bureau has said that they may. The hub checks signature, issuer, audience, nonce and time of what it says.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from limen.access.tables import Identity, Provider
from limen.errors import BadInput, NotFound, NotSignedIn, Unavailable
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.database import Database
from limen.records.store import registered
from limen.records.tables import Officer
from limen.settings import LOOPBACK
from limen.vault.seal import Context, Use

COOKIE = "limen-sign-in"
PENDING_SECONDS = 600  # for the person to sign in at the provider
MAX_PENDING = 1_000  # sign-ins under way: a bound on memory; the oldest go
TIMEOUT = httpx.Timeout(10.0)  # seconds, for the provider to go on
ANSWER_SECONDS = 20.0  # for one whole answer, however it drips
MAX_ANSWER = 256 << 10  # bytes of a provider's answer
CHUNK = 16 << 10  # bytes that are read at once
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
SKEW = 60  # seconds between the provider's clock and ours
FOREVER = 2**40  # a secret's seal has no end of its own


class Vault(Protocol):
    """Opens the client's secret (`vault.client.AsyncVaultClient`)."""

    async def unseal(self, context: Context, blob: bytes) -> bytes: ...


@dataclass
class Pending:
    """A sign-in under way."""

    country: str
    nonce: str
    verifier: str
    back: str
    expires: float


def set_provider(
    session: Session,
    country: str,
    issuer: str,
    client: str,
    seal: Callable[[Context], bytes] | None,
    *,
    by: str = "",
) -> Provider:
    """Name a country's provider, in place of an earlier one.

    Args:
        issuer: its URL (https; http only on this machine).
        client: the hub's client id there. Its redirect address is `HUB/sign-in/provider/back`.
        seal: seals the client's secret with the context given; None for a client without one.

    Raises:
        BadInput: not an issuer's URL.
        NotFound: the country does not take part.
    """
    registered(session, country)
    parts = urlsplit(issuer)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise BadInput("A provider's address must be https.", advice="Give its issuer, such as https://login.example.")
    if parts.query or parts.fragment or not client or len(issuer) > 400 or len(client) > 200:
        raise BadInput("This is no provider's issuer, or the client id is missing.")
    session.execute(delete(Provider).where(Provider.country == country))
    row = Provider(country=country, id=uuid.uuid4(), issuer=issuer.rstrip("/"), client=client, created=int(time.time()))
    row.secret = seal(secret_context(row)) if seal else None
    session.add(row)
    journal.put(session, Kind.POLICY_CHANGED, by)
    return row


def secret_context(row: Provider) -> Context:
    """What the seal of a client's secret binds."""
    return Context(Use.FIELDS, row.country.encode("ascii"), row.id.bytes, bytes(16), 0, 0, b"", FOREVER)


def name(session: Session, officer: Officer, subject: str, *, by: str = "") -> None:
    """Who an officer is at their country's provider; `BadInput` if that is somebody else already."""
    if not 0 < len(subject) <= 255:
        raise BadInput("A subject has 1 to 255 characters.")
    taken = select(Identity).where(Identity.country == officer.country, Identity.subject == subject)
    if (other := session.scalars(taken).first()) is not None and other.officer_id != officer.id:
        raise BadInput("This subject is another officer already.")
    session.execute(delete(Identity).where(Identity.officer_id == officer.id))
    session.add(Identity(officer_id=officer.id, country=officer.country, subject=subject, created=int(time.time())))
    journal.put(session, Kind.POLICY_CHANGED, by)


def officer(session: Session, officer_id: uuid.UUID) -> Officer:
    """The officer, if they may still sign in; `NotSignedIn`."""
    found = session.get(Officer, officer_id)
    if found is None or found.retired is not None or found.suspended is not None:
        raise _refused()
    return found


class Providers:
    """Sign-ins under way at this front."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault
        self._pending: dict[str, Pending] = {}

    def countries(self) -> list[str]:
        """Countries that have a provider."""
        with self._database.reading() as session:
            return list(session.scalars(select(Provider.country).order_by(Provider.country)))

    async def begin(self, country: str, back: str) -> tuple[str, str]:
        """Where to send the browser, and the state that it must bring back.

        Raises:
            NotFound: the country has no provider here.
            Unavailable: the provider cannot be reached or does not answer as one.
        """
        row = self._row(country)
        state, verifier, nonce = (secrets.token_urlsafe(size) for size in (32, 48, 24))
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            found = await _metadata(client, row.issuer)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": row.client,
            "redirect_uri": back,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = found["authorization_endpoint"]
        now = time.time()
        for old in [key for key, one in self._pending.items() if one.expires <= now]:
            del self._pending[old]
        while len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[state] = Pending(country, nonce, verifier, back, now + PENDING_SECONDS)
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", state

    async def finish(self, state: str, code: str) -> uuid.UUID:
        """Who came back: the officer's id.

        Raises:
            NotSignedIn: the sign-in is over, the provider refuses the code, what it says is not good, or it is nobody
                who was named.
            Unavailable: the provider cannot be reached.
        """
        pending = self._pending.pop(state, None)
        if pending is None or pending.expires <= time.time() or not code:
            raise NotSignedIn("This sign-in is over.", advice="Begin again.")
        row = self._row(pending.country)
        secret = (await self._vault.unseal(secret_context(row), row.secret)).decode() if row.secret else None
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.back,
            "client_id": row.client,
            "code_verifier": pending.verifier,
        }
        basic = httpx.BasicAuth(row.client, secret) if secret else None
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            found = await _metadata(client, row.issuer)
            answer = await _json(client, client.build_request("POST", found["token_endpoint"], data=form), basic)
            keys = await _json(client, client.build_request("GET", found["jwks_uri"]))
        subject = _subject(answer, keys, row, pending)
        with self._database.reading() as session:
            known = select(Identity.officer_id).where(Identity.country == row.country, Identity.subject == subject)
            officer_id = session.scalars(known).one_or_none()
        if officer_id is None:
            raise _refused()
        return officer_id

    def _row(self, country: str) -> Provider:
        with self._database.reading() as session:
            row = session.get(Provider, country)
        if row is None:
            raise NotFound(f"{country} has no provider at this hub.")
        return row


def _subject(answer: dict[str, Any], keys: dict[str, Any], row: Provider, pending: Pending) -> str:
    """`sub` of a good ID token (OpenID Connect Core, 3.1.3.7)."""
    try:
        token = jwt.decode(str(answer["id_token"]), KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        checks = jwt.JWTClaimsRegistry(
            leeway=SKEW,
            iss={"essential": True},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": pending.nonce},
        )
        claims = dict(token.claims)
        checks.validate(claims)
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        foreign = row.client not in audience or (len(audience) > 1 and claims.get("azp") != row.client)
        if foreign or str(claims["iss"]).rstrip("/") != row.issuer:
            raise ValueError
        return str(claims["sub"])
    except (JoseError, ValueError, KeyError, TypeError):
        raise _refused() from None


async def _metadata(client: httpx.AsyncClient, issuer: str) -> dict[str, Any]:
    """The provider's description of itself (OpenID Connect Discovery), which must name the issuer that we know."""
    found = await _json(client, client.build_request("GET", f"{issuer}/.well-known/openid-configuration"))
    wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if str(found.get("issuer", "")).rstrip("/") != issuer or not all(isinstance(found.get(key), str) for key in wanted):
        raise _silent()
    if any(urlsplit(found[key]).scheme != "https" and urlsplit(issuer).scheme == "https" for key in wanted):
        raise _silent()
    return found


async def _json(client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None = None) -> dict[str, Any]:
    """What the provider answers, read no further than an answer can be long; a 4xx is a refusal."""
    body = bytearray()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await client.send(request, auth=auth, follow_redirects=False, stream=True)
            try:
                if 400 <= response.status_code < 500:
                    raise _refused()
                response.raise_for_status()
                async for chunk in response.aiter_bytes(CHUNK):
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise ValueError
            finally:
                await response.aclose()
        found = json.loads(body)
    except (httpx.HTTPError, TimeoutError, ValueError, RecursionError):
        raise _silent() from None
    if not isinstance(found, dict):
        raise _silent()
    return found


def _silent() -> Unavailable:
    return Unavailable("The country's provider cannot be reached.", advice="Try again, or use a passkey.")


def _refused() -> NotSignedIn:
    return NotSignedIn(
        "This sign-in at the provider does not sign in here.", advice="Ask your National Central Bureau."
    )
