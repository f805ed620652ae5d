"""At the door: caps, canaries, who asks for the same record again and again, retired devices, and what follows."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from tests.front.house import BASE, House, tell

from limen.access import canaries, caps, directory, watch
from limen.access.caps import Kind, TooMany
from limen.access.signing import DEVICE, HttpSignature
from limen.access.tables import Alert
from limen.access.tables import Rule as RuleRow
from limen.client.hub import _Both
from limen.front.guard import Guard
from limen.records.tables import JournalRow, Officer
from limen.search.open import Searcher
from limen.wire.messages import Noticed

PURPOSE = {"purpose": "border-control"}
CAPTURE = {"content-type": "application/limen-sealed"}


async def search(client: httpx.AsyncClient) -> httpx.Response:
    opened = await client.post("/v1/searches", json=PURPOSE)
    if opened.status_code != 201:
        return opened
    return await client.put(opened.json()["capture_url"], content=b"sealed", headers=CAPTURE)


async def alert(house: House, rule: watch.Rule) -> Alert:
    """The alert, as soon as it is there."""
    async with asyncio.timeout(120):
        while True:
            with house.database.reading() as session:
                if found := session.scalars(select(Alert).where(Alert.rule == rule.value)).first():
                    return found
            await asyncio.sleep(0.02)


def officer(house: House, name: str) -> Officer:
    with house.database.reading() as session:
        found = directory.find_officer(session, name)
        assert found is not None
        return found


def test_a_cap_is_a_cap_and_going_on_is_noticed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            caps.allow(session, (Kind.OFFICER, "BIH/officer1"), minute=None, hour=2, day=None)
        await house.parts.guard.refresh()
        async with house.signed() as client, house.signed("BIH/officer2") as other:
            assert [(await search(client)).status_code for _ in range(3)] == [200, 200, 429]
            refused = (await search(client)).json()["error"]
            assert refused["code"] == "too-many-searches" and "2 searches an hour" in refused["message"]
            assert (await search(other)).status_code == 200
        found = await alert(house, watch.Rule.BURST)
        assert found.name == "BIH/officer1" and not found.suspended

    tell(tmp_path, story)


def test_whoever_finds_a_canary_is_suspended_at_once_and_told_nothing_of_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.hit()
        with house.database.writing() as session:
            canaries.name(session, house.record.id)
        async with house.signed() as client:
            assert (await search(client)).json()["answer"] == "hit"  # as any other
            found = await alert(house, watch.Rule.CANARY)
            assert found.suspended and officer(house, "BIH/officer1").suspended
            refused = await client.post("/v1/searches", json=PURPOSE)
            assert refused.status_code == 403 and "suspended" in refused.json()["error"]["message"]
        with house.database.reading() as session:
            kinds = [row.kind for row in session.scalars(select(JournalRow))]
        assert "suspended" in kinds or not kinds  # or it is in the ledger already

    tell(tmp_path, story)


def test_the_same_record_again_and_again_is_noticed_and_suspends_in_the_end(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            assert (await search(client)).status_code == 200
            asker = house.matcher.expected[-1].asker
            assert asker != bytes(16) and b"officer" not in asker
            house.matcher.tell(Noticed(asker, 20))
            assert not (await alert(house, watch.Rule.SAME_TARGET)).suspended
            house.matcher.tell(Noticed(bytes(16), 500))  # nobody's
            house.matcher.tell(Noticed(asker, 200))
            async with asyncio.timeout(120):
                while officer(house, "BIH/officer1").suspended is None:
                    await asyncio.sleep(0.02)
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 403

    tell(tmp_path, story)


def test_a_country_that_asks_for_one_record_through_many_officers_is_noticed_and_nobody_suspended(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            assert (await search(client)).status_code == 200
            house.matcher.tell(Noticed(b"BIH".ljust(16, b"\0"), 400))
            found = await alert(house, watch.Rule.SAME_TARGET)
            assert (found.name, found.country, found.kind, found.count) == ("BIH", "BIH", "country", 400)
            assert not found.suspended and (await search(client)).status_code == 200

    tell(tmp_path, story)


def test_a_retired_or_suspended_device_is_refused_and_noticed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = Ed25519PrivateKey.generate()
        with house.database.writing() as session:
            directory.add_device(session, "BIH/gate-3", key.public_key().public_bytes_raw())
        both = _Both(
            HttpSignature(house.keys["BIH/officer1"], "BIH/officer1"), HttpSignature(key, "BIH/gate-3", tag=DEVICE)
        )
        async with house._client(auth=both) as client:
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 201
            with house.database.writing() as session:
                assert watch.suspend(session, "BIH/gate-3", device=True)
            refused = await client.post("/v1/searches", json=PURPOSE)
            assert refused.status_code == 403 and "device" in refused.json()["error"]["message"]
            assert (await alert(house, watch.Rule.SUSPENDED_DEVICE)).name == "BIH/gate-3"
            with house.database.writing() as session:
                directory.retire_device(session, "BIH/gate-3")
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 401
            assert (await alert(house, watch.Rule.RETIRED_DEVICE)).kind == "device"

    tell(tmp_path, story)


def test_whoever_deletes_more_records_than_allowed_is_stopped_and_going_on_suspends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(watch.LIMITS, watch.Rule.BULK, watch.Limits(1, 4))

    async def story(house: House) -> None:
        with house.database.writing() as session:
            caps.allow(session, (Kind.DELETIONS, "BIH/officer1"), minute=None, hour=3, day=None)
        await house.parts.guard.refresh()
        clerk, other = (Searcher("BIH", name, uuid.uuid4(), None) for name in ("officer1", "officer2"))

        def delete(searcher: Searcher) -> bool:
            try:
                house.parts.guard.records(searcher, Kind.DELETIONS)
            except TooMany as error:
                assert "3 records deleted an hour" in error.message and "this officer" in error.message
                return False
            return True

        assert [delete(clerk) for _ in range(5)] == [True, True, True, False, False]
        assert delete(other)
        house.parts.guard.records(clerk, Kind.CHANGES)  # counted apart
        assert not (await alert(house, watch.Rule.BULK)).suspended
        delete(clerk)
        delete(clerk)
        async with asyncio.timeout(120):
            while officer(house, "BIH/officer1").suspended is None:
                await asyncio.sleep(0.02)
        assert officer(house, "BIH/officer2").suspended is None

    tell(tmp_path, story)


def test_in_production_a_country_deletes_ten_a_day_over_http_whoever_asks(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        guard = Guard(house.database, two_people=True)
        one, two = (Searcher("BIH", name, uuid.uuid4(), None) for name in ("officer1", "officer2"))
        for number in range(10):
            guard.records((one, two)[number % 2], Kind.DELETIONS)
        for searcher in (one, two):
            with pytest.raises(TooMany, match="10 records deleted without a second person"):
                guard.records(searcher, Kind.DELETIONS)
            guard.records(searcher, Kind.READS)
        guard.records(Searcher("SRB", "officer1", uuid.uuid4(), None), Kind.DELETIONS)
        assert (await alert(house, watch.Rule.BULK)).country == "BIH"
        await guard.close()
        with house.database.reading() as session:
            assert caps.used(session, (Kind.BULK, "BIH"), now=time.time()) == 10  # the command counts on from there
        for _ in range(20):
            house.parts.guard.records(one, Kind.DELETIONS)  # a hub for trial

    tell(tmp_path, story)


def test_searches_at_unusual_hours_are_noticed_and_rules_come_into_force(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            caps.allow(session, (Kind.PERSON, "BIH/officer1"), minute=None, hour=None, day=None, hours="0-0")
        await house.parts.guard.refresh()
        async with house.stranger() as browser:
            own = {"origin": BASE}
            await browser.post(f"/enter/{house.invite()}", headers=own)
            assert (await browser.post("/v1/searches", json=PURPOSE, headers=own)).status_code == 201
            await alert(house, watch.Rule.OFF_HOURS)
            with house.database.writing() as session:
                rule = '@because("Not today.") forbid (principal, action == Limen::Action::"search", resource);'
                session.add(RuleRow(name="not-today", text=rule, created=0))
            await house.parts.guard.refresh()
            refused = await browser.post("/v1/searches", json=PURPOSE, headers=own)
            assert refused.json()["error"]["message"] == "Not today."
            with house.database.writing() as session:
                session.delete(session.get_one(RuleRow, "not-today"))
            await house.parts.guard.refresh()
            assert (await browser.post("/v1/searches", json=PURPOSE, headers=own)).status_code == 201

    tell(tmp_path, story)


def test_where_only_alerts_are_wanted_nobody_is_suspended(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            assert (await search(client)).status_code == 200
            house.matcher.tell(Noticed(house.matcher.expected[-1].asker, 500))
            assert not (await alert(house, watch.Rule.SAME_TARGET)).suspended
            assert (await search(client)).status_code == 200

    tell(tmp_path, story, watch="alert")
