"""A country's own switch over HTTP: one of its security or data-protection officers takes all its records out, at once.

The vault then opens nothing of the country; within seconds the matcher drops its templates. On again takes two of its
people, on the hub's machine (`limen keys release`): a front that was taken over can stop a country, never go on.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from limen.access.policy import Action, may
from limen.errors import BadInput
from limen.front.forms import form
from limen.front.identity import Caller, caller, json_body
from limen.front.parts import Parts
from limen.front.routes.searches import ERRORS
from limen.ledger.entry import Kind
from limen.records import journal

router = APIRouter(tags=["countries"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["state"], "properties": {"state": {"enum": ["off"]}}}
            }
        },
    }
}


class SwitchAsked(BaseModel, extra="forbid"):
    """What the switch is to be set to."""

    state: Literal["off"]


class SwitchSaid(BaseModel):
    """How a country's switch stands: `off` also where its key was taken back or its token is gone."""

    country: str
    state: Literal["on", "off"]


@router.get("/v1/switch", response_model=SwitchSaid, responses=ERRORS)
async def state(request: Request, who: Annotated[Caller, Depends(caller)]) -> SwitchSaid:
    """Whether the records of the caller's country can be searched. For its security and data-protection officers."""
    _may(who)
    return await _said(_parts(request), who)


@router.put("/v1/switch", response_model=SwitchSaid, responses=ERRORS, openapi_extra=_BODY)
async def switch(request: Request, who: Annotated[Caller, Depends(caller)]) -> SwitchSaid:
    """Switch all records of the caller's country off: nothing of it matches, answers or opens from then on.

    One person suffices, and it is on record. On again takes two of the country's people, on the hub's machine.
    """
    _may(who)
    await json_body(request, who, SwitchAsked)
    await _off(_parts(request), who)
    return await _said(_parts(request), who)


@router.post("/desk/switch", include_in_schema=False)
async def switch_at_the_desk(request: Request) -> Response:
    """The desk's button."""
    who = await caller(request)
    _may(who)
    if (await form(request)).get("state") != "off":
        raise BadInput("The form is not of this page.", code="bad-request")
    await _off(_parts(request), who)
    return RedirectResponse("/desk", 303)


def _may(who: Caller) -> None:
    may(who.officer, Action.SWITCH_OFF, owner=who.searcher.country, device=who.device_state)


async def _off(parts: Parts, who: Caller) -> None:
    await asyncio.to_thread(journal.announce, parts.database, Kind.SWITCH_CHANGED, str(who.searcher))
    await parts.vault.stop(who.searcher.country)


async def _said(parts: Parts, who: Caller) -> SwitchSaid:
    held = await parts.vault.countries()
    return SwitchSaid(country=who.searcher.country, state="on" if held.get(who.searcher.country) else "off")


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
