"""The hub itself: who it is, how it is, its counts, and the description of its API."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import func, select
from starlette.responses import JSONResponse, Response

from limen import __version__
from limen.errors import NotSignedIn, Unavailable
from limen.front import health
from limen.front.failures import ErrorAnswer
from limen.front.health import Health
from limen.front.identity import of_session
from limen.front.parts import Parts
from limen.matcher.watch import unpack
from limen.records.database import Database
from limen.records.tables import Hit

router = APIRouter(tags=["hub"])


class HubIdentity(BaseModel):
    """Which hub this is. Compare the key with the one that its operator publishes."""

    public_key: str = Field(description="Ed25519, 32 bytes, hexadecimal")
    version: str


@router.get("/v1/hub", response_model=HubIdentity, responses={503: {"model": ErrorAnswer, "description": "vault down"}})
async def identity(request: Request) -> HubIdentity:
    """The hub's identity: the public key that vouches for one-time keys and receipts. Open to all."""
    parts: Parts = request.app.state.parts
    return HubIdentity(public_key=(await parts.vault.identity()).hex(), version=__version__)


@router.get(
    "/health", response_model=Health, responses={503: {"model": Health, "description": "searches not possible"}}
)
async def how(request: Request) -> Response:
    """How the hub is. Open to all as a summary; with the gallery's size and restarts for those who are signed in."""
    parts: Parts = request.app.state.parts
    known = parts.clock.problem is None and await of_session(request) is not None
    found = await health.summary(parts, details=known)
    return JSONResponse(found.model_dump(exclude_none=True), 503 if found.status == "down" else 200)


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Counts for Prometheus; needs the token of `DATA/run/metrics.token`."""
    parts: Parts = request.app.state.parts
    if not parts.metrics.shown(request.headers.get("authorization", "")):
        raise NotSignedIn(
            "You are not signed in.", advice="Show the token of DATA/run/metrics.token as a bearer token."
        )
    parts.metrics.open.set(len(parts.searches.open))
    parts.metrics.complete.set(parts.feeder.complete)
    if (found := (await health.summary(parts, details=True)).gallery) is not None:
        for name in ("records", "faces", "fingers", "palms", "marks", "rejected"):
            parts.metrics.gallery.labels(name).set(getattr(found, name))
    parts.metrics.hits.clear()
    for answer, state, count in await asyncio.to_thread(_hits, parts.database):
        parts.metrics.hits.labels(answer, state).set(count)
    with contextlib.suppress(Unavailable):
        parts.metrics.evidence.counts = unpack(await parts.matcher.evidence())
    return Response(parts.metrics.text(), media_type="text/plain; version=0.0.4")


def _hits(database: Database) -> list[tuple[str, str, int]]:
    """How many kept hits and leads are in which state."""
    with database.reading() as session:
        found = session.execute(select(Hit.answer, Hit.state, func.count()).group_by(Hit.answer, Hit.state))
        return [(answer, state, count) for answer, state, count in found]


def described(request: Request) -> dict[str, Any]:
    """The API's description (OpenAPI 3.1)."""
    api: dict[str, Any] = request.app.openapi()
    return api
