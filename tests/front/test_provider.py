"""Signing in at a country's own provider, against a real OpenID Connect provider, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from tests.front.house import BASE, House, tell

from limen.access import directory, providers
from limen.errors import BadInput, NotFound
from limen.vault.client import VaultClient

pytestmark = pytest.mark.filterwarnings("ignore")
HUB = "http://limen.test"


@pytest.fixture
def issuer() -> Iterator[str]:
    """A provider with one client and no other users than those who are named."""
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


def named(house: House, issuer: str, subject: str = "amra") -> None:
    """The house's hub knows the provider, and who its officer is there."""
    with VaultClient.connect(house.settings) as vault, house.database.writing() as session:
        seal = lambda context: vault.seal(context, b"a client's secret")[1]  # noqa: E731
        row = providers.set_provider(session, "BIH", issuer, "limen", seal)
        assert row.secret is not None and b"secret" not in row.secret
        officer = directory.find_officer(session, "BIH/officer1")
        assert officer is not None
        providers.name(session, officer, subject)


async def at_provider(address: str, subject: str) -> str:
    """What a person does at the provider; where it sends the browser back to."""
    async with httpx.AsyncClient() as person:
        back = await person.post(address, data={"sub": subject})
    return back.headers["location"]


def test_an_officer_signs_in_at_their_countrys_provider(tmp_path: Path, issuer: str) -> None:
    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, issuer)
        async with house.stranger() as browser:
            assert "/sign-in/BIH" in (await browser.get("/")).text
            away = await browser.get("/sign-in/BIH")
            asked = parse_qs(urlsplit(away.headers["location"]).query)
            assert asked["code_challenge_method"] == ["S256"] and asked["redirect_uri"] == [
                f"{HUB}/sign-in/provider/back"
            ]
            back = await at_provider(away.headers["location"], "amra")
            entered = await browser.get(back)
            assert entered.status_code == 200 and "samesite=strict" in entered.headers["set-cookie"].lower()
            assert "BIH/officer1" in (await browser.get("/search")).text
            assert (await browser.get(back)).status_code == 401  # once

    tell(tmp_path, story)


def test_nobody_who_was_not_named_and_nothing_begun_elsewhere_signs_in(tmp_path: Path, issuer: str) -> None:
    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, issuer)
        async with house.stranger() as browser, house.stranger() as other:
            away = (await browser.get("/sign-in/BIH")).headers["location"]
            assert (await browser.get(await at_provider(away, "somebody-else"))).status_code == 401
            away = (await browser.get("/sign-in/BIH")).headers["location"]
            back = await at_provider(away, "amra")
            assert (await other.get(back)).status_code == 401  # another browser: login CSRF
            assert (await browser.get(back.replace("code=", "code=x"))).status_code == 401
            assert (await browser.get("/sign-in/provider/back?state=x&code=y")).status_code == 401
            assert (await browser.get("/sign-in/FRA")).status_code == 404
            assert (await browser.get("/search")).status_code == 303

    tell(tmp_path, story)


def test_a_retired_officer_does_not_sign_in_and_a_silent_provider_is_said(tmp_path: Path, issuer: str) -> None:
    async def story(house: House) -> None:
        await asyncio.to_thread(named, house, issuer)
        async with house.stranger() as browser:
            away = (await browser.get("/sign-in/BIH")).headers["location"]
            back = await at_provider(away, "amra")
            with house.database.writing() as session:
                directory.retire_officer(session, "BIH/officer1")
            assert (await browser.get(back)).status_code == 401
            with house.database.writing() as session:
                providers.set_provider(session, "BIH", "http://localhost:9", "limen", None)
            assert (await browser.get("/sign-in/BIH", headers={"origin": BASE})).status_code == 503

    tell(tmp_path, story)


def test_a_provider_has_a_proper_address_and_a_subject_is_one_officers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            for issuer in ("http://login.example", "ftp://x", "https://x.example/?a=b"):
                with pytest.raises(BadInput):
                    providers.set_provider(session, "BIH", issuer, "limen", None)
            with pytest.raises(NotFound):
                providers.set_provider(session, "ITA", "https://login.example", "limen", None)
            one, two = (directory.find_officer(session, f"BIH/officer{n}") for n in (1, 2))
            assert one is not None and two is not None
            providers.name(session, one, "amra")
            with pytest.raises(BadInput, match="another officer"):
                providers.name(session, two, "amra")

    tell(tmp_path, story)
