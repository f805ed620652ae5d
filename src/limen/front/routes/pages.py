"""The pages: entry by one-time link, search, health, and the API's description. English; every word is in `words`."""

from __future__ import annotations

import asyncio
import io
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
import segno
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from limen import countries
from limen.access import sessions
from limen.errors import BadInput, LimenError
from limen.front import health
from limen.front.identity import caller, cookie_name, of_session, own_origin, whole_body
from limen.front.parts import Parts
from limen.front.routes.hub import described
from limen.ledger import receipt as receipts
from limen.terms import Position, Purpose

router = APIRouter(include_in_schema=False)

HERE = Path(__file__).parents[1]
MAX_CODE = 2900  # characters: a QR code of version 40-L holds 2,953 bytes
FINGERS = [(Position(code).slug, code) for code in range(1, 11)]


@lru_cache
def words() -> dict[str, Any]:
    """All words of the pages. Another language is another file beside this one."""
    found: dict[str, Any] = json.loads((HERE / "words" / "en.json").read_text("utf-8"))
    return found


@lru_cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(HERE / "templates")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def page(name: str, status: int = 200, **content: object) -> HTMLResponse:
    """One page."""
    content.setdefault("officer", None)
    return HTMLResponse(_environment().get_template(f"{name}.html").render(words=words(), **content), status)


@router.get("/")
async def entry(request: Request) -> Response:
    """Where a browser without a session ends up: it says how to get in, and nothing else."""
    if await of_session(request) is not None:
        return RedirectResponse("/search", 303)
    parts: Parts = request.app.state.parts
    return page("entry", failed=False, providers=await asyncio.to_thread(parts.providers.countries))


@router.post("/leave")
async def leave(request: Request) -> Response:
    """Sign this browser out."""
    parts: Parts = request.app.state.parts
    cookie = request.cookies.get(cookie_name(parts), "")

    def end() -> None:
        with parts.database.writing() as session:
            sessions.sign_out(session, cookie)

    own_origin(request)
    if cookie:
        await asyncio.to_thread(end)
    response = RedirectResponse("/", 303)
    response.delete_cookie(cookie_name(parts), path="/")
    return response


@router.get("/search")
async def search(request: Request) -> Response:
    """The officer's page: capture, search, answer."""
    officer = await of_session(request)
    if officer is None:
        return RedirectResponse("/", 303)
    named = sorted(((code, countries.name(code)) for code in countries.ORDER), key=lambda row: row[1])
    who = f"{officer.country}/{officer.name}"
    return page("search", officer=who, positions=FINGERS, purposes=[p.value for p in Purpose], countries=named)


@router.get("/health/page")
async def health_page(request: Request) -> Response:
    """How the hub is, for people."""
    officer = await of_session(request)
    if officer is None:
        return RedirectResponse("/", 303)
    parts: Parts = request.app.state.parts
    found = await health.summary(parts, details=True)
    try:
        identity = (await parts.vault.identity()).hex()
    except LimenError:
        identity = ""
    return page("health", officer=f"{officer.country}/{officer.name}", health=found, identity=identity)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The API, described for people. The same for every hub and in its source, hence open."""
    officer = await of_session(request)
    who = f"{officer.country}/{officer.name}" if officer else None
    return page("docs", officer=who, api=described(request), named=_named, shaped=_shaped)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The API, described for machines."""
    return JSONResponse(described(request))


@router.get("/receipt")
async def receipt(request: Request) -> Response:
    """Where a traveller checks a receipt, in their own browser; open to all, and nothing is sent to the hub."""
    limits = {"proves": receipts.PROVES, "proves_logged": receipts.PROVES_LOGGED, "cannot_prove": receipts.CANNOT_PROVE}
    return page("receipt", domain=receipts.DOMAIN.decode(), limits=limits)


@router.post("/receipt/code")
async def receipt_code(request: Request) -> Response:
    """A receipt's address as a QR code (SVG); for the officer's page. Nothing of it is kept."""
    who = await caller(request)
    address = await whole_body(request, who, MAX_CODE)
    drawn = await asyncio.to_thread(_drawn, address)
    return Response(drawn, media_type="image/svg+xml")


def _drawn(address: bytes) -> bytes:
    out = io.BytesIO()
    try:
        code = segno.make_qr(address.decode("ascii"), error="l")  # shown on a screen: size matters more than damage
    except (ValueError, UnicodeDecodeError):
        raise BadInput("This cannot be drawn as a code.", code="bad-request") from None
    code.save(out, kind="svg", scale=4, border=4, xmldecl=False)
    return out.getvalue()


def _named(content: dict[str, Any]) -> str:
    """What a body is, in a word."""
    schema = content.get("schema", {})
    return str(content.get("description") or _shaped(schema))


def _shaped(schema: dict[str, Any]) -> str:
    """The type of a field, in a word."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_shaped(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_shaped(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
