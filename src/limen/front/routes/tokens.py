"""Tokens for machines that speak OAuth 2.0 (RFC 6749, 7523, 9449); see `access.dpop`."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from limen.access import dpop
from limen.errors import BadInput, NotSignedIn
from limen.front.forms import form as read_form
from limen.front.parts import Parts
from limen.front.refusals import Way

router = APIRouter(tags=["tokens"])

MAX_FORM = 8 << 10  # bytes: an assertion has some 400
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_assertion_type": {"type": "string", "enum": [dpop.ASSERTION_TYPE]},
                        "client_assertion": {"type": "string", "description": "JWT by the officer's registered key"},
                    },
                }
            }
        },
    },
    "parameters": [
        {
            "in": "header",
            "name": "DPoP",
            "required": True,
            "schema": {"type": "string"},
            "description": "RFC 9449 proof",
        }
    ],
}


class TokenAnswer(BaseModel):
    """A token (RFC 6749, 5.1)."""

    access_token: str
    token_type: str = "DPoP"  # noqa: S105 - the name of a kind
    expires_in: int


class TokenRefused(BaseModel):
    """No token (RFC 6749, 5.2)."""

    error: str
    error_description: str


@router.post(
    "/v1/token",
    response_model=TokenAnswer,
    responses={400: {"model": TokenRefused}, 401: {"model": TokenRefused}},
    openapi_extra=_FORM,
)
async def token(request: Request) -> JSONResponse:
    """A token of ten minutes for a machine, bound to the key of its DPoP proof; answers as OAuth 2.0 has them."""
    parts: Parts = request.app.state.parts
    try:
        form = await read_form(request, MAX_FORM)
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", "Use grant_type=client_credentials.", 400)
        if form.get("client_assertion_type") != dpop.ASSERTION_TYPE:
            return _refused("invalid_request", "Send client_assertion_type and client_assertion (RFC 7523).", 400)
        proof, url = request.headers.get("dpop", ""), str(request.url)

        def issue() -> dpop.Issued:
            with parts.database.writing() as session:
                return dpop.issue(session, form.get("client_assertion", ""), proof, url)

        with parts.refusals.of(Way.TOKEN):
            issued = await asyncio.to_thread(issue)
    except BadInput as error:
        return _refused("invalid_request", str(error), 400)
    except NotSignedIn as error:
        kind = "invalid_dpop_proof" if "DPoP" in error.message else "invalid_client"
        return _refused(kind, str(error), 401 if kind == "invalid_client" else 400)
    return JSONResponse(TokenAnswer(access_token=issued.token, expires_in=issued.seconds).model_dump())


def _refused(error: str, description: str, status: int) -> JSONResponse:
    return JSONResponse(TokenRefused(error=error, error_description=description).model_dump(), status)
