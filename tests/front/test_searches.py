"""Searches over HTTP: signed, streamed, answered, forgotten."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.front.house import House, portrait_jpeg, tell

from limen.access import directory, sessions
from limen.access.signing import content_digest
from limen.capture.offer import Offer, verify_offer
from limen.errors import Refused
from limen.ledger import receipt as receipts
from limen.records.tables import Hit
from limen.wire.messages import CaptureStart, DeviceSaid, PlainImage

CLAIM = {"names": "Ivan PETROV", "date_of_birth": "1980-01-01", "nationality": "SRB"}
SEALED = {"content-type": "application/limen-sealed"}


async def search(client: httpx.AsyncClient, body: bytes = b"sealed", headers: dict[str, str] = SEALED, **question):
    """Open a search, send a capture, and return the answer's response."""
    opened = await client.post("/v1/searches", json={"purpose": "border-control", **question})
    assert opened.status_code == 201, opened.text
    return await client.put(opened.json()["capture_url"], content=body, headers=headers)


def test_a_search_is_opened_with_an_offer_and_answered(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json={"purpose": "border-control"})).json()
            offer = Offer(
                bytes.fromhex(opened["id"]), base64.b64decode(opened["nonce"]),
                base64.b64decode(opened["public_key"]), opened["expires"],
            )  # fmt: skip
            assert base64.b64decode(opened["offer"]) == offer.signed_bytes()
            with pytest.raises(Refused):  # the double's signature is none
                verify_offer(offer, base64.b64decode(opened["signature"]), b"k" * 32, now=0)
            response = await client.put(opened["capture_url"], content=b"sealed", headers=SEALED)
            answer = response.json()
            assert (response.status_code, answer["answer"], answer["gallery"]) == (200, "no-hit", {"records": 7})
            identity = bytes.fromhex((await client.get("/v1/hub")).json()["public_key"])
            assert receipts.verify(answer["receipt"], identity)["kept"] == []
            again = await client.put(opened["capture_url"], content=b"sealed", headers=SEALED)
            assert (again.status_code, again.json()["error"]["code"]) == (404, "no-such-search")
        with house.database.reading() as session:
            assert session.query(Hit).count() == 0

    tell(tmp_path, story)


def test_a_hit_shows_who_is_wanted_and_the_portrait_to_its_searcher_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.hit()
        async with house.signed() as client, house.signed("BIH/officer2") as other, house.stranger() as stranger:
            answer = (await search(client, claimed_identity=CLAIM)).json()
            [match] = answer["matches"]
            assert (answer["answer"], match["names"], match["owner_name"]) == (
                "hit", ["MARTIN, Jean", "Le Grand"], "France",
            )  # fmt: skip
            assert (match["notice"], match["urgent"], match["offence"]) == ("red", True, "Armed robbery")
            assert match["contact"].startswith("NCB Paris") and match["agreed"] == ["face", "right-index"]
            assert answer["claim"]["contradicts"] and len(answer["claim"]["fields"]) == 3
            portrait = await client.get(match["portrait"])
            assert portrait.content == portrait_jpeg() and portrait.headers["content-type"] == "image/jpeg"
            assert portrait.headers["cache-control"] == "no-store"
            assert (await other.get(match["portrait"])).status_code == 404
            assert (await stranger.get(match["portrait"])).status_code == 401
            assert (await client.delete(f"/v1/searches/{answer['id']}")).status_code == 204
            assert (await client.get(match["portrait"])).status_code == 404
        with house.database.reading() as session:
            [hit] = session.query(Hit).all()
            assert (hit.owner, hit.country, hit.answer, hit.held) == ("FRA", "BIH", "hit", None)
            assert hit.officer_id is not None and hit.expires - hit.at == 72 * 3600

    tell(tmp_path, story)


def test_a_record_that_its_owner_hides_from_the_country_is_never_shown(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.hit()
        async with house.signed("SRB/officer1") as client:
            answer = (await search(client)).json()
        assert (answer["answer"], answer["matches"]) == ("cannot-tell", [])
        assert "MARTIN" not in json.dumps(answer)

    tell(tmp_path, story)


def test_the_body_is_relayed_while_it_comes_in(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        seen: list[int] = []

        async def body() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * 1000
                await asyncio.sleep(0.05)
                seen.append(len(house.opener.received))

        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json={"purpose": "border-control"})).json()
            headers = SEALED | {"content-digest": content_digest(b"x" * 4000)}
            response = await client.put(opened["capture_url"], content=body(), headers=headers)
        assert response.json()["answer"] == "no-hit"
        assert house.opener.starts == [CaptureStart(1, 0)]

    tell(tmp_path, story)


def test_a_body_that_is_not_what_was_signed_is_never_processed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            response = await search(client, b"tampered", SEALED | {"content-digest": content_digest(b"original")})
        assert response.status_code == 401 and house.opener.completed == 0

    tell(tmp_path, story)


def test_a_plain_image_says_what_it_is(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json={"purpose": "border-control"})).json()
            url = f"{opened['capture_url']}?modality=finger&position=right-index"
            answer = (await client.put(url, content=b"png", headers={"content-type": "image/png"})).json()
            assert not answer["sealed"] and house.opener.starts == [PlainImage(2, 2)]
            wrong = await client.put(
                f"{opened['capture_url']}?modality=nose", content=b"x", headers={"content-type": "image/png"}
            )
            assert wrong.status_code == 400 and "face" in wrong.json()["error"]["message"]

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ({}, 400, "bad-request"),
        ({"purpose": "curiosity"}, 422, "bad-purpose"),
        ({"purpose": "crime-analysis"}, 403, "not-allowed"),
        ({"purpose": "border-control", "claimed_identity": {"date_of_birth": "1.1.80"}}, 422, "bad-claim"),
        ({"purpose": "border-control", "claimed_identity": {"mrz": "P<UTOERIKSSON<<JEAN"}}, 422, "bad-mrz"),
        ({"purpose": "border-control", "secret": "Jean"}, 400, "bad-request"),
        ({"purpose": "border-control", "claimed_identity": {"names": "x" * 20000}}, 413, "too-large"),
    ],
)
def test_a_question_that_makes_no_sense_gets_a_clear_answer(
    tmp_path: Path, question: dict[str, object], status: int, code: str
) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client:
            response = await client.post("/v1/searches", json=question)
        assert (response.status_code, response.json()["error"]["code"]) == (status, code), response.text
        assert "Jean" not in response.text and response.json()["error"]["message"]

    tell(tmp_path, story)


def test_a_claim_is_read_from_the_document_and_what_is_said_comes_first(tmp_path: Path) -> None:
    zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"

    async def story(house: House) -> None:
        house.hit()
        async with house.signed() as client:
            answer = (await search(client, claimed_identity={"mrz": zone, "nationality": "FRA"})).json()
        claimed = {field["field"]: field["claimed"] for field in answer["claim"]["fields"]}
        assert claimed["names"] == "ANNA MARIA ERIKSSON" and claimed["date_of_birth"] == "1974-08-12"
        assert claimed["nationality"] == "FRA"
        assert answer["claim"]["contradicts"]

    tell(tmp_path, story)


def test_a_request_sent_twice_is_taken_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client, house.stranger() as replayer:
            first = await client.post("/v1/searches", json={"purpose": "border-control"})
            sent = first.request
            again = await replayer.request(sent.method, sent.url, headers=sent.headers, content=sent.content)
        assert (first.status_code, again.status_code) == (201, 401)

    tell(tmp_path, story)


def test_without_matcher_a_search_is_refused_with_when_to_try_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        house.matcher.refuse = True
        house.matcher.die()
        while house.parts.matcher.up:
            await asyncio.sleep(0.01)
        async with house.signed() as client:
            response = await client.post("/v1/searches", json={"purpose": "border-control"})
        assert (response.status_code, response.json()["error"]["code"]) == (503, "no-matcher")
        assert response.headers["retry-after"] and response.json()["error"]["advice"]

    tell(tmp_path, story)


def test_a_browser_that_says_it_is_a_device_must_sign(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            directory.add_device(session, "BIH/tablet1", Ed25519PrivateKey.generate().public_key().public_bytes_raw())
        async with house.stranger() as client:
            headers = {"origin": "http://limen.test"}
            client.cookies.set("limen", sessions_cookie(house))
            opened = await client.post("/v1/searches", json={"purpose": "border-control"}, headers=headers)
            assert opened.status_code == 201, opened.text
            for name, code in (("BIH/nobody", "unknown-device"), ("SRB/tablet1", "unknown-device")):
                said = await client.put(
                    opened.json()["capture_url"], content=b"x", headers=SEALED | headers | {"limen-device": name}
                )
                assert (said.status_code, said.json()["error"]["code"]) == (403, code)
            house.opener.before_report = [DeviceSaid(2, 0, 0)]  # the worker found no signature
            said = await client.put(
                opened.json()["capture_url"], content=b"x", headers=SEALED | headers | {"limen-device": "BIH/tablet1"}
            )
            assert (said.status_code, said.json()["error"]["code"]) == (422, "bad-device-signature")

    tell(tmp_path, story)


def sessions_cookie(house: House) -> str:
    """A session of an officer."""
    with house.database.writing() as session:
        return sessions.redeem(session, sessions.invite(session, directory.find_officer(session, "BIH/officer1")))
