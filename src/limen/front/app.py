"""The front's application: addresses, errors, headers, and the parts behind them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from limen import __version__
from limen.errors import LimenError
from limen.front import clients, failed, failures, osia, tls
from limen.front.clock import on_time
from limen.front.headers import SecurityHeaders
from limen.front.identity import caller
from limen.front.parts import running
from limen.front.routes import (
    desk,
    devices,
    files,
    hits,
    hub,
    leads,
    log,
    pages,
    reminders,
    searches,
    signin,
    switch,
    tokens,
)
from limen.front.routes.searches import SearchQuestion
from limen.settings import Settings

STATIC = Path(__file__).parent / "static"
# FastAPI would give addresses (one-time links) and errors' words to whatever OpenTelemetry the environment configures.
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create(settings: Settings) -> FastAPI:
    """The application. Its parts (database, vault, matcher) are opened when it starts and closed when it stops."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings) as parts, clients.trusting(app.state.tls, parts.database):
            parts.metrics.publish_token()
            app.state.parts = parts
            yield

    app = FastAPI(
        title="Limen",
        version=__version__,
        description="Search a person by face and fingers. Requests are signed with an Ed25519 key (RFC 9421).",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
        dependencies=[Depends(on_time)],
    )
    app.state.tls = tls.context(settings)  # what uvicorn serves with
    app.include_router(searches.router)
    app.include_router(files.router)
    app.include_router(hub.router)
    app.include_router(leads.router)
    app.include_router(log.router)
    app.include_router(hits.router)
    app.include_router(tokens.router)
    app.include_router(signin.router)
    app.include_router(reminders.router)
    app.include_router(switch.router)
    app.include_router(devices.router)
    app.include_router(desk.router)
    app.include_router(osia.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    failures.install(app, for_strangers=caller, as_page=_as_their_clients_read)
    app.add_middleware(SecurityHeaders, as_page=failed.unexpected)
    _describe_bodies(app)
    return app


async def _as_their_clients_read(request: Request, error: LimenError, status: int) -> Response | None:
    """An error in the standard's shape where a standard's clients ask, as a page for whoever reads pages."""
    if request.url.path.startswith(osia.BELOW):
        return osia.error_response(error, request, status)
    return await failed.as_page(request, error, status)


def _describe_bodies(app: FastAPI) -> None:
    """Add to the API's description the bodies that are read by hand, after their signature was checked."""
    generated = app.openapi

    def described() -> dict[str, object]:
        api = generated()
        schema = SearchQuestion.model_json_schema(ref_template="#/components/schemas/{model}")
        api["components"]["schemas"] |= schema.pop("$defs", {}) | {"SearchQuestion": schema}
        return api

    app.openapi = described  # type: ignore[method-assign]
