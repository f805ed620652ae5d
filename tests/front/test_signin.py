"""Signing in with a passkey, in a real browser with a virtual authenticator (WebAuthn), and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from tests.front.browser import phone
from tests.front.house import BASE, House, tell
from tests.front.listening import Listening, listening

from limen.access import directory, sessions, watch
from limen.access.tables import Passkey
from limen.records.tables import JournalRow

OWN = {"origin": BASE}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Listening]:
    """A front on a port."""
    with listening(tmp_path) as running:
        running.url = running.url.replace("127.0.0.1", "localhost")
        yield running


def authenticator(page: Page, **more: object) -> str:
    """A virtual authenticator in this browser, in which the person verifies themselves."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = tools.send("WebAuthn.addVirtualAuthenticator", {"options": options | more})
    return str(made["authenticatorId"])


@pytest.mark.browser
def test_a_link_makes_a_passkey_and_the_passkey_signs_in(hub: Listening) -> None:
    with phone() as page:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        authenticator(page)
        link = f"{hub.url}/enter/{hub.house.invite()}"
        page.goto(link)
        page.get_by_label("What to call this passkey").fill("Post 3")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_text("BIH/officer1")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_text("BIH/officer1")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.goto(link)  # it was used up
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("used already")
        assert not complaints
    with hub.house.database.reading() as session:
        [kept] = session.scalars(select(Passkey)).all()
        assert kept.name == "Post 3" and kept.used is not None


@pytest.mark.browser
def test_without_verifying_oneself_a_passkey_is_not_made(hub: Listening) -> None:
    with phone() as page:
        authenticator(page, isUserVerified=False)
        page.goto(f"{hub.url}/enter/{hub.house.invite()}")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was signed in")


@pytest.mark.browser
def test_the_passkey_of_someone_suspended_or_retired_does_not_sign_in(hub: Listening) -> None:
    with phone() as page:
        authenticator(page)
        page.goto(f"{hub.url}/enter/{hub.house.invite()}")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_text("BIH/officer1")).to_be_visible()
        with hub.house.database.writing() as session:
            assert watch.suspend(session, "BIH/officer1")
        page.goto(f"{hub.url}/search")  # the session ended with it
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("does not sign in here")
        with hub.house.database.writing() as session:
            watch.reinstate(session, None, "BIH/officer1")
            directory.retire_officer(session, "BIH/officer1")
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("does not sign in here")


def test_made_up_answers_are_refused_and_leave_the_link_good(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        token = house.invite()
        async with house.stranger() as browser:
            options = (await browser.post(f"/enter/{token}/options", headers=OWN)).json()
            assert options["user"]["name"] == "BIH/officer1" and options["rp"]["id"] == "localhost"
            assert (await browser.post("/enter/made-up/options", headers=OWN)).status_code == 401
            assert (await browser.post(f"/enter/{token}/options")).status_code == 403  # not from our pages
            for credential in ({}, {"id": "AA", "response": {"clientDataJSON": "e30"}}, {"response": 7}, {"id": 5}):
                made = await browser.post(f"/enter/{token}/passkey", headers=OWN, json={"credential": credential})
                used = await browser.post("/sign-in", headers=OWN, json={"credential": credential})
                assert (made.status_code, used.status_code) == (401, 401)
            assert (await browser.post("/sign-in", headers=OWN, content=b"x" * 20_000)).status_code == 413
            assert (await browser.post("/sign-in", headers=OWN, json={"credential": [1]})).status_code == 400
            assert (await browser.post(f"/enter/{token}", headers=OWN)).status_code == 303

    tell(tmp_path, story)


def test_where_links_do_not_sign_in_they_only_register_passkeys(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        token = house.invite()
        async with house.stranger() as browser:
            assert "without a passkey" not in (await browser.get(f"/enter/{token}")).text
            assert (await browser.post(f"/enter/{token}", headers=OWN)).status_code == 401
            assert (await browser.post(f"/enter/{token}/options", headers=OWN)).status_code == 200

    tell(tmp_path, story, link_sign_in=False)


def test_sessions_end_at_once_and_sign_ins_are_on_record(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as browser:
            await browser.post(f"/enter/{house.invite()}", headers=OWN)
            assert (await browser.get("/search")).status_code == 200
            with house.database.writing() as session:
                officer = directory.find_officer(session, "BIH/officer1")
                assert officer is not None and sessions.revoke(session, officer, by="BIH/clerk") == 1
                waiting = {(row.kind, row.who) for row in session.scalars(select(JournalRow))}
            assert (await browser.get("/search")).status_code == 303
            assert ("policy-changed", "BIH/clerk") in waiting

    tell(tmp_path, story)
