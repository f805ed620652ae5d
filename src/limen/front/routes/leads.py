"""Leads over HTTP: which prints may have left a country's unsolved marks, and what its examiners say of them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from limen.access.policy import Action, may
from limen.front.identity import Caller, caller, json_body
from limen.front.parts import Parts
from limen.front.routes.searches import ERRORS
from limen.hits import leads
from limen.hits.leads import Known, State
from limen.hits.view import RecordView
from limen.records.moments import iso
from limen.wire.parts import Match

router = APIRouter(prefix="/v1/leads", tags=["leads"])

LeadId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="the lead's id")]
_VERDICT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"state": {"enum": ["confirmed", "dismissed"]}}}
            }
        },
    }
}


class LeadRecord(BaseModel):
    """A record of a lead, as far as its owner lets the mark's owner see it."""

    owner: str
    owner_name: str
    number: str = Field(description="the record's number, to quote when calling its owner")
    names: list[str]
    contact: str


class LeadSaid(BaseModel):
    """A print that may have left a mark. An examiner has to compare the two."""

    id: str
    found_at: str = Field(description="ISO 8601, UTC")
    state: Literal["open", "confirmed", "dismissed"]
    mark: LeadRecord
    print: LeadRecord


class LeadVerdict(BaseModel, extra="forbid"):
    """What an examiner says."""

    state: Literal["confirmed", "dismissed"]


@router.get("", response_model=list[LeadSaid], responses=ERRORS)
async def open_leads(request: Request, who: Annotated[Caller, Depends(caller)]) -> list[LeadSaid]:
    """The open leads of the caller's country: prints that came in and may have left its unsolved marks."""
    may(who.officer, Action.SEE_HIT, owner=who.searcher.country)
    parts: Parts = request.app.state.parts
    country = who.searcher.country

    def known() -> list[Known]:
        with parts.database.reading() as session:
            return leads.of_country(session, country)

    found = [await _said(parts, country, one) for one in await asyncio.to_thread(known)]
    return [one for one in found if one is not None]


@router.post("/{lead_id}", status_code=204, responses=ERRORS, openapi_extra=_VERDICT)
async def settle(request: Request, lead_id: LeadId, who: Annotated[Caller, Depends(caller)]) -> None:
    """Say what came of a lead: confirmed or dismissed. It leaves the list of open ones."""
    may(who.officer, Action.VERIFY_HIT, owner=who.searcher.country)
    verdict = await json_body(request, who, LeadVerdict)
    parts: Parts = request.app.state.parts

    def note() -> None:
        with parts.database.writing() as session:
            leads.settle(session, uuid.UUID(lead_id), who.searcher.country, State(verdict.state), str(who.searcher))

    await asyncio.to_thread(note)


async def _said(parts: Parts, country: str, known: Known) -> LeadSaid | None:
    """A lead in words; None if a record went away just now."""
    matches = [Match(record.handle, 0, 1, 0, 0) for record in (known.mark, known.found)]
    mark = await parts.hits.views(country, matches[:1])
    found = await parts.hits.views(country, matches[1:])
    if not mark or not found:
        return None
    lead: dict[str, Any] = {"id": known.lead.id.hex, "found_at": iso(known.lead.at), "state": known.lead.state}
    return LeadSaid(**lead, mark=_record(mark[0]), print=_record(found[0]))


def _record(view: RecordView) -> LeadRecord:
    return LeadRecord(
        owner=view.owner,
        owner_name=view.owner_name,
        number=view.number,
        names=list(view.names),
        contact=view.contact,
    )
