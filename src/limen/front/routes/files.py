"""Search by file: an ANSI/NIST-ITL file in, an ANSI/NIST-ITL file out, for systems that know nothing else.

The file is parsed in a worker; the front writes the answer from what the worker repeats of the file's head. The person
that the file names is neither read nor compared here.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from limen.errors import BadInput, LimenError
from limen.exchange import an2
from limen.front.identity import Caller, caller, checked
from limen.front.parts import Parts
from limen.front.routes.searches import ERRORS, SEALED_TYPE, SearchId, begin
from limen.search.answer import MatchSaid, SearchAnswer
from limen.search.open import OpenSearch
from limen.search.relay import Capture, Form
from limen.terms import Answer, Purpose
from limen.wire.messages import FileHead

router = APIRouter(prefix="/v1/searches", tags=["searches"])

TYPE = "application/octet-stream"
ORIGIN = "LIMEN"  # the hub's agency identifier (1.008) in its answers
_FILE = {"content": {TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@router.post(
    "/an2",
    response_class=Response,
    responses=ERRORS | {200: _FILE | {"description": "INT-I: SRE (hit, no hit or refer) or ERR (cannot tell)"}},
    openapi_extra={"requestBody": {"required": True} | _FILE},
)
async def search_by_file(
    request: Request,
    who: Annotated[Caller, Depends(caller)],
    purpose: Annotated[str, Query(description=f"one of {', '.join(Purpose)}")],
) -> Response:
    """Search with an ANSI/NIST-ITL file (Types 4, 10, 13, 14, 15); the answer is such a file.

    The kind of answer is also in the header `Limen-Answer`, the search's id, by which its receipt is had, in
    `Limen-Search`. The file is not sealed on its way: for that, open a search first and send it there.
    """
    parts: Parts = request.app.state.parts
    search = await begin(parts, who, purpose, None)
    return await _answered(parts, who, search, Capture(Form.FILE, checked(request, who)))


@router.put(
    "/{search_id}/file",
    response_class=Response,
    responses=ERRORS | {200: _FILE | {"description": "as of a search by file"}},
    openapi_extra={"requestBody": {"required": True, "content": {SEALED_TYPE: _FILE["content"][TYPE]}}},
)
async def send_file(request: Request, search_id: SearchId, who: Annotated[Caller, Depends(caller)]) -> Response:
    """Send an ANSI/NIST-ITL file, sealed, as the one capture of an open search; the answer is such a file.

    It is sealed to the one-time key as a capture is (HPKE, the offer as info), and answered as a search by file.
    """
    parts: Parts = request.app.state.parts
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != SEALED_TYPE:
        raise BadInput(
            "A file that is sent to an open search is sealed to its key.",
            advice=f"Seal it and send it as {SEALED_TYPE}, or use POST /v1/searches/an2.",
            code="unsupported-media-type",
        )
    search = parts.searches.open.own(bytes.fromhex(search_id), who.searcher)
    return await _answered(parts, who, search, Capture(Form.SEALED_FILE, checked(request, who)))


async def _answered(parts: Parts, who: Caller, search: OpenSearch, capture: Capture) -> Response:
    """Run the search, and answer with a file."""
    began = time.monotonic()
    answer = await parts.searches.run(search.id, who.searcher, capture)
    parts.metrics.answered(answer, time.monotonic() - began)
    try:
        portrait = await _portrait(parts, search, who, answer)
    finally:
        parts.searches.finish(search)
    headers = {"Limen-Answer": answer.answer, "Limen-Search": search.id.hex()}
    return Response(_written(answer, search.head, portrait), media_type=TYPE, headers=headers)


async def _portrait(parts: Parts, search: OpenSearch, who: Caller, answer: SearchAnswer) -> bytes:
    """JPEG of the first match; nothing if there is none or it cannot be opened now."""
    if not answer.matches or answer.matches[0].portrait is None:
        return b""
    view = parts.searches.shown(search.id, who.searcher, 0)
    if view is None or view.portrait is None:
        return b""
    try:
        image, kind = await parts.hits.portrait(view.portrait, who.searcher.country)
    except LimenError:
        return b""
    return image if kind == "image/jpeg" else b""


def _written(answer: SearchAnswer, head: FileHead | None, portrait: bytes) -> bytes:
    return an2.answer(
        _request(head),
        Answer(answer.answer),
        _explained(answer),
        origin=ORIGIN,
        candidate=_candidate(answer.matches[0]) if answer.matches else None,
        portrait=portrait,
    )


def _request(head: FileHead | None) -> an2.Transaction:
    """As much of the file that was searched with as its answer repeats."""
    words = (head.transaction, head.origin, head.control, head.domain, head.version) if head else (b"",) * 5
    kind, origin, control, domain, version = (word.rstrip(b"\0").decode("ascii", "replace") for word in words)
    rows = {4: (kind,), 8: (origin,), 9: (control,), **({13: (domain, version)} if domain else {})}
    return an2.Transaction((an2.Record(1, None, tuple(an2.Field(n, (row,)) for n, row in rows.items())),), ())


def _candidate(match: MatchSaid) -> dict[str, object]:
    return {
        "record_id": match.record,
        "names": match.names,
        "date_of_birth": match.date_of_birth,
        "sex": match.sex,
        "nationalities": match.nationalities,
        "notice": match.notice,
        "notice_number": match.notice_number,
        "offence": match.offence,
        "instructions": match.instructions,
    }


def _explained(answer: SearchAnswer) -> str:
    """The answer in plain words: what it is, whom it is from, what to do."""
    head = answer.answer.replace("-", " ").upper()
    whose = [f"Record of {match.owner_name}." for match in answer.matches[:1]]
    return " ".join([f"{head}.", *whose, *answer.next])
