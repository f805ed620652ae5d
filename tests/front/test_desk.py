"""The desk: a National Central Bureau registers its own people, a second person decides, alerts and cases are seen."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path

import httpx
import pytest
from tests.front.house import BASE, House, tell

from limen.access import approvals, cases, directory, sessions, watch
from limen.access.approvals import Matter
from limen.access.cases import CaseKind, Content
from limen.access.directory import Role
from limen.errors import NotAllowed
from limen.records.tables import Officer
from limen.vault.client import VaultClient

OWN = {"origin": BASE}


def named(house: House, name: str, role: Role) -> Officer:
    with house.database.writing() as session:
        return directory.add_officer(session, name, None, role)


async def enter(house: House, browser: httpx.AsyncClient, name: str) -> None:
    with house.database.writing() as session:
        officer = directory.find_officer(session, name)
        assert officer is not None
        token = sessions.invite(session, officer)
    assert (await browser.post(f"/enter/{token}", headers=OWN)).status_code == 303


async def post(browser: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await browser.post(path, data=fields, headers=OWN)


def test_a_bureau_registers_invites_and_retires_its_own_people_and_no_others(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        named(house, "BIH/clerk", Role.CLERK)
        async with house.stranger() as browser, house.stranger() as fresh:
            await enter(house, browser, "BIH/clerk")
            made = await post(browser, "/desk/people", name="new", role="officer", key="")
            link = re.search(r"/enter/([\w-]{43})", made.text)
            assert link and (await fresh.post(f"/enter/{link[1]}", headers=OWN)).status_code == 303
            assert "BIH/new" in (await fresh.get("/search")).text
            assert (await post(browser, "/desk/people/revoke", name="BIH/new", kind="officer")).status_code == 303
            assert (await fresh.get("/search")).status_code == 303
            key = base64.b64encode(bytes(range(32))).decode()
            assert (await post(browser, "/desk/people", name="gate", role="device", key=key)).status_code == 303
            assert (await post(browser, "/desk/people", name="g2", role="device", key="")).status_code == 422
            assert "BIH/gate" in (await browser.get("/desk")).text
            assert (await post(browser, "/desk/people/retire", name="BIH/gate", kind="device")).status_code == 303
            assert "BIH/gate" not in (await browser.get("/desk")).text
            for role in ("administrator", "security", "king"):
                assert (await post(browser, "/desk/people", name="x", role=role, key="")).status_code == 403
            assert (await post(browser, "/desk/people/retire", name="SRB/officer1", kind="officer")).status_code == 404
            assert (await post(browser, "/desk/people/crown", name="BIH/new", kind="officer")).status_code == 404
            assert (await browser.post("/desk/people", data={"name": "x", "role": "officer"})).status_code == 403

    tell(tmp_path, story)


def test_an_examiners_desk_leads_to_the_hits(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        named(house, "BIH/examiner", Role.EXAMINER)
        async with house.stranger() as browser:
            await enter(house, browser, "BIH/examiner")
            assert 'href="/hits"' in (await browser.get("/desk")).text
            assert "nothing to verify" in (await browser.get("/hits")).text
            await enter(house, browser, "BIH/officer1")
            assert 'href="/hits"' not in (await browser.get("/desk")).text

    tell(tmp_path, story)


def test_an_officer_has_an_empty_desk_and_may_register_nobody(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as browser, house.signed() as machine:
            assert (await browser.get("/desk")).headers["location"] == "/"
            await enter(house, browser, "BIH/officer1")
            assert "nothing for your role" in (await browser.get("/desk")).text
            assert (await post(browser, "/desk/people", name="x", role="officer", key="")).status_code == 403
            assert (await machine.post("/desk/people", content=b"name=x&role=officer")).status_code == 403

    tell(tmp_path, story)


def test_the_second_person_decides_at_the_desk(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        clerk, _ = named(house, "BIH/clerk", Role.CLERK), named(house, "BIH/dpo", Role.DATA_PROTECTION)
        with house.database.writing() as session:
            what = {"what": "All records", "reason": "A court asks", "country": "BIH"}
            number = approvals.ask(session, clerk, Matter.EXPORT, {}, **what).id
        async with house.stranger() as first, house.stranger() as second:
            await enter(house, first, "BIH/clerk")
            await enter(house, second, "BIH/dpo")
            assert "another person decides" in (await first.get("/desk")).text
            assert (await post(first, f"/desk/approvals/{number}", verdict="approve")).status_code == 403
            assert "A court asks" in (await second.get("/desk")).text
            assert (await post(second, f"/desk/approvals/{number}", verdict="maybe")).status_code == 400
            assert (await post(second, f"/desk/approvals/{number}", verdict="approve")).status_code == 303
            assert "Approved" in (await first.get("/desk")).text
        with house.database.writing() as session:
            assert approvals.use(session, clerk, Matter.EXPORT, {})

    tell(tmp_path, story)


def test_nobody_makes_their_second_person_themselves(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        clerk, _ = named(house, "BIH/clerk", Role.CLERK), named(house, "BIH/dpo", Role.DATA_PROTECTION)
        with house.database.writing() as session:
            what = {"what": "All records", "reason": "A court asks", "country": "BIH"}
            number = approvals.ask(session, clerk, Matter.EXPORT, {}, **what).id
        async with house.stranger() as browser, house.stranger() as puppet:
            await enter(house, browser, "BIH/clerk")
            for path, fields in (
                ("/desk/people", {"name": "puppet", "role": "clerk", "key": ""}),  # one more colleague
                ("/desk/people/invite", {"name": "BIH/dpo", "kind": "officer"}),  # or in a real one's name
            ):
                link = re.search(r"/enter/([\w-]{43})", (await post(browser, path, **fields)).text)
                assert link and (await puppet.post(f"/enter/{link[1]}", headers=OWN)).status_code == 303
                refused = await post(puppet, f"/desk/approvals/{number}", verdict="approve")
                assert refused.status_code == 403 and "could be one person" in refused.text
        with house.database.writing() as session, pytest.raises(NotAllowed, match="two people"):
            approvals.use(session, clerk, Matter.EXPORT, {})

    tell(tmp_path, story)


def test_alerts_and_cases_are_for_those_who_look_after_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        named(house, "BIH/security", Role.SECURITY)
        named(house, "BIH/dpo", Role.DATA_PROTECTION)
        named(house, "FRA/dpo", Role.DATA_PROTECTION)

        def happen() -> str:
            with VaultClient.connect(house.settings) as vault, house.database.writing() as session:
                watch.notice(session, watch.Rule.CANARY, "BIH/officer1")
                asks = Content("Amra Example", "What do you keep of me?")
                return cases.open_case(session, vault, "BIH", CaseKind.ACCESS, asks).number

        number = await asyncio.to_thread(happen)
        async with house.stranger() as security, house.stranger() as dpo, house.stranger() as other:
            await enter(house, security, "BIH/security")
            await enter(house, dpo, "BIH/dpo")
            await enter(house, other, "FRA/dpo")
            shown = (await security.get("/desk")).text
            assert "no honest search finds" in shown and number not in shown
            [alert] = re.findall(r"/desk/alerts/([\w-]{36})", shown)
            assert (await post(other, f"/desk/alerts/{alert}")).status_code == 404
            assert (await post(security, f"/desk/alerts/{alert}")).status_code == 303
            assert (await post(security, "/desk/people/reinstate", name="BIH/officer1", kind="officer")).is_redirect
            assert alert not in (await security.get("/desk")).text
            assert number in (await dpo.get("/desk")).text and number not in (await other.get("/desk")).text
            assert "What do you keep" in (await dpo.get(f"/desk/cases/{number}")).text
            assert (await other.get(f"/desk/cases/{number}")).status_code == 404
            assert (await security.get(f"/desk/cases/{number}")).status_code == 403

    tell(tmp_path, story)
