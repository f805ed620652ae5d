"""A description of the whole API for schemathesis: the hub's own, and what it leaves out: the pages and OSIA."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi.routing import iter_route_contexts

from limen.front.app import create
from limen.settings import Settings

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FIELDS = ("verdict", "outcome", "name", "role", "key", "kind")  # of the pages' forms
#: Ends the session that the others need; needs a person's device; is for strangers, and says nothing of anybody's.
LEFT_OUT = ("/leave", "/enter", "/sign-in", "/static", "/docs", "/openapi.json", "/metrics")
_TEXT = {"type": "string"}


def whole(settings: Settings) -> dict[str, Any]:
    """The description of a running hub, with every address that its front has but `LEFT_OUT`."""
    found: dict[str, Any] = httpx.get(f"{settings.url}/openapi.json").json()
    for route in iter_route_contexts(create(settings).routes):
        path, methods = getattr(route, "path_format", ""), getattr(route, "methods", None) or ()
        if path in found["paths"] or path.startswith(LEFT_OUT):
            continue
        for method in methods:
            found["paths"].setdefault(path, {})[method.lower()] = _operation(path, method)
    return found


def _operation(path: str, method: str) -> dict[str, Any]:
    osia = path.startswith("/osia/")
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    if osia:
        parameters.append({"name": "transactionId", "in": "query", "required": True, "schema": _TEXT})
    said: dict[str, Any] = {"parameters": parameters, "responses": {"default": {"description": "anything"}}}
    if method in ("POST", "PUT"):
        fields = {"type": "object", "properties": dict.fromkeys(FIELDS, _TEXT)}
        said["requestBody"] = {"content": {JSON: {"schema": {}}} if osia else {FORM: {"schema": fields}}}
    return said
