"""Errors as pages: whoever reads pages is told in one what happened and what to do, not in JSON."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from limen.errors import LimenError
from limen.front.identity import of_session
from limen.front.routes.pages import page, words

MACHINES = ("/v1/", "/osia/", "/static/")  # addresses that answer as their callers expect, whatever these accept


def reads_pages(request: Request) -> bool:
    """Whether a browser asks for something to show; the pages' own scripts and machines do not accept HTML."""
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not request.url.path.startswith(MACHINES)


async def as_page(request: Request, error: LimenError, status: int) -> Response | None:
    """The error as a page, with the way on; None for whoever does not read pages."""
    if not reads_pages(request):
        return None
    try:
        officer = await of_session(request)
    except LimenError:  # the page says what went wrong first
        officer = None
    said = words()["failed"]
    return page(
        "failed",
        status,
        officer=f"{officer.country}/{officer.name}" if officer else None,
        title=said["titles"].get(str(status), said["other"]),
        message=error.message,
        advice=error.advice,
    )


async def unexpected(request: Request, error: LimenError) -> Response | None:
    """The page of what nobody foresaw; it asks nothing of the parts that may have failed."""
    if not reads_pages(request):
        return None
    return page("failed", 500, title=words()["failed"]["other"], message=error.message, advice=error.advice)
