"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): every request is signed, as a machine of a country signs it.

Random addresses are no call-backs; where there is one, it is the test's own, and some requests name a real gallery.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import requests
import schemathesis
from requests.auth import AuthBase

from limen.access import keys
from limen.access.signing import content_digest, sign

WHO = os.environ["LIMEN_TEST_SIGNER"]
KEY = keys.load(WHO)
SESSION = os.environ.get("LIMEN_TEST_SESSION", "")  # cookie of the same officer at the pages
PAGES = ("/desk", "/hits", "/search", "/receipt", "/health/page")
HOP_BY_HOP = {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class Signed(AuthBase):
    """RFC 9421, as `limen.access.signing` has it; at the pages by a browser's session."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if SESSION and urlsplit(str(request.url)).path.startswith(PAGES):
            request.headers["cookie"] = f"limen={SESSION}"
            request.headers["origin"] = f"http://{urlsplit(str(request.url)).netloc}"
            return request
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        if body:
            request.headers["content-digest"] = content_digest(body)
        sign(request, KEY, WHO)
        return request


schemathesis.auth.set_from_requests(Signed())
schemathesis.serializer.alias(["application/limen-sealed", "application/cbor", "image/*"], "application/octet-stream")


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict) -> None:
    """Send what valid requests ask to be called back to where the test listens, or nowhere.

    Headers that are between a client and its connection alone are nobody's to make up: with them a request is no HTTP.
    """
    del context, kwargs
    for name in [name for name in case.headers or {} if name.lower() in HOP_BY_HOP]:
        del case.headers[name]
    if isinstance(case.query, dict) and str(case.query.get("callback", "")).startswith("http"):
        case.query["callback"] = os.environ["LIMEN_TEST_CALLBACK"]
