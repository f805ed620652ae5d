"""Loaded by schemathesis: what another country has is asked for by its names and numbers, and must never be read.

Two of three requests with an id in their address name something of France's (`planted`); no answer may hold the word
that stands in all of it, and none that names something may succeed, but for what somebody may make for themselves.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import schemathesis
from tests.front.osia import signing_hook  # noqa: F401 - what it registers is needed too
from tests.front.osia.planted import CLERK, PERSON, WORD

THEIRS: dict[str, str] = json.loads(os.environ["LIMEN_TEST_PLANTED"])
NOBODY_ELSES = set(THEIRS.values()) - {PERSON, "1"}
NUMBERS = {"/desk/approvals/": "approval", "/desk/alerts/": "alert", "/desk/cases/": "case"}
_turn = itertools.count()


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict) -> None:
    """Ask for what is France's."""
    del context, kwargs
    if next(_turn) % 3 == 0:
        return
    for name in case.path_parameters or {}:
        if (value := _theirs(name, case.operation.path)) is not None:
            case.path_parameters[name] = value
    if case.operation.path == "/desk/people/{action}" and isinstance(case.body, dict):
        case.body |= {"name": CLERK, "kind": "officer"}


def _theirs(name: str, path: str) -> str | None:
    number = next((key for below, key in NUMBERS.items() if path.startswith(below)), None)
    if name == "number":
        return THEIRS[number] if number else "0"
    if path.endswith(("/receipt", "/portrait/{number}")):
        return THEIRS["shown"] if name == "search_id" else None
    return THEIRS.get({"source": "person", "target": "person"}.get(name, name))


@schemathesis.check
def nothing_of_another_country(ctx: Any, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """The check: `WORD` is in no answer, and what is named is not there for the asker."""
    del ctx
    said = response.content + json.dumps(dict(response.headers)).encode()
    assert WORD.encode() not in said.lower(), "something of another country's was read"
    named = NOBODY_ELSES & {str(value) for value in (case.path_parameters or {}).values()}
    assert not (named and response.status_code < 300), "something of another country's was there for the asker"
