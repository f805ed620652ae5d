"""Records that end soon, for the bureau that owns them: over HTTP, and as a page."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from limen.access.caps import Kind
from limen.access.policy import Action, may
from limen.errors import LimenError
from limen.front.identity import Caller, caller
from limen.front.parts import Parts
from limen.front.routes.pages import page
from limen.front.routes.searches import ERRORS
from limen.records import reminders, store
from limen.records.moments import day, iso
from limen.records.personal import Personal
from limen.records.reminders import Waiting

router = APIRouter(tags=["records"])

PAGE = 20  # reminders at a time: for each the vault opens a record, and it opens so many an hour
MAX_SKIP = 1_000_000
Skip = Annotated[int, Query(ge=0, le=MAX_SKIP, description="how many to pass over, for the next page")]


class ReminderSaid(BaseModel):
    """A record of the caller's country that ends soon. Extend it with a reason, or let it go."""

    record: str | None = Field(description="the owner's own id; null while the vault cannot open it")
    last_day: str = Field(examples=["2027-05-21"], description="of the record, UTC")
    reminded_at: str = Field(description="ISO 8601, UTC")
    called: bool = Field(description="whether the bureau's address took the call about it")


class RemindersSaid(BaseModel):
    """All of them, and one page of them, the first to end first."""

    total: int
    reminders: list[ReminderSaid]


@router.get("/v1/reminders", response_model=RemindersSaid, responses=ERRORS)
async def waiting(request: Request, who: Annotated[Caller, Depends(caller)], skip: Skip = 0) -> RemindersSaid:
    """Records of the caller's country that end within six months and were not extended. For clerks and examiners.

    Each counts as a record read; `limen records reminders`, on the hub's machine, lists them all at once.
    """
    return await _read(request, who, skip)


@router.get("/desk/reminders", include_in_schema=False)
async def reminders_page(request: Request, skip: Skip = 0) -> Response:
    """The same for people."""
    who = await caller(request)
    said = await _read(request, who, skip)
    rest = skip + PAGE if skip + PAGE < said.total else None
    return page("reminders", officer=str(who.searcher), said=said, rest=rest)


async def _read(request: Request, who: Caller, skip: int) -> RemindersSaid:
    country = who.searcher.country
    may(who.officer, Action.READ_RECORDS, owner=country, device=who.device_state)
    parts: Parts = request.app.state.parts

    def read() -> tuple[int, list[Waiting]]:
        with parts.database.reading(country) as session:
            return reminders.count(session, country), reminders.waiting(session, country, skip=skip, limit=PAGE)

    total, found = await asyncio.to_thread(read)
    for _ in found:
        parts.guard.records(who.searcher, Kind.READS)
    return RemindersSaid(total=total, reminders=[await _said(parts, one) for one in found])


async def _said(parts: Parts, one: Waiting) -> ReminderSaid:
    try:
        fields = await parts.vault.unseal(store.fields_context(one.record), one.record.fields)
        record = Personal.unpack(fields).record_id
    except LimenError:  # a country's key is away: that it ends can be said all the same
        record = None
    return ReminderSaid(
        record=record,
        last_day=day(one.record.valid_until - 1),
        reminded_at=iso(one.at),
        called=one.sent is not None,
    )
