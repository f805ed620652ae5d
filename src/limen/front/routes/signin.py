"""Signing in at the pages: with a passkey, at a country's own provider, or with a one-time link.

Nobody registers themselves: a passkey is made with a link that an administrator or National Central Bureau gave out,
and a provider's user must have been named by one.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response

from limen.access import passkeys, providers, sessions
from limen.access.passkeys import Site
from limen.access.sessions import Way
from limen.errors import BadInput, LimenError, NotAllowed, NotSignedIn
from limen.front.failures import invalid
from limen.front.identity import own_origin, set_cookie
from limen.front.parts import Parts
from limen.front.refusals import Way as Tried
from limen.front.routes.pages import page
from limen.settings import LOOPBACK

router = APIRouter(include_in_schema=False)

Token = Annotated[str, InPath(pattern="^[A-Za-z0-9_-]{1,100}$")]
Country = Annotated[str, InPath(pattern="^[A-Z]{3}$")]
Model = TypeVar("Model", bound=BaseModel)


class NewPasskey(BaseModel, extra="forbid"):
    """A passkey that a browser made, and what the person calls it."""

    name: str = Field("", max_length=64)
    credential: dict[str, Any]


class UsedPasskey(BaseModel, extra="forbid"):
    """A passkey that a browser used."""

    credential: dict[str, Any]


@router.get("/enter/{token}")
async def offer_entry(request: Request, token: Token) -> Response:
    """The one-time link. It is used up by its buttons, so that a preview of the link does not use it up."""
    return page("enter", token=token, link=_link_signs_in(_parts(request)))


@router.post("/enter/{token}")
async def enter(request: Request, token: Token) -> Response:
    """Use the one-time link up, and sign this browser in without a passkey, where that is allowed."""
    parts = _parts(request)

    def redeem() -> str:
        with parts.database.writing() as session:
            return sessions.redeem(session, token)

    try:
        own_origin(request)
        with parts.refusals.of(Tried.LINK):
            if not _link_signs_in(parts):
                raise NotAllowed("Here a link only registers a passkey.")
            cookie = await asyncio.to_thread(redeem)
    except (NotSignedIn, NotAllowed):
        return page("entry", 401, failed=True, providers=())
    response = RedirectResponse("/search", 303)
    set_cookie(response, parts, cookie)
    return response


@router.post("/enter/{token}/options")
async def new_passkey(request: Request, token: Token) -> Response:
    """What the browser needs to make a passkey for whom the link is for."""
    own_origin(request)
    parts = _parts(request)

    def options() -> dict[str, Any]:
        with parts.database.reading() as session:
            officer = sessions.invited(session, token)
            challenge = parts.challenges.make("register")
            return passkeys.creation_options(session, officer, _site(request, parts), challenge)

    with parts.refusals.of(Tried.LINK):
        return JSONResponse(await asyncio.to_thread(options))


@router.post("/enter/{token}/passkey")
async def keep_passkey(request: Request, token: Token) -> Response:
    """Use the link up: keep the passkey that was made, and sign in."""
    own_origin(request)
    parts, made = _parts(request), await _body(request, NewPasskey)

    def keep() -> str:
        with parts.database.writing() as session:  # if the passkey is not good, the link stays good
            officer = sessions.take(session, token)
            passkeys.register(session, officer, _site(request, parts), parts.challenges, made.credential, made.name)
            return sessions.begin(session, officer, Way.PASSKEY)

    with parts.refusals.of(Tried.LINK):
        return _signed_in(parts, await asyncio.to_thread(keep))


@router.post("/sign-in/options")
async def use_passkey(request: Request) -> Response:
    """What the browser needs to use a passkey; it says nothing of anybody."""
    own_origin(request)
    parts = _parts(request)
    return JSONResponse(passkeys.request_options(_site(request, parts), parts.challenges.make("sign-in")))


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Sign in with a passkey."""
    own_origin(request)
    parts, used = _parts(request), await _body(request, UsedPasskey)

    def begin() -> str:
        with parts.database.writing() as session:
            officer = passkeys.sign_in(session, _site(request, parts), parts.challenges, used.credential)
            return sessions.begin(session, officer, Way.PASSKEY)

    with parts.refusals.of(Tried.PASSKEY):
        return _signed_in(parts, await asyncio.to_thread(begin))


@router.get("/sign-in/{country}")
async def to_provider(request: Request, country: Country) -> Response:
    """Off to the provider of a country."""
    parts = _parts(request)
    address, state = await parts.providers.begin(country, _back(request, parts))
    response = RedirectResponse(address, 303)
    response.set_cookie(
        providers.COOKIE,
        state,
        max_age=providers.PENDING_SECONDS,
        httponly=True,
        samesite="lax",  # the provider sends the browser back by a link
        secure=parts.over_tls,
        path="/sign-in",
    )
    return response


@router.get("/sign-in/provider/back")
async def from_provider(request: Request) -> Response:
    """Back from the provider: with a code, to be exchanged for who it is."""
    parts = _parts(request)
    state = request.query_params.get("state", "")
    try:
        with parts.refusals.of(Tried.PROVIDER):
            if not state or request.cookies.get(providers.COOKIE) != state:
                raise NotSignedIn("This sign-in did not begin in this browser.")
            officer_id = await parts.providers.finish(state, request.query_params.get("code", ""))
            cookie = await asyncio.to_thread(_begin_for, parts, officer_id)
    except LimenError:
        return page("entry", 401, failed=True, providers=())
    response: Response = page("entered")  # a page of ours, so that the next request comes from it, with the cookie
    set_cookie(response, parts, cookie)
    response.delete_cookie(providers.COOKIE, path="/sign-in")
    return response


def _begin_for(parts: Parts, officer_id: Any) -> str:
    with parts.database.writing() as session:
        return sessions.begin(session, providers.officer(session, officer_id), Way.PROVIDER)


def _signed_in(parts: Parts, cookie: str) -> Response:
    response = Response(status_code=204)
    set_cookie(response, parts, cookie)
    return response


def _link_signs_in(parts: Parts) -> bool:
    return parts.settings.link_sign_in and not parts.settings.production


def _site(request: Request, parts: Parts) -> Site:
    """What passkeys are bound to: the hub's own address, or `localhost` for a hub on this machine.

    The address is a setting and not what the request says, so that a page elsewhere cannot stand in between. On this
    machine any port will do: nobody else's pages are there.
    """
    own = urlsplit(parts.settings.url)
    if own.hostname not in LOOPBACK:
        return Site(own.hostname or "", f"{own.scheme}://{own.netloc}")
    port = urlsplit(f"//{request.headers.get('host', '')}").port
    return Site("localhost", f"{own.scheme}://localhost" + (f":{port}" if port else ""))


def _back(request: Request, parts: Parts) -> str:
    own = urlsplit(parts.settings.url)
    host = request.headers.get("host", "") if own.hostname in LOOPBACK else own.netloc
    return f"{own.scheme}://{host}/sign-in/provider/back"


async def _body(request: Request, model: type[Model]) -> Model:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > passkeys.MAX_ANSWER:
            raise BadInput("The request is too large.", code="too-large")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        raise invalid([str(part) for part in error.errors()[0]["loc"]] or ["body"]) from None


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
