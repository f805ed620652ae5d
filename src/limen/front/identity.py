"""Who asks: a machine by its signature on the request, a token bound to its key or its TLS certificate, a person by the
session of their browser. Nobody else.

A page's requests that change something must come from the hub's own pages: the cookie is SameSite=Strict, and `Origin`
(or, where a browser sends none, `Sec-Fetch-Site`) must say so too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from limen.access import certificates, directory, dpop, sessions
from limen.access.policy import DeviceState
from limen.access.signin import RetiredDevice, requester
from limen.access.signing import BodyCheck
from limen.errors import BadInput, NotAllowed, NotSignedIn
from limen.front import clients
from limen.front.failures import invalid
from limen.front.parts import Parts
from limen.front.refusals import Way
from limen.records.database import Database
from limen.records.tables import Device as Row
from limen.records.tables import Officer
from limen.search.open import Searcher
from limen.search.relay import Device

MAX_JSON = 16 << 10  # bytes: a search's question has some 200
SAFE = ("GET", "HEAD", "OPTIONS")

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        officer: registered and not retired.
        searcher: the same, as searches know them.
        check: of a signed request's body; None for a session, a token or a certificate.
        device: that signed the request too, if one did.
        device_state: what policy is told of it.
        person: whether somebody sits at the pages.
    """

    officer: Officer
    searcher: Searcher
    check: BodyCheck | None = None
    device: Device | None = None
    device_state: DeviceState = DeviceState.NONE
    person: bool = False


async def caller(request: Request) -> Caller:
    """Who sends this request; `NotSignedIn` if that is nobody."""
    parts: Parts = request.app.state.parts
    if "signature-input" in request.headers:
        with parts.refusals.of(Way.SIGNATURE):
            return await _by_signature(request, parts)
    if "authorization" in request.headers:
        with parts.refusals.of(Way.TOKEN):
            officer = await asyncio.to_thread(_by_token, parts.database, request)
        return Caller(officer, _searcher(officer, None))
    if (certificate := clients.of(request)) is not None:
        officer = await asyncio.to_thread(_by_certificate, parts.database, certificate)
        return Caller(officer, _searcher(officer, None))
    signed_in = await of_session(request)
    if signed_in is None:
        raise NotSignedIn("You are not signed in.", advice="Sign the request, or sign in at the pages.")
    if request.method not in SAFE:
        own_origin(request)
    device, state = await _browser(request, parts, signed_in)
    return Caller(signed_in, _searcher(signed_in, None), device=device, device_state=state, person=True)


async def _by_signature(request: Request, parts: Parts) -> Caller:
    try:
        by = await asyncio.to_thread(requester, parts.database, request.method, as_written(request), request.headers)
    except RetiredDevice as error:
        parts.guard.foreign_device(error.name, retired=True)
        raise
    searcher = _searcher(by.officer, by.device.id if by.device else None)
    if by.device is None:
        return Caller(by.officer, searcher, by.signed.body())
    device = _device(parts.database, by.device)
    if by.device.suspended is not None:
        parts.guard.foreign_device(device.name, retired=False)
        return Caller(by.officer, searcher, by.signed.body(), device, DeviceState.SUSPENDED)
    return Caller(by.officer, searcher, by.signed.body(), device, DeviceState.REGISTERED)


async def _browser(request: Request, parts: Parts, officer: Officer) -> tuple[Device | None, DeviceState]:
    """The registered device that a page says it is; it proves it by its signature under the capture."""
    name = request.headers.get("limen-device", "")
    if not name:
        return None, DeviceState.NONE

    def found() -> Row | None:
        with parts.database.reading() as session:
            return directory.find_device(session, name)

    row = await asyncio.to_thread(found)
    if row is None or row.country != officer.country:
        raise NotAllowed(
            "This browser is not registered as the device that it says it is.",
            advice="Have its key registered, or make it no longer a device, at the foot of the search page.",
            code="unknown-device",
        )
    device = replace(_device(parts.database, row), must_sign=True)
    if row.suspended is not None:
        parts.guard.foreign_device(device.name, retired=False)
        return device, DeviceState.SUSPENDED
    return device, DeviceState.REGISTERED


def _by_token(database: Database, request: Request) -> Officer:
    authorization, proof = request.headers["authorization"], request.headers.get("dpop", "")
    with database.writing() as session:
        return dpop.requester(session, request.method, as_written(request), authorization, proof)


def as_written(request: Request) -> str:
    """The request's address as its client wrote it, and signed it: `request.url` has its path without quotes."""
    raw: bytes | None = request.scope.get("raw_path")
    return str(request.url if raw is None else request.url.replace(path=raw.decode("ascii")))


def _by_certificate(database: Database, thumbprint: bytes) -> Officer:
    with database.reading() as session:
        return certificates.officer_of(session, thumbprint)


async def of_session(request: Request) -> Officer | None:
    """The officer whom the request's cookie signs in, if any."""
    parts: Parts = request.app.state.parts
    cookie = request.cookies.get(cookie_name(parts), "")
    return await asyncio.to_thread(_officer, parts.database, cookie) if cookie else None


def own_origin(request: Request) -> None:
    """`NotAllowed` unless the request comes from one of the hub's own pages."""
    origin = request.headers.get("origin")
    if origin is not None:
        own = urlsplit(origin).netloc == request.headers.get("host") and origin != "null"
    else:
        own = request.headers.get("sec-fetch-site") == "same-origin"
    if not own:
        raise NotAllowed("This request does not come from the hub's own pages.", code="foreign-origin")


def cookie_name(parts: Parts) -> str:
    """`__Host-` binds the cookie to exactly this host; browsers take it over TLS only."""
    return "__Host-limen" if parts.over_tls else "limen"


def set_cookie(response: Response, parts: Parts, token: str) -> None:
    """Sign a browser in."""
    response.set_cookie(
        cookie_name(parts),
        token,
        max_age=sessions.SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=parts.over_tls,
        path="/",
    )


async def json_body(request: Request, who: Caller, model: type[Model]) -> Model:
    """The request's JSON, checked against its signature first.

    Raises:
        BadInput: too large, or not such JSON; the message names the field, never its content.
        NotSignedIn: not what was signed.
    """
    body = await whole_body(request, who, MAX_JSON)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid([str(part) for part in error.errors()[0]["loc"]] or ["body"]) from None


async def whole_body(request: Request, who: Caller, most: int) -> bytes:
    """A small body; `BadInput` if it has more bytes than `most`, `NotSignedIn` if it is not what was signed."""
    body = bytearray()
    async for chunk in checked(request, who):
        body += chunk
        if len(body) > most:
            raise BadInput("The request is too large.", code="too-large")
    return bytes(body)


async def checked(request: Request, who: Caller) -> AsyncIterator[bytes]:
    """The body as it comes in; at its end `NotSignedIn` if it is not what was signed."""
    async for chunk in request.stream():
        if who.check is not None:
            who.check.update(chunk)
        if chunk:
            yield chunk
    if who.check is not None:
        who.check.finish()


def _device(database: Database, device: Row) -> Device:
    """A registered device, as the relay of captures needs it."""

    def note(counter: int) -> None:
        with database.writing() as session:
            directory.advance_counter(session, device.id, counter)

    async def advance(counter: int) -> None:
        await asyncio.to_thread(note, counter)

    return Device(f"{device.country}/{device.name}", device.public_key, advance)


def _searcher(officer: Officer, device: object) -> Searcher:
    return Searcher(officer.country, officer.name, officer.id, device)  # type: ignore[arg-type]


def _officer(database: Database, cookie: str) -> Officer | None:
    with database.reading() as session:
        found = sessions.seen(session, cookie)
    if found is not None and found[1]:
        with database.writing() as session:
            sessions.touch(session, cookie)
    return found[0] if found else None
