"""Hits held for verification: who sees them, what examiners say, and that they are forgotten in time."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import time
import uuid
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.front.house import House, portrait_jpeg, tell

from limen.access import directory
from limen.access.directory import Role
from limen.access.signing import HttpSignature
from limen.capture import container
from limen.capture.container import Sample
from limen.errors import BadInput, LimenError
from limen.front import overdue, shredding
from limen.front.parts import running
from limen.hits import keep
from limen.hits.keep import Terms
from limen.hub.supervisor import Hub as Supervisor
from limen.ledger import receipt as receipts
from limen.ledger.entry import Entry
from limen.opener.holding import context
from limen.records import store
from limen.records.tables import Hit
from limen.settings import Settings
from limen.terms import Modality, Position
from limen.vault.client import VaultClient
from limen.wire.messages import Held

SEALED = {"content-type": "application/limen-sealed"}


def holding(house: House) -> None:
    """From now on every search hits, and its worker holds the capture."""
    house.hit()

    def held(search: bytes) -> list[Held]:
        capture = container.encode([Sample(Modality.FACE, Position.UNKNOWN, portrait_jpeg())])
        with VaultClient.connect(house.settings, "vault-opener") as vault:
            return [Held(*vault.seal(context(search, b"BIH"), capture))]

    house.opener.after_report = held


def examiner(house: House, name: str = "BIH/examiner1", role: Role = Role.EXAMINER) -> httpx.AsyncClient:
    """A new examiner's client."""
    house.keys[name] = key = Ed25519PrivateKey.generate()
    with house.database.writing() as session:
        directory.add_officer(session, name, key.public_key().public_bytes_raw(), role)
    transport = httpx.ASGITransport(house.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://limen.test", auth=HttpSignature(key, name))


async def search(house: House) -> dict:
    async with house.signed() as client:
        opened = (await client.post("/v1/searches", json={"purpose": "border-control"})).json()
        return (await client.put(opened["capture_url"], content=b"sealed", headers=SEALED)).json()


def blobs(house: House) -> list[bytes | None]:
    with house.database.reading() as session:
        return [row.held for row in session.query(Hit)]


async def kinds(house: House) -> list[str]:
    while await house.parts.journal.drain():
        pass
    lines = await house.parts.writer.last(1000)
    return [Entry.unpack(line).kind.value for line in lines]


def test_an_examiner_sees_capture_and_record_side_by_side_and_confirms(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        holding(house)
        answer = await search(house)
        receipt = receipts.verify(answer["receipt"], await house.parts.vault.identity())
        assert "capture" not in receipt["deleted"] and "sealed for the examiners" in receipt["kept"][1]
        async with examiner(house) as client:
            [hit] = (await client.get("/v1/hits")).json()
            assert (hit["state"], hit["owner"], hit["capture_held"]) == ("open", "FRA", True)
            shown = (await client.get(f"/v1/hits/{hit['id']}")).json()
            assert shown["names"][0] == "MARTIN, Jean"
            for url in (shown["pictures"][0]["url"], shown["portrait"]):
                picture = await client.get(url)
                assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
            page = (await client.get(f"/hits/{hit['id']}")).text
            assert shown["pictures"][0]["url"] in page and "MARTIN, Jean" in page
            until = f"{hit['kept_until'][:16].replace('T', ' ')} UTC"  # as people read it, and as narrow as a phone
            listed = (await client.get("/hits")).text
            assert hit["id"] in listed and until in listed and until in page
            said = await client.post(f"/v1/hits/{hit['id']}/verdict", json={"outcome": "confirmed"})
            assert said.json() == {"state": "confirmed"}
            again = await client.post(f"/v1/hits/{hit['id']}/verdict", json={"outcome": "rejected"})
            assert again.json()["error"]["code"] == "already-decided"
        assert blobs(house) != [None]  # until the deadline
        assert {"hit-kept", "hit-verified"} <= set(await kinds(house))

    tell(tmp_path, story)


def test_nobody_else_sees_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        holding(house)
        await search(house)
        with house.database.reading() as session:
            hit = session.query(Hit).one().id.hex
        paths = ("/v1/hits", f"/v1/hits/{hit}", f"/v1/hits/{hit}/capture/0", f"/v1/hits/{hit}/portrait", f"/hits/{hit}")
        async with house.signed() as officer, examiner(house, "SRB/examiner1") as abroad, house.stranger() as stranger:
            for path in paths:
                assert (await officer.get(path)).status_code == 403, path
                assert (await stranger.get(path)).status_code == 401, path
                found = await abroad.get(path)
                assert (
                    (found.status_code, found.json()) == (200, []) if path == "/v1/hits" else found.status_code == 404
                )
            said = await abroad.post(f"/v1/hits/{hit}/verdict", json={"outcome": "rejected"})
            assert said.status_code == 404 and blobs(house) != [None]

    tell(tmp_path, story)


def test_a_rejected_hit_is_let_go_at_once_and_cannot_be_opened_from_a_copy(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        holding(house)
        answer = await search(house)
        [blob] = blobs(house)
        async with examiner(house) as client:
            [hit] = (await client.get("/v1/hits")).json()
            await client.post(f"/v1/hits/{hit['id']}/verdict", json={"outcome": "rejected"})
            assert blobs(house) == [None]
            assert (await client.get(f"/v1/hits/{hit['id']}/capture/0")).status_code == 404
        await shredding.once(house.database, house.parts.vault, lambda found: True)
        with pytest.raises(LimenError):
            await house.parts.vault.unseal(context(bytes.fromhex(answer["id"]), b"BIH"), blob or b"")

    tell(tmp_path, story)


def test_two_examiners_decide_apart(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with house.database.writing() as session:
            keep.set_terms(session, "BIH", Terms(hours=1, examiners=2))
        holding(house)
        await search(house)
        async with examiner(house) as one, examiner(house, "BIH/examiner2") as two:
            [hit] = (await one.get("/v1/hits")).json()
            url = f"/v1/hits/{hit['id']}/verdict"
            assert (await one.post(url, json={"outcome": "confirmed"})).json() == {"state": "open"}
            assert (await two.get(f"/v1/hits/{hit['id']}")).json()["said"] == ""
            assert (await two.post(url, json={"outcome": "rejected"})).json() == {"state": "inconclusive"}
        with house.database.reading() as session:
            row = session.query(Hit).one()
            assert row.expires == row.at + 3600 and row.held is not None

    tell(tmp_path, story)


def test_a_hit_is_forgotten_at_its_deadline_or_with_its_record(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        holding(house)
        for _ in range(2):
            await search(house)
        with house.database.writing() as session:
            assert keep.forget_overdue(session, now=int(time.time()) + 72 * 3600 - 60) == 0
            assert keep.forget_overdue(session, now=int(time.time()) + 72 * 3600 + 60) == 2
        assert blobs(house) == []
        await search(house)
        with house.database.writing() as session:
            record = store.by_id(session, house.record.id)
            assert record is not None
            store.withdraw(session, record)
        assert overdue.once(house.database) == 1 and blobs(house) == []
        assert (await kinds(house)).count("hit-forgotten") == 3

    tell(tmp_path, story)


def test_a_restored_database_forgets_before_anyone_can_ask(tmp_path: Path) -> None:
    """An old copy of the database comes back after the deadline, and the front starts on it."""
    copy = tmp_path / "copy.sqlite"

    async def before(house: House) -> None:
        holding(house)
        await search(house)
        house.database.wipe_log()
        await asyncio.to_thread(shutil.copy, house.settings.data / "records.sqlite", copy)

    tell(tmp_path, before)
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as restored:
        [(held,)] = restored.execute("SELECT held FROM hits").fetchall()
        restored.execute("UPDATE hits SET expires = ?", (int(time.time()) - 1,))
    for path in (tmp_path / "d").glob("records.sqlite*"):
        path.unlink()
    shutil.copy(copy, tmp_path / "d/records.sqlite")
    settings_data = tmp_path / "d"

    async def after() -> None:
        settings = Settings(data=settings_data)
        with Supervisor(settings, ["vault"]):
            async with running(settings) as parts:
                with parts.database.reading() as session:
                    assert session.query(Hit).count() == 0

    asyncio.run(after())
    assert held not in (settings_data / "records.sqlite").read_bytes()


def test_terms_are_checked(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for wrong in (Terms(0), Terms(hours=24 * 31), Terms(24, 3)):
            with pytest.raises(BadInput), house.database.writing() as session:
                keep.set_terms(session, "BIH", wrong)
        with house.database.reading() as session:
            assert keep.terms(session, "BIH") == Terms(72, 1)

    tell(tmp_path, story)


def test_whoever_searched_does_not_verify(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        holding(house)
        async with examiner(house) as client:
            opened = (await client.post("/v1/searches", json={"purpose": "border-control"})).json()
            await client.put(opened["capture_url"], content=b"sealed", headers=SEALED)
            [hit] = (await client.get("/v1/hits")).json()
            said = await client.post(f"/v1/hits/{hit['id']}/verdict", json={"outcome": "confirmed"})
            assert said.json()["error"]["code"] == "own-search"
            assert uuid.UUID(hit["id"])

    tell(tmp_path, story)
