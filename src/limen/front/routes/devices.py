"""Devices that register themselves: a clerk's desk gives out a one-time code, the officer's browser uses it up."""

from __future__ import annotations

import asyncio
import base64
import binascii

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from limen.access import enlisting
from limen.access.policy import Action, may
from limen.errors import BadInput, NotAllowed
from limen.front.forms import form
from limen.front.identity import Caller, caller, json_body
from limen.front.parts import Parts
from limen.front.refusals import Way
from limen.front.routes.pages import page

router = APIRouter(include_in_schema=False)


class NewDevice(BaseModel, extra="forbid"):
    """A code, and the key that is to be the device's."""

    code: str = Field(max_length=32)
    public_key: str = Field(max_length=64, description="Ed25519, 32 bytes, base64")
    signature: str = Field(max_length=128, description="by that key over `access.enlisting.proof`, base64")


@router.post("/desk/devices")
async def give_code(request: Request) -> Response:
    """Name a device of one's own country, and get the code with which it registers itself; shown this once."""
    who = await _person(request)
    officer, name = who.officer, f"{who.officer.country}/{(await form(request)).get('name', '')}"
    may(officer, Action.MANAGE_PEOPLE, owner=officer.country, subject="device")
    parts, by = _parts(request), f"{officer.country}/{officer.name}"

    def issue() -> str:
        with parts.database.writing() as session:
            return enlisting.issue(session, name, by=by)

    code = await asyncio.to_thread(issue)
    minutes = enlisting.CODE_SECONDS // 60
    return page("code", officer=by, device=name, code=code, minutes=minutes, address=parts.settings.pages)


@router.post("/device")
async def enlist(request: Request) -> Response:
    """Register the device at which an officer is signed in, with a code that its country's bureau gave out."""
    who = await _person(request)
    said, parts = await json_body(request, who, NewDevice), _parts(request)
    key, signature = _bytes(said.public_key), _bytes(said.signature)

    def use() -> str:
        with parts.database.writing() as session:
            return enlisting.enlist(session, who.officer.country, said.code, key, signature)

    try:
        name = await asyncio.to_thread(use)
    except BadInput as error:
        if error.code == "bad-device-code":
            parts.refusals.refused(Way.DEVICE_CODE)
        raise
    return JSONResponse({"name": name}, 201)


async def _person(request: Request) -> Caller:
    who = await caller(request)
    if not who.person:
        raise NotAllowed("Devices are registered by people who are signed in to the pages.")
    return who


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise BadInput("The key or its signature is not base64.", code="bad-device-key") from None


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
