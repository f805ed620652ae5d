"""Errors as HTTP answers: one JSON shape, `{"error": {"code", "message", "advice"}}`, one status for each kind; for
whoever reads pages a page (`front.failed`).

Whoever is not signed in gets the same answer for every address that is not open, whether it exists or not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from limen import errors
from limen.errors import LimenError

RETRY_SECONDS = "2"  # of Retry-After: a process of the hub is back within that
_BY_CODE = {
    "capture-already-sent": 409,
    "too-many-searches": 429,
    "too-large": 413,
    "too-slow": 408,
    "unsupported-media-type": 415,
    "bad-request": 400,
}
_BY_KIND: list[tuple[type[LimenError], int]] = [
    (errors.NotSignedIn, 401),
    (errors.Refused, 403),
    (errors.NotFound, 404),
    (errors.BadInput, 422),
    (errors.Unavailable, 503),
    (errors.Damaged, 500),
]
_BY_STATUS = {
    404: errors.NotFound("There is nothing at this address.", advice="See /docs."),
    405: errors.BadInput("This address does not take this method.", advice="See /docs.", code="wrong-method"),
}


AsPage = Callable[[Request, LimenError, int], Awaitable[Response | None]]


class ErrorBody(BaseModel):
    """What happened, and what to do about it."""

    code: str
    message: str
    advice: str


class ErrorAnswer(BaseModel):
    """Every error of the API."""

    error: ErrorBody


def status_of(error: LimenError) -> int:
    """HTTP status of an error."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), 500)


def answer(error: LimenError, status: int | None = None) -> JSONResponse:
    """The error as a response."""
    status = status or status_of(error)
    said = ErrorBody(code=error.code, message=error.message, advice=error.advice)
    headers = {"Retry-After": RETRY_SECONDS} if status in (429, 503) else {}
    return JSONResponse(ErrorAnswer(error=said).model_dump(), status, headers)


def install(app: FastAPI, for_strangers: Callable[[Request], Awaitable[object]], as_page: AsPage) -> None:
    """Answer every error of the application in that shape.

    Args:
        app: the application.
        for_strangers: raises `NotSignedIn` for a request of nobody; asked before an address is said not to exist.
        as_page: the same error for whoever reads pages; None for all others.
    """

    async def said(request: Request, error: LimenError, status: int | None = None) -> Response:
        status = status or status_of(error)
        return await as_page(request, error, status) or answer(error, status)

    @app.exception_handler(LimenError)
    async def _limen(request: Request, error: LimenError) -> Response:
        request.app.state.parts.metrics.failures.labels(error.code).inc()
        return await said(request, error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return await said(request, invalid([str(part) for part in error.errors()[0]["loc"]]))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        try:
            await for_strangers(request)
        except LimenError as refused:
            return await said(request, refused)
        found = _BY_STATUS.get(error.status_code, errors.BadInput("The request cannot be served.", code="bad-request"))
        response = await said(request, found, error.status_code)
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(_methods(request))
        return response

    @app.exception_handler(ClientDisconnect)
    async def _gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody is there to read it


def _methods(request: Request) -> list[str]:
    """What the request's address takes, of all routes together; each route knows of its own methods only."""
    routes = request.app.router.routes
    asked = ({**request.scope, "method": method} for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"))
    return [str(one["method"]) for one in asked if any(route.matches(one)[0] is Match.FULL for route in routes)]


def invalid(where: list[str]) -> errors.BadInput:
    """A request whose field has the wrong form; names the field, never its content."""
    return errors.BadInput(
        f"The request's field '{'.'.join(where)}' is missing or has the wrong form.",
        advice="See /docs.",
        code="bad-request",
    )
