"""What others see is the same before, during and after somebody's search that finds nobody."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.front.house import House, tell

SEALED = {"content-type": "application/limen-sealed"}
ITS_OWN = {"date", "content-length"}  # of an answer; the content is compared itself
NONE = "0" * 32  # the id of no search
PATHS = (
    "/v1/hits",
    "/v1/searches",
    "/v1/leads",
    "/v1/hub",
    "/v1/switch",
    "/v1/reminders",
    "/health",
    "/search",
    "/hits",
)


async def seen(client: httpx.AsyncClient, search: str) -> list[tuple[object, ...]]:
    """All that a client is told, of whatever it asks: status, headers and content, without the search's id."""
    answers = [await client.get(path) for path in PATHS]
    answers += [await client.request(*of_it) for of_it in asked(search)]
    return [
        (
            answer.status_code,
            sorted((name, text) for name, text in answer.headers.items() if name not in ITS_OWN),
            answer.text.replace(search, NONE),
        )
        for answer in answers
    ]


def asked(search: str) -> list[tuple[str, str]]:
    """Every request about one search that has no body."""
    of_it = f"/v1/searches/{search}"
    return [("GET", f"{of_it}/receipt"), ("GET", f"{of_it}/portraits/0"), ("DELETE", of_it), ("GET", of_it)]


@pytest.mark.parametrize("who", ["BIH/officer2", "SRB/officer1"])
def test_another_officers_no_hit_changes_nothing_that_one_is_told(tmp_path: Path, who: str) -> None:
    async def story(house: House) -> None:
        async with house.signed() as searcher, house.signed(who) as other, house.stranger() as stranger:
            before = await seen(other, NONE), await seen(stranger, NONE)
            opened = (await searcher.post("/v1/searches", json={"purpose": "border-control"})).json()
            during = await seen(other, opened["id"]), await seen(stranger, opened["id"])
            answer = (await searcher.put(opened["capture_url"], content=b"sealed", headers=SEALED)).json()
            assert answer["answer"] == "no-hit"
            after = await seen(other, opened["id"]), await seen(stranger, opened["id"])
            assert (await searcher.get(f"/v1/searches/{opened['id']}/receipt")).status_code == 200  # it is there
        assert before == during == after

    tell(tmp_path, story)
