"""Searches over HTTP: open one, send its capture, look at the portrait of a hit, be done with it."""

from __future__ import annotations

import base64
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from limen.access.policy import Action, may
from limen.capture.offer import Offer
from limen.errors import BadInput, NotFound
from limen.exchange import mrz as zones
from limen.front.failures import ErrorAnswer
from limen.front.identity import Caller, caller, checked, json_body
from limen.front.parts import Parts
from limen.hits.claim import ClaimedIdentity
from limen.search.admit import admit
from limen.search.answer import SearchAnswer
from limen.search.open import OpenSearch
from limen.search.relay import Capture, Form
from limen.terms import Modality, Position, Purpose
from limen.wire.messages import MAX_FACES

router = APIRouter(prefix="/v1/searches", tags=["searches"])

SEALED_TYPE, PLAIN_TYPE = "application/limen-sealed", "application/cbor"
SearchId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="the search's id")]


class Claimed(BaseModel, extra="forbid"):
    """What the person says they are called, or their document does. All parts are optional."""

    names: str = Field("", max_length=200, examples=["Jean MARTIN"])
    date_of_birth: str = Field("", max_length=10, examples=["1971-05-30"])
    nationality: str = Field("", max_length=3, description="alpha-3", examples=["FRA"])
    document_number: str = Field("", max_length=64)
    mrz: str = Field(
        "",
        max_length=zones.MAX_TEXT,
        description="the document's machine readable zone, two or three lines (ICAO 9303); gives what is not given",
    )

    def identity(self) -> ClaimedIdentity:
        """What was claimed, and for the rest what the document's zone says.

        Raises:
            BadInput: the zone is none, or is misread (`bad-mrz`).
        """
        told = self.model_dump(exclude={"mrz"})
        if self.mrz.strip():
            zone = zones.read(self.mrz)
            document = (zone.name, zone.date_of_birth, zone.nationality, zone.number)
            told = {field: given or read for (field, given), read in zip(told.items(), document, strict=True)}
        return ClaimedIdentity(**told)


class SearchQuestion(BaseModel, extra="forbid"):
    """What is asked. There is no search without a purpose."""

    purpose: str = Field(description=f"one of {', '.join(Purpose)}", examples=["border-control"])
    claimed_identity: Claimed | None = None


class SearchOpened(BaseModel):
    """An open search: its one-time key, vouched for by the hub (`offer` are the bytes under the signature)."""

    id: str = Field(description="16 bytes, hexadecimal")
    nonce: str = Field(description="32 bytes, base64")
    public_key: str = Field(description="X25519, 32 bytes, base64")
    expires: int = Field(description="Unix seconds; afterwards the search is gone")
    signature: str = Field(description="Ed25519 by the hub's identity over `offer`, 64 bytes, base64")
    offer: str = Field(description="103 bytes, base64; also the HPKE info")
    capture_url: str = Field(description="where the capture is to be PUT")


ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorAnswer, "description": "not signed in"},
    403: {"model": ErrorAnswer, "description": "not allowed"},
    422: {"model": ErrorAnswer, "description": "the request or the capture is not good"},
    503: {"model": ErrorAnswer, "description": "a part of the hub cannot serve now; the advice says when to try again"},
}
QUESTION = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SearchQuestion"}}},
    }
}
_ANY = (Modality.FACE, Position.UNKNOWN, 0)  # a container says of each image itself what it is
_BYTES = {"schema": {"type": "string", "format": "binary"}}
CAPTURE = {
    "requestBody": {
        "required": True,
        "content": {
            SEALED_TYPE: _BYTES | {"description": "HPKE-sealed capture container"},
            PLAIN_TYPE: _BYTES | {"description": "capture container, not sealed"},
            "image/*": _BYTES | {"description": "one image, not sealed; say what it is with modality and position"},
        },
    }
}


@router.post("", status_code=201, response_model=SearchOpened, responses=ERRORS, openapi_extra=QUESTION)
async def open_search(request: Request, who: Annotated[Caller, Depends(caller)]) -> SearchOpened:
    """Open a search.

    The answer holds a one-time key. Check its signature against the hub's published identity, seal the capture to it,
    and send it within the time given.
    """
    question = await json_body(request, who, SearchQuestion)
    claim = question.claimed_identity.identity() if question.claimed_identity else None
    return _opened(await begin(_parts(request), who, question.purpose, claim))


async def begin(parts: Parts, who: Caller, purpose: str, claim: ClaimedIdentity | None) -> OpenSearch:
    """Open a search for whoever may make it."""
    admitted = admit(purpose, claim)
    device = who.device.name if who.device else None
    may(who.officer, Action.SEARCH, purpose=admitted.purpose, device=who.device_state, device_name=device)
    parts.guard.admit(who.searcher, person=who.person, device=device)
    return await parts.searches.begin(who.searcher, admitted)


@router.put("/{search_id}/capture", response_model=SearchAnswer, responses=ERRORS, openapi_extra=CAPTURE)
async def send_capture(
    request: Request,
    search_id: SearchId,
    who: Annotated[Caller, Depends(caller)],
    modality: Annotated[str, Query(description="of a single image: face, finger, palm or mark")] = "face",
    position: Annotated[str, Query(description="of a single image: such as right-index, or an ANSI/NIST code")] = "0",
    face: Annotated[
        int, Query(ge=0, le=MAX_FACES, description="of a single photo with several faces: which, from 1, largest first")
    ] = 0,
) -> SearchAnswer:
    """Send the search's one capture, and get its answer.

    The capture is passed on to a single-use worker as it comes in; nothing of it is kept. A search takes one capture.
    """
    parts, began = _parts(request), time.monotonic()
    form = _form(request.headers.get("content-type", ""))
    what = (_modality(modality), _position(position), face) if form is Form.IMAGE else _ANY
    capture = Capture(form, checked(request, who), *what, device=who.device)
    answer = await parts.searches.run(bytes.fromhex(search_id), who.searcher, capture)
    parts.metrics.answered(answer, time.monotonic() - began)
    return answer


@router.get(
    "/{search_id}/portrait/{number}",
    response_class=Response,
    responses=ERRORS | {200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "the portrait"}},
)
async def portrait(
    request: Request,
    search_id: SearchId,
    number: Annotated[int, Path(ge=0, lt=8)],
    who: Annotated[Caller, Depends(caller)],
) -> Response:
    """The portrait of a record that this search found.

    For the searcher alone, while the search is still open: ten minutes after the answer, or until it is deleted.
    """
    parts = _parts(request)
    view = parts.searches.shown(bytes.fromhex(search_id), who.searcher, number)
    if view is None or view.portrait is None:
        raise NotFound("There is no such portrait.", code="no-such-portrait")
    image, kind = await parts.hits.portrait(view.portrait, who.searcher.country)
    return Response(image, media_type=kind)


@router.get("/{search_id}/receipt", response_model=dict[str, Any], responses=ERRORS)
async def receipt(request: Request, search_id: SearchId, who: Annotated[Caller, Depends(caller)]) -> dict[str, Any]:
    """The search's receipt with the proof that the hub's log holds the search: a tenth of a second after the answer.

    For the searcher alone, until ten minutes after the answer; anyone may check it (`limen receipt verify`).
    """
    return await _parts(request).receipts.complete(bytes.fromhex(search_id), who.searcher)


@router.delete("/{search_id}", status_code=204, responses=ERRORS)
async def end_search(request: Request, search_id: SearchId, who: Annotated[Caller, Depends(caller)]) -> None:
    """Be done with a search before its time is over."""
    _parts(request).searches.close(bytes.fromhex(search_id), who.searcher)


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _opened(search: OpenSearch) -> SearchOpened:
    offer = Offer(search.offer.search, search.offer.nonce, search.offer.public_key, search.offer.expires)
    return SearchOpened(
        id=search.id.hex(),
        nonce=_base64(offer.nonce),
        public_key=_base64(offer.public_key),
        expires=offer.expires,
        signature=_base64(search.offer.signature),
        offer=_base64(offer.signed_bytes()),
        capture_url=f"/v1/searches/{search.id.hex()}/capture",
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _form(content_type: str) -> Form:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == SEALED_TYPE:
        return Form.SEALED
    if kind == PLAIN_TYPE:
        return Form.PLAIN
    if kind.startswith("image/"):
        return Form.IMAGE
    raise BadInput(
        "The capture's Content-Type is not one that a search takes.",
        advice=f"Use {SEALED_TYPE}, {PLAIN_TYPE}, or image/... for a single image.",
        code="unsupported-media-type",
    )


def _modality(text: str) -> Modality:
    try:
        return Modality.parse(text)
    except ValueError as error:
        raise BadInput(f"{error}."[:200], code="bad-request") from None


def _position(text: str) -> Position:
    try:
        return Position.parse(text)
    except ValueError as error:
        raise BadInput(f"{error}."[:400], code="bad-request") from None
