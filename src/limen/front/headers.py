"""What every response carries so that browsers run nothing but the hub's own scripts and keep nothing of a search.

It is the outermost layer, so that also an unexpected error leaves as an answer of the usual shape, without its content.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limen.errors import LimenError
from limen.front import failures

log = structlog.get_logger("front")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",  # blob: the officer's own photo, which never leaves the page as a picture
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text can become markup or code
        "trusted-types 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send `Origin: null` with the pages' own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), usb=(), payment=(), browsing-topics=()",
    "X-Robots-Tag": "noindex",
    "Strict-Transport-Security": "max-age=31536000",  # browsers heed it over TLS only
}


UNEXPECTED = LimenError("Something unexpected went wrong.", advice="Try again; if it stays, tell the operator.")


class SecurityHeaders:
    """ASGI middleware that adds them; what is not a static file is also never stored by the browser."""

    def __init__(self, app: ASGIApp, as_page: Callable[[Request, LimenError], Awaitable[Response | None]]) -> None:
        """Around an application. as_page: an unexpected error for whoever reads pages; None for all others."""
        self._app, self._as_page = app, as_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers[name] = value
                headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:
            log.error("unexpected error", exc_info=error)  # the hub's logs name its type and place, never its words
            if not started:
                said = await self._as_page(Request(scope), UNEXPECTED) or failures.answer(UNEXPECTED)
                await said(scope, receive, with_headers)
