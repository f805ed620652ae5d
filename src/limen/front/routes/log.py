"""The hub's transparency log over HTTP, in the paths of C2SP tlog-tiles, for everyone: nothing in it names anybody.

/ledger/checkpoint   /ledger/tile/<L>/<N>[.p/<W>]   /ledger/tile/entries/<N>[.p/<W>]   /ledger/key
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from limen.errors import NotFound
from limen.front.parts import Parts
from limen.ledger import note
from limen.ledger.note import Key

router = APIRouter(prefix="/ledger", tags=["ledger"])

_GROUPS = r"(?:x[0-9]{3}/){0,4}[0-9]{3}"  # a tile's number, in groups of three digits
_TILE = re.compile(rf"(?:entries|[0-9]|[1-5][0-9]|6[0-3])/{_GROUPS}(\.p/(?:[1-9][0-9]{{0,2}}))?")
MAX_FILE = 256 * (2 + 65535)  # bytes of the largest entry bundle


@router.get("/checkpoint", response_class=PlainTextResponse)
async def checkpoint(request: Request) -> Response:
    """The log's newest head, signed by the hub: origin, number of entries, root (C2SP tlog-checkpoint)."""
    return Response(await _file(request, "checkpoint"), media_type="text/plain; charset=utf-8")


@router.get("/key", response_class=PlainTextResponse)
async def key(request: Request) -> Response:
    """The log's key, as witnesses and other tools want it; compare it with the one that the operator publishes."""
    parts: Parts = request.app.state.parts
    head = note.parse(note.split(await _file(request, "checkpoint"))[0])
    return PlainTextResponse(f"{Key(head.origin, await parts.vault.identity())}\n")


@router.get("/tile/{path:path}", response_class=Response)
async def tile(request: Request, path: str) -> Response:
    """256 hashes of a level, or 256 entries; fewer at the log's right edge, with `.p/` and their number."""
    found = _TILE.fullmatch(path)
    if found is None:
        raise _nothing()
    content = await _file(request, f"tile/{path}")
    return Response(content, media_type="application/octet-stream")


async def _file(request: Request, name: str) -> bytes:
    parts: Parts = request.app.state.parts
    return await asyncio.to_thread(_read, parts.settings.data / "ledger" / name)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE)
    except OSError:
        raise _nothing() from None


def _nothing() -> NotFound:
    return NotFound("The log has no such file, or not any more.", advice="Ask for the full tile.", code="no-such-tile")
