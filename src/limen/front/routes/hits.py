"""Hits for those who must verify them: the capture beside the record, and a verdict. Over HTTP and as pages.

Only examiners of the country that searched see them. The vault opens pictures for each request; they are kept nowhere.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from limen import countries
from limen.access.policy import Action, may
from limen.errors import BadInput, LimenError, NotFound
from limen.front.identity import Caller, caller, json_body, whole_body
from limen.front.parts import Parts
from limen.front.routes.pages import page
from limen.front.routes.searches import ERRORS
from limen.hits import verify
from limen.hits.verify import Kept, Outcome
from limen.hits.view import RecordView
from limen.records.moments import iso
from limen.terms import Modality
from limen.wire.parts import Match

router = APIRouter(tags=["hits"])

HitId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="the hit's id")]
Number = Annotated[int, Path(ge=0, lt=32)]
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG"  # first bytes of what a worker draws (`opener.holding`)
MAX_FORM = 100  # bytes: outcome=inconclusive
_VERDICT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"outcome": {"enum": [one.value for one in Outcome]}}}
            }
        },
    }
}


class HitSaid(BaseModel):
    """A hit that is kept for verification."""

    id: str
    search: str = Field(description="the search's id, as on its receipt")
    answer: str = Field(examples=["refer"])
    purpose: str
    found_at: str = Field(description="ISO 8601, UTC")
    kept_until: str = Field(description="ISO 8601, UTC; then it is deleted with what is held")
    state: Literal["open", "confirmed", "rejected", "inconclusive"]
    said: str = Field(description="the caller's own verdict, if any")
    owner: str
    capture_held: bool


class PictureSaid(BaseModel):
    """One picture of what was captured."""

    modality: str
    position: str
    url: str


class HitShown(HitSaid):
    """A hit with what its verification needs."""

    names: list[str]
    record: str
    contact: str
    portrait: str | None
    pictures: list[PictureSaid]


class HitVerdict(BaseModel, extra="forbid"):
    """What an examiner says."""

    outcome: str


class HitDecided(BaseModel):
    """What the hit counts as now."""

    state: Literal["open", "confirmed", "rejected", "inconclusive"]


@router.get("/v1/hits", response_model=list[HitSaid], responses=ERRORS)
async def kept_hits(request: Request, who: Annotated[Caller, Depends(caller)]) -> list[HitSaid]:
    """The hits of the caller's country that are kept now, the newest first. For examiners."""
    may(who.officer, Action.VERIFY_HIT, owner=who.searcher.country)
    return [HitSaid(**_said(one)) for one in await _all(_parts(request), who)]


@router.get("/v1/hits/{hit_id}", response_model=HitShown, responses=ERRORS)
async def hit(request: Request, hit_id: HitId, who: Annotated[Caller, Depends(caller)]) -> HitShown:
    """One hit: the record as far as its owner lets it be seen, and addresses of the pictures that were captured."""
    return await _shown(_parts(request), who, hit_id)


@router.get(
    "/v1/hits/{hit_id}/capture/{number}",
    response_class=Response,
    responses=ERRORS | {200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "the picture"}},
)
async def captured(
    request: Request, hit_id: HitId, number: Number, who: Annotated[Caller, Depends(caller)]
) -> Response:
    """A picture of what was captured, drawn anew by the worker that opened it."""
    parts = _parts(request)
    samples = await _pictures(parts, await _one(parts, who, hit_id))
    if number >= len(samples):
        raise _no_picture()
    image = samples[number].image
    kind = "image/jpeg" if image.startswith(JPEG) else "image/png" if image.startswith(PNG) else ""
    if not kind:
        raise _no_picture()
    return Response(image, media_type=kind)


@router.get("/v1/hits/{hit_id}/portrait", response_class=Response, responses=ERRORS)
async def recorded(request: Request, hit_id: HitId, who: Annotated[Caller, Depends(caller)]) -> Response:
    """The record's portrait."""
    parts = _parts(request)
    view = await _view(parts, who, await _one(parts, who, hit_id))
    if view is None or view.portrait is None:
        raise _no_picture()
    image, kind = await parts.hits.portrait(view.portrait, who.searcher.country)
    return Response(image, media_type=kind)


@router.post("/v1/hits/{hit_id}/verdict", response_model=HitDecided, responses=ERRORS, openapi_extra=_VERDICT)
async def decide(request: Request, hit_id: HitId, who: Annotated[Caller, Depends(caller)]) -> HitDecided:
    """Say what the comparison showed: confirmed, rejected or inconclusive. Rejected, the capture is let go at once."""
    said = await json_body(request, who, HitVerdict)
    return HitDecided(state=await _decided(_parts(request), who, hit_id, said.outcome))  # type: ignore[arg-type]


@router.get("/hits", include_in_schema=False)
async def hits_page(request: Request) -> Response:
    """The examiner's list."""
    who = await caller(request)
    may(who.officer, Action.VERIFY_HIT, owner=who.searcher.country)
    found = await _all(_parts(request), who)
    return page("hits", officer=str(who.searcher), hits=[_said(one) for one in found], named=countries.name)


@router.get("/hits/{hit_id}", include_in_schema=False)
async def hit_page(request: Request, hit_id: HitId) -> Response:
    """The capture beside the record."""
    who = await caller(request)
    shown = await _shown(_parts(request), who, hit_id)
    return page(
        "hit", officer=str(who.searcher), hit=shown, outcomes=list(Outcome), owner_name=countries.name(shown.owner)
    )


@router.post("/hits/{hit_id}", include_in_schema=False)
async def decide_page(request: Request, hit_id: HitId) -> Response:
    """The page's buttons."""
    who = await caller(request)
    name, _, outcome = (await whole_body(request, who, MAX_FORM)).decode("ascii", "replace").partition("=")
    if name != "outcome":
        raise BadInput("The form is not of this page.", code="bad-request")
    await _decided(_parts(request), who, hit_id, outcome)
    return RedirectResponse("/hits", 303)


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _all(parts: Parts, who: Caller) -> list[Kept]:
    def read() -> list[Kept]:
        with parts.database.reading() as session:
            return verify.of_country(session, who.searcher.country, who.officer.id)

    return await asyncio.to_thread(read)


async def _one(parts: Parts, who: Caller, hit_id: str) -> Kept:
    may(who.officer, Action.VERIFY_HIT, owner=who.searcher.country)

    def read() -> Kept:
        with parts.database.reading() as session:
            return verify.one(session, uuid.UUID(hit_id), who.searcher.country, who.officer.id)

    return await asyncio.to_thread(read)


async def _decided(parts: Parts, who: Caller, hit_id: str, outcome: str) -> str:
    may(who.officer, Action.VERIFY_HIT, owner=who.searcher.country)
    searcher = who.searcher

    def write() -> str:
        with parts.database.writing() as session:
            state = verify.decide(
                session, uuid.UUID(hit_id), searcher.country, who.officer.id, outcome, by=str(searcher)
            )
        if state == Outcome.REJECTED:
            parts.database.wipe_log()
        return state

    return await asyncio.to_thread(write)


async def _shown(parts: Parts, who: Caller, hit_id: str) -> HitShown:
    kept = await _one(parts, who, hit_id)
    view = await _view(parts, who, kept)
    try:
        samples = await _pictures(parts, kept)
    except LimenError:  # the record can still be looked at
        samples = []
    return HitShown(
        **_said(kept),
        names=list(view.names) if view else [],
        record=view.number if view else "",
        contact=view.contact if view else "",
        portrait=f"/v1/hits/{hit_id}/portrait" if view and view.portrait else None,
        pictures=[
            PictureSaid(
                modality=Modality(sample.modality).slug,
                position=sample.position.slug,
                url=f"/v1/hits/{hit_id}/capture/{number}",
            )
            for number, sample in enumerate(samples)
        ],
    )


async def _view(parts: Parts, who: Caller, kept: Kept) -> RecordView | None:
    """The record as the country may see it now; None if its owner took it back or hides it."""
    matches = [Match(kept.record.handle, 0, 2 if kept.hit.answer == "hit" else 1, 0, 0)]
    return next(iter(await parts.hits.views(who.searcher.country, matches)), None)


async def _pictures(parts: Parts, kept: Kept) -> list[Any]:
    def read() -> bytes | None:
        with parts.database.reading() as session:
            return verify.held(session, kept)

    sealed = await asyncio.to_thread(read)
    return list(await verify.pictures(parts.vault, kept.hit, sealed)) if sealed else []


def _said(kept: Kept) -> dict[str, Any]:
    found = kept.hit
    return {
        "id": found.id.hex,
        "search": found.search.hex,
        "answer": found.answer,
        "purpose": found.purpose,
        "found_at": iso(found.at),
        "kept_until": iso(found.expires),
        "state": found.state,
        "said": kept.said,
        "owner": found.owner,
        "capture_held": kept.holds,
    }


def _no_picture() -> NotFound:
    return NotFound("There is no such picture; it may have been deleted.", code="no-such-picture")
