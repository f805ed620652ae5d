"""OSIA's galleries, which are the purposes that records are kept for, and its tasks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, Response

from limen.access.policy import Action
from limen.errors import NotFound
from limen.front.identity import Caller, caller
from limen.front.osia.answers import OsiaRoute, Result
from limen.front.osia.asked import Request_
from limen.front.osia.tasks import Tasks
from limen.records import encounters
from limen.records.encountering import Encounters
from limen.records.encounters import Ids
from limen.terms import Purpose

router = APIRouter(route_class=OsiaRoute)

ALL = "ALL"
MAX_PAGE = 1000  # OSIA's own default; each id has to be unsealed
_MAX_OFFSET = 1 << 62  # what the databases count to
_TRANSACTION = Query(alias="transactionId")


def purpose_of(gallery: str) -> str | None:
    """The purpose that a gallery stands for, None for all; `NotFound` if it is none."""
    if gallery == ALL:
        return None
    if gallery not in [purpose.value for purpose in Purpose]:
        raise NotFound("There is no such gallery.", advice=f"Galleries: {', '.join([ALL, *Purpose])}.")
    return gallery


@router.get("/galleries")
async def read_galleries(asked: Request_) -> Response:
    """The galleries that there are."""

    async def work() -> Result:
        asked.taken()
        asked.may(Action.READ_RECORDS)
        return Result([purpose.value for purpose in Purpose])

    return await asked.answered(work)


@router.get("/galleries/{gallery}")
async def read_gallery_content(asked: Request_, gallery: str, offset: int = 0, limit: int = MAX_PAGE) -> Response:
    """Ids of the country's own encounters in a gallery, at most a thousand at once."""
    start, count = min(max(offset, 0), _MAX_OFFSET), min(max(limit, 0), MAX_PAGE)

    def read(own: Encounters) -> list[Ids]:
        with own.database.reading(own.country) as session:
            return encounters.listed(session, own.vault, own.country, purpose_of(gallery), start, count)

    async def work() -> Result:
        asked.may(Action.READ_RECORDS)
        purpose_of(gallery)
        asked.taken()
        found = await asked.with_records(read)
        if not asked.callback and "text/csv" in asked.request.headers.get("accept", ""):
            lines = [f"{_csv(one.person)},{_csv(one.encounter)}\n" for one in found]
            return Result("".join(["personId,encounterId\n", *lines]), media="text/csv")
        return Result([{"personId": one.person, "encounterId": one.encounter} for one in found])

    return await asked.answered(work)


@router.get("/tasks/{task}/status")
async def read_task_status(
    request: Request, who: Annotated[Caller, Depends(caller)], task: str, transaction: Annotated[str, _TRANSACTION]
) -> Response:
    """Where one of the asker's own tasks stands."""
    tasks: Tasks = request.app.state.osia
    return JSONResponse(tasks.own(task, str(who.searcher)).status.value)


@router.post("/tasks/{task}/redeliver")
async def redeliver_task_result(
    request: Request, who: Annotated[Caller, Depends(caller)], task: str, transaction: Annotated[str, _TRANSACTION]
) -> Response:
    """Try anew to send the result of one of the asker's own tasks."""
    tasks: Tasks = request.app.state.osia
    tasks.redeliver(task, str(who.searcher))
    return Response(status_code=204)


def _csv(text: str) -> str:
    """RFC 4180; a spreadsheet must not take an id for a formula."""
    plain = f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
    return '"{}"'.format(plain.replace('"', '""')) if set(plain) & set('",\r\n') else plain
