"""A clock that jumps back, while the hub runs and between two runs: nobody is served, and everyone is told why."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.front.house import BASE, House, tell

from limen.errors import Unavailable
from limen.front.clock import HubClock
from limen.vault.clock import TOLERANCE

DAY, YEAR = 86_400, 365 * 86_400
PURPOSE = {"purpose": "border-control"}


class Time:
    """The machine's clock, so many seconds beside the right time."""

    def __init__(self) -> None:
        self.off = 0.0

    def __call__(self) -> float:
        return time.time() + self.off


@pytest.mark.parametrize("back", [DAY, YEAR])
def test_nobody_is_served_by_a_clock_that_went_back(tmp_path: Path, back: float) -> None:
    async def story(house: House) -> None:
        machine = Time()
        house.parts.clock = HubClock(machine)
        async with house.signed() as client, house._client() as stranger:
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 201
            machine.off = -back
            for answer in (
                await client.post("/v1/searches", json=PURPOSE),
                await client.get("/v1/hits"),
                await stranger.post("/v1/token", json={}),
                await stranger.get("/osia/v1/galleries"),
            ):
                assert answer.status_code == (500 if "/osia/" in str(answer.url) else 503)  # OSIA knows no 503
                assert "clock has jumped back" in answer.text and "Set it right" in answer.text
            page = await stranger.get("/", headers={"accept": "text/html"})
            assert page.status_code == 503 and "clock has jumped back" in page.text
            how = await client.get("/health")
            assert (how.status_code, how.json()["status"]) == (503, "down")
            assert "clock has jumped back" in how.json()["problem"] and "gallery" not in how.json()
            for path in ("/v1/hub", "/ledger/checkpoint", "/static/limen.css"):
                assert (await stranger.get(f"{BASE}{path}")).status_code != 503, path
            machine.off = 1
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 201
            assert "problem" not in (await client.get("/health")).json()

    tell(tmp_path, story)


def test_what_the_vault_has_seen_counts_after_a_restart(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        seen = await house.parts.vault.latest()
        assert abs(seen - time.time()) < 60, "noted although nobody searched"
        machine = Time()
        machine.off = -DAY
        clock = HubClock(machine)
        clock.check()  # a front alone cannot know
        await clock.ask(house.parts.vault)
        with pytest.raises(Unavailable, match="jumped back"):
            clock.check()

    tell(tmp_path, story)


def test_a_time_server_s_correction_is_none() -> None:
    machine = Time()
    clock = HubClock(machine)
    machine.off = 5.0 - TOLERANCE
    clock.check()
    assert clock.problem is None
