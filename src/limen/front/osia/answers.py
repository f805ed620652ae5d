"""OSIA's answers: results as JSON, errors as `{"code", "message"}` under the statuses that OSIA has.

The status is the nearest that the standard lists for its operations; `code` is the hub's own status, which says more.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from limen.errors import LimenError
from limen.front.failures import RETRY_SECONDS, invalid, status_of
from limen.front.headers import UNEXPECTED
from limen.records.encountering import Exists

NO_NOT_FOUND = ("/status", "/galleries")  # OSIA has no 404 for PUT of these
_OSIA = {404: 404, 405: 405, 409: 409, 401: 403, 403: 403, 429: 403}  # else 400 or 500; OSIA knows no 401

log = structlog.get_logger("front")


@dataclass(frozen=True)
class Result:
    """What an operation came to: the status of a direct answer, and its content (None: 204, nothing to say)."""

    content: Any = None
    media: str = "application/json"

    def response(self) -> Response:
        """As a direct answer."""
        if self.content is None:
            return Response(status_code=204)
        if self.media == "application/json":
            return JSONResponse(self.content)
        return Response(self.content, media_type=self.media)

    @property
    def said(self) -> Any:
        """As the body of a call-back."""
        return "OK" if self.content is None else self.content


def error_content(error: LimenError, own: int | None = None) -> dict[str, Any]:
    """OSIA's Error; own: the hub's own status, if it is not the error's."""
    return {"code": own or _own_status(error), "message": str(error)}


def error_response(error: LimenError, request: Request, own: int | None = None) -> Response:
    """An error as a direct answer; own: as above."""
    own = own or _own_status(error)
    status = _OSIA.get(own, 500 if own >= 500 else 400)
    if status == 404 and request.method == "PUT" and request.url.path.endswith(NO_NOT_FOUND):
        status = 403
    headers = {"Retry-After": RETRY_SECONDS} if own in (429, 503) else {}
    return JSONResponse(error_content(error, own), status, headers)


def _own_status(error: LimenError) -> int:
    return 409 if isinstance(error, Exists) else status_of(error)


class OsiaRoute(APIRoute):
    """A route whose errors are OSIA's, and whose ids may hold any character: they are told apart before unquoting."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the address is this route's; a quoted slash or line break is part of an id, as RFC 3986 has it."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%" not in raw:
            return super().matches(scope)
        match, found = super().matches({**scope, "path": _quoted(raw)})
        if match is not Match.NONE:
            found["path_params"] = {name: unquote(value) for name, value in found["path_params"].items()}
        return match, found

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its errors answered here."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except LimenError as error:
                request.app.state.parts.metrics.failures.labels(error.code).inc()
                return error_response(error, request)
            except RequestValidationError as error:
                return error_response(invalid([str(part) for part in error.errors()[0]["loc"]]), request)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except Exception as error:
                log.error("unexpected", error=type(error).__name__)
                return error_response(UNEXPECTED, request)

        return handle


def _quoted(raw: bytes) -> str:
    """An address with everything quoted that may be: of several spellings one."""
    return "/".join(quote(unquote_to_bytes(part), safe="") for part in raw.split(b"/"))
