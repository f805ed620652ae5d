"""Records that end soon: at the desk, over HTTP, and called out to their bureau; to nobody else."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.front.house import BASE, House, tell
from tests.front.test_desk import enter, named

from limen.access import bureaus
from limen.access.directory import Role
from limen.front.calls import Calls, signed_bytes
from limen.records import reminders

ADDRESS = "https://ncb.example/limen"


async def remind(house: House) -> None:
    """As the front does when half of the record's one day is over."""
    later = int(time.time()) + 50_000
    assert await asyncio.to_thread(reminders.note, house.database, now=later) == 1


def calls(house: House, answer: int, taken: list[httpx.Request]) -> Calls:
    def take(request: httpx.Request) -> httpx.Response:
        taken.append(request)
        return httpx.Response(answer, headers={"location": "https://elsewhere.example"})

    return Calls(house.database, house.parts.vault, "https://hub.example", httpx.MockTransport(take))


def test_who_keeps_a_countrys_records_sees_which_end_soon_and_nobody_else(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        named(house, "FRA/clerk", Role.CLERK)
        named(house, "BIH/clerk", Role.CLERK)
        async with house.stranger() as browser, house.stranger() as other, house.signed() as officer:
            await enter(house, browser, "FRA/clerk")
            await enter(house, other, "BIH/clerk")
            assert (await browser.get("/v1/reminders")).json() == {"total": 0, "reminders": []}
            assert "No record" in (await browser.get("/desk/reminders")).text
            await remind(house)
            assert 'href="/desk/reminders"' in (await browser.get("/desk")).text
            assert "FRA-7" in (await browser.get("/desk/reminders")).text
            said = (await browser.get("/v1/reminders")).json()
            assert (said["total"], said["reminders"][0]["record"], said["reminders"][0]["called"]) == (
                1,
                "FRA-7",
                False,
            )
            assert (await browser.get("/v1/reminders?skip=1")).json() == {"total": 1, "reminders": []}
            assert (await browser.get("/v1/reminders?skip=-1")).status_code == 400
            assert (await other.get("/v1/reminders")).json() == {"total": 0, "reminders": []}
            assert "FRA-7" not in (await other.get("/desk/reminders")).text
            assert (await officer.get("/v1/reminders")).status_code == 403
        async with house.stranger() as nobody:
            assert (await nobody.get("/v1/reminders")).status_code == 401

    tell(tmp_path, story)


def test_a_bureau_is_called_once_and_the_call_says_no_record(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            bureaus.name(session, "FRA", ADDRESS)
            bureaus.name(session, "BIH", "https://other.example")
        taken: list[httpx.Request] = []
        assert await calls(house, 204, taken).once() == 0 and taken == []
        await remind(house)
        for _ in range(2):
            assert await calls(house, 204, taken).once() == 0
        [request] = taken
        said = json.loads(request.content)
        assert (said["country"], said["records"], said["matter"]) == ("FRA", 1, "records-end")
        assert said["list"] == "https://hub.example/v1/reminders"
        assert str(request.url) == ADDRESS and b"FRA-7" not in request.content
        async with house.stranger() as nobody:
            key = bytes.fromhex((await nobody.get("/v1/hub")).json()["public_key"])
        signature = base64.b64decode(request.headers["limen-signature"])
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed_bytes(ADDRESS, request.content))

    tell(tmp_path, story)


def test_a_bureau_that_does_not_answer_is_called_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            bureaus.name(session, "FRA", ADDRESS)
        await remind(house)
        taken: list[httpx.Request] = []

        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("no route")

        unreachable = Calls(house.database, house.parts.vault, BASE, httpx.MockTransport(refuse))
        assert await unreachable.once() == 1
        for answer in (500, 302, 200, 200):
            assert await calls(house, answer, taken).once() == (answer != 200)
        assert len(taken) == 3 and all(request.url.host == "ncb.example" for request in taken)

    tell(tmp_path, story)
