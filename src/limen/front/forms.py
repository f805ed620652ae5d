"""Small forms of the pages, without a library that spools bodies to the disk."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request

from limen.errors import BadInput

MAX_FORM = 16 << 10  # bytes
MAX_FIELDS = 20


async def form(request: Request, most: int = MAX_FORM) -> dict[str, str]:
    """Fields of a URL-encoded body; `BadInput` if it is none, too large, or names a field twice."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadInput("The request is too large.", code="too-large")
    try:
        fields = parse_qs(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, strict_parsing=bool(body)
        )
    except ValueError:
        raise BadInput("The request is no form.", code="bad-request") from None
    if any(len(values) != 1 for values in fields.values()):
        raise BadInput("A field of the request is given twice.", code="bad-request")
    return {name: values[0] for name, values in fields.items()}
