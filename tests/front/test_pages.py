"""The pages, and what a stranger learns: nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.front.house import BASE, House, tell

from limen.front.routes.pages import words
from limen.reasons import Reason
from limen.terms import Position, Purpose

OPEN = ("/", "/health", "/v1/hub", "/docs", "/openapi.json", "/receipt")
OWN = {"origin": BASE}


def test_a_one_time_link_signs_a_browser_in_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        token = house.invite()
        async with house.stranger() as browser, house.stranger() as thief:
            assert "Enter" in (await browser.get(f"/enter/{token}")).text  # a preview does not use it up
            assert (await browser.post(f"/enter/{token}")).status_code == 401  # not from the hub's own page
            entered = await browser.post(f"/enter/{token}", headers=OWN)
            cookie = entered.headers["set-cookie"].lower()
            assert entered.status_code == 303 and "httponly" in cookie and "samesite=strict" in cookie
            assert "BIH/officer1" in (await browser.get("/search")).text
            again = await thief.post(f"/enter/{token}", headers=OWN)
            assert again.status_code == 401 and "used already" in again.text
            assert (await browser.post("/leave", headers=OWN)).status_code == 303
            assert (await browser.get("/search")).status_code == 303

    tell(tmp_path, story)


def test_a_session_cannot_be_used_from_another_site(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as browser:
            await browser.post(f"/enter/{house.invite()}", headers=OWN)
            question = {"purpose": "border-control"}
            for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {}):
                response = await browser.post("/v1/searches", json=question, headers=headers)
                assert (response.status_code, response.json()["error"]["code"]) == (403, "foreign-origin")
            assert (await browser.post("/v1/searches", json=question, headers=OWN)).status_code == 201
            opened = (await browser.post("/v1/searches", json=question, headers=OWN)).json()
            sent = await browser.put(
                opened["capture_url"], content=b"x", headers=OWN | {"content-type": "application/limen-sealed"}
            )
            assert sent.json()["answer"] == "no-hit"

    tell(tmp_path, story)


def test_a_stranger_learns_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as stranger:
            answers = set()
            for method, path in (
                ("POST", "/v1/searches"), ("GET", "/v1/searches"), ("PUT", f"/v1/searches/{'0' * 32}/capture"),
                ("GET", f"/v1/searches/{'0' * 32}/portrait/0"), ("DELETE", "/v1/searches/x"), ("GET", "/nowhere"),
                ("GET", "/.env"), ("GET", "/v1/records"), ("PATCH", "/"), ("GET", "/admin"), ("POST", "/receipt/code"),
            ):  # fmt: skip
                response = await stranger.request(method, path)
                answers.add((response.status_code, response.text))
            assert len(answers) == 1 and answers.pop()[0] == 401
            for path in ("/search", "/health/page"):
                assert (await stranger.get(path)).headers["location"] == "/"
            assert (await stranger.get("/metrics")).status_code == 401
            for path in OPEN:
                response = await stranger.get(path)
                assert response.status_code == (503 if path == "/health" else 200) and "officer1" not in response.text
            health = (await stranger.get("/health")).json()
            assert health["processes"]["vault"] == {"state": "up"} and "gallery" not in health

    tell(tmp_path, story)


def test_every_answer_has_the_headers_that_bind_browsers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as stranger:
            for path in (*OPEN, "/nowhere", "/static/search.js"):
                headers = (await stranger.get(path)).headers
                policy = headers["content-security-policy"]
                assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
                assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
                assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
                assert "server" not in headers

    tell(tmp_path, story)


def test_health_names_the_part_that_is_down(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as browser:
            await browser.post(f"/enter/{house.invite()}", headers=OWN)
            response = await browser.get("/health")
            health = response.json()
            # the double serves no enrolment socket, which is what is asked
            assert response.status_code == 503 and health["status"] == "down"
            states = {name: process["state"] for name, process in health["processes"].items()}
            assert states == {"front": "up", "opener": "down", "matcher": "up", "vault": "up"}
            assert health["gallery"]["records"] == 7 and health["gallery"]["complete"]
            page = (await browser.get("/health/page")).text
            assert "down" in page and "Searches are not possible now." in page

    tell(tmp_path, story)


def test_metrics_are_counts_without_content_for_who_shows_the_token(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.hit()
        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json={"purpose": "border-control"})).json()
            await client.put(opened["capture_url"], content=b"x", headers={"content-type": "application/cbor"})
            await client.post("/v1/searches", json={"purpose": "curiosity"})
        file = house.settings.run / "metrics.token"
        assert file.stat().st_mode & 0o777 == 0o600
        async with house.stranger() as scraper:
            token = file.read_text().strip()
            text = (await scraper.get("/metrics", headers={"authorization": f"Bearer {token}"})).text
        assert 'limen_searches_total{answer="hit",sealed="no"} 1.0' in text
        assert 'limen_errors_total{code="bad-purpose"} 1.0' in text
        assert 'limen_images_total{modality="face",used="yes"} 1.0' in text
        assert 'limen_sample_quality_bucket{le="80.0",modality="face"} 1.0' in text
        assert 'limen_hits{answer="hit",state="open"} 1.0' in text
        assert 'limen_gallery{of="records"} 7.0' in text and "limen_gallery_complete 1.0" in text
        assert 'limen_strongest_evidence_nats_bucket{le="-4.0",probe="prints"} 50.0' in text
        assert not re.search("BIH|FRA|officer|MARTIN", text)

    tell(tmp_path, story)


def test_the_description_names_every_open_address_and_no_internal_one(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.stranger() as stranger:
            api = (await stranger.get("/openapi.json")).json()
            docs = (await stranger.get("/docs")).text
        assert set(api["paths"]) >= {"/v1/searches", "/v1/searches/{search_id}/capture", "/v1/hub", "/health"}
        assert {"SearchQuestion", "Claimed", "SearchAnswer", "ErrorAnswer"} <= set(api["components"]["schemas"])
        assert "PUT /v1/searches/{search_id}/capture" in docs and "application/limen-sealed" in docs
        assert not re.search(r"(src|href)=.https?:", docs)

    tell(tmp_path, story)


@pytest.mark.parametrize("kind", ["purposes", "positions"])
def test_every_choice_has_its_words(kind: str) -> None:
    wanted = list(Purpose) if kind == "purposes" else [Position(code).slug for code in range(13)]
    assert set(wanted) <= set(words()[kind])


def test_every_reason_has_its_words() -> None:
    assert all(reason.text for reason in Reason)


def test_who_reads_pages_is_told_in_a_page_what_went_wrong(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        reads = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        async with house.stranger() as browser:
            before = [await browser.get(path, headers=reads) for path in ("/hits", "/nowhere")]
            assert [one.status_code for one in before] == [401, 401] and before[0].text == before[1].text
            assert "<h1>Not signed in</h1>" in before[0].text and 'href="/"' in before[0].text
            await browser.post(f"/enter/{house.invite()}", headers=OWN)
            refused = await browser.get("/hits", headers=reads)
            assert refused.status_code == 403 and "Ask someone of the role examiner" in refused.text
            assert "BIH/officer1" in refused.text and 'href="/desk"' in refused.text
            posted = await browser.post("/desk/people", data={"name": "x", "role": "officer"}, headers=reads | OWN)
            assert posted.status_code == 403 and "<h1>Not allowed</h1>" in posted.text
            nowhere = await browser.get("/nowhere", headers=reads)
            assert nowhere.status_code == 404 and "<h1>Nothing here</h1>" in nowhere.text
            wrong = await browser.post("/search", headers=reads | OWN)
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
            malformed = await browser.get("/hits/x", headers=reads)
            assert malformed.status_code == 400 and "<h1>That did not work</h1>" in malformed.text
            assert (await browser.get("/hits")).json()["error"]["code"] == "not-allowed"  # a script
            assert (await browser.get("/v1/hits", headers=reads)).json()["error"]["code"] == "not-allowed"

            def broken(*_: object) -> None:
                raise ZeroDivisionError("Jean MARTIN")

            house.parts.providers.countries = broken  # type: ignore[assignment, method-assign]
        async with house.stranger() as stranger:
            response = await stranger.get("/", headers=reads)
        assert response.status_code == 500 and "Something unexpected" in response.text
        assert "MARTIN" not in response.text and "content-security-policy" in response.headers

    tell(tmp_path, story)


def test_an_unexpected_error_has_the_usual_shape_and_no_content(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError("Jean MARTIN")

        house.parts.vault.identity = broken  # type: ignore[assignment]
        async with house.stranger() as stranger:
            response = await stranger.get("/v1/hub")
        assert (response.status_code, response.json()["error"]["code"]) == (500, "error")
        assert "MARTIN" not in response.text and "content-security-policy" in response.headers

    tell(tmp_path, story)
