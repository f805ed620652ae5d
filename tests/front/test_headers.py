"""Every answer, from every address and to everybody, also a refusal, tells browsers to run and keep nothing."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts
from tests.front.house import BASE, House, tell

from limen.front.headers import ALWAYS

ELSEWHERE = {("GET", "/static/none.js"), ("GET", "/nowhere"), ("GET", "/%00"), ("PATCH", "/v1/searches"), ("PUT", "/")}


def test_every_address_answers_everybody_with_the_headers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        asked = set(ELSEWHERE)
        for route in iter_route_contexts(house.app.routes):
            path = getattr(route, "path_format", "") or getattr(route, "path", "")
            asked |= {
                (method, re.sub(r"\{[^}]*\}", "x", path)) for method in getattr(route, "methods", None) or ["GET"]
            }
        assert len(asked) > 70
        async with house.stranger() as stranger, house.signed() as machine, house.stranger() as person:
            await person.post(f"/enter/{house.invite()}", headers={"origin": BASE})
            for method, path in sorted(asked):
                for client in (stranger, machine, person):
                    answer = await client.request(method, path, headers={"accept": "text/html"})
                    said = {name: answer.headers.get(name) for name in ALWAYS}
                    assert said == ALWAYS, (method, path, answer.status_code)
                    assert answer.headers["cache-control"] in ("no-store", "no-cache"), (method, path)
                    assert answer.status_code < 500 or path == "/health", (method, path)  # its processes are doubles

    tell(tmp_path, story)
