"""Searches on record: what the log holds of them, and no search without it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import Result
from tests.front.house import House, tell
from typer.testing import CliRunner

from limen.access import approvals, directory, keys
from limen.access.directory import Role
from limen.cli import ledger as command
from limen.errors import NotAllowed, Unavailable
from limen.front.journal import Journal
from limen.ledger import logged, note
from limen.ledger import receipt as receipts
from limen.ledger.audit import audit
from limen.ledger.entry import Entry, Kind
from limen.ledger.note import Key
from limen.ledger.tiles import Folder, unpack_bundle
from limen.records import journal
from limen.records.tables import JournalRow
from limen.search.ledger import Pseudonyms
from limen.wire.messages import Failed

PURPOSE = {"purpose": "border-control"}
CAPTURE = {"content-type": "application/limen-sealed"}


def entries(folder: Path, start: str = "") -> list[Entry]:
    size = note.parse(note.split((folder / "checkpoint").read_bytes())[0]).size
    lines = [Entry.unpack(line) for line in Folder(folder).bundle(0, size)]
    return [line for line in lines if line.kind.startswith(start)]


def test_a_search_is_on_record_from_its_admission_to_its_end(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder = house.settings.data / "ledger"
        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json=PURPOSE)).json()
            audit(folder, await house.parts.vault.identity())
            assert [line.kind for line in entries(folder, "search-")] == ["search-admitted"]
            answer = await client.put(opened["capture_url"], content=b"sealed", headers=CAPTURE)
            assert answer.json()["answer"] == "no-hit"
        while len(lines := entries(folder, "search-")) < 3:
            await asyncio.sleep(0.02)
        audit(folder, await house.parts.vault.identity())
        assert [line.kind.value for line in lines] == ["search-admitted", "search-answered", "search-forgotten"]
        assert {line.id.hex() for line in lines} == {opened["id"]}
        assert [line.answer for line in lines] == [None, "no-hit", None]
        for path in folder.rglob("*"):
            assert path.is_dir() or not any(word in path.read_bytes() for word in (b"BIH", b"officer"))

    tell(tmp_path, story)


def test_no_search_without_the_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder = house.settings.data / "ledger"
        while not (folder / "checkpoint").exists():  # of the house's own records
            await asyncio.sleep(0.02)
        (folder / "tile").rename(folder / "away")
        (folder / "tile").write_text("in the way")
        async with house.signed() as client:
            answer = await client.post("/v1/searches", json=PURPOSE)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no-ledger")
            assert len(house.parts.searches.open) == 0
            (folder / "tile").unlink()
            (folder / "away").rename(folder / "tile")
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 201

    tell(tmp_path, story)


def test_what_others_put_on_record_comes_into_the_log_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder, vault = house.settings.data / "ledger", house.parts.vault
        id = await asyncio.to_thread(journal.announce, house.database, Kind.KEY_CHANGED, "FRA")
        while not (folder / "checkpoint").exists() or not entries(folder, "key-changed"):
            await asyncio.sleep(0.02)
        assert [line.id for line in entries(folder, "key-changed")] == [id.bytes]
        with house.database.writing() as session:  # as if a front had died before it took the entry from the table
            session.add(JournalRow(id=id, kind="key-changed", at=0, who="FRA", purpose="", answer=""))
        again = Journal(house.database, house.parts.writer, Pseudonyms(house.parts.vault))
        while await again.drain():
            pass
        assert audit(folder, await vault.identity()).kinds["key-changed"] == 1

    tell(tmp_path, story)


def test_the_receipt_proves_that_the_log_holds_the_search_to_its_searcher_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client, house.signed("BIH/officer2") as other, house.stranger() as stranger:
            opened = (await client.post("/v1/searches", json=PURPOSE)).json()
            await client.put(opened["capture_url"], content=b"sealed", headers=CAPTURE)
            url = f"/v1/searches/{opened['id']}/receipt"
            found = (await client.get(url)).json()
            assert [(await who.get(url)).status_code for who in (other, stranger)] == [404, 401]
        identity = await house.parts.vault.identity()
        receipt = receipts.verify(receipts.parse(json.dumps(found).encode()), identity)
        assert {"no core dumps", "one process a capture"} <= set(receipt["hardening"]) and receipt["policy"]
        proof = logged.check(found["log"], receipt, identity)
        assert [entry.kind for entry in proof.entries] == ["search-answered", "search-forgotten"]

    tell(tmp_path, story)


def test_everyone_may_read_the_log_and_nothing_else_of_its_folder(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.signed() as client, house.stranger() as stranger:
            await client.post("/v1/searches", json=PURPOSE)
            signed = (await stranger.get("/ledger/checkpoint")).content
            key = Key.parse((await stranger.get("/ledger/key")).text)
            size = note.opened(signed, key).size
            bundle = await stranger.get(f"/ledger/tile/entries/000.p/{size}")
            lines = [Entry.unpack(line) for line in unpack_bundle(bundle.content)]
            assert len(lines) == size and lines[-1].kind in ("search-admitted", "record-added")
            for path in (
                "pending",
                "lock",
                "tile/../lock",
                "tile/0/000.p/0",
                "tile/0/%2e%2e/%2e%2e/lock",
                "tile/",
            ):
                assert (await stranger.get(f"/ledger/{path}")).status_code in (401, 404), path

    tell(tmp_path, story)


def test_who_searched_is_told_when_two_people_agree_and_never_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMEN_KEYS", str(tmp_path / "keys"))

    def limen(house: House, *words: str) -> Result:
        return CliRunner().invoke(command.app, [*words, "--data", str(house.settings.data)])

    async def story(house: House) -> None:
        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json=PURPOSE)).json()
        with house.database.writing() as session:
            directory.add_officer(session, "BIH/dpo", keys.generate("BIH/dpo"), Role.DATA_PROTECTION)
            directory.add_officer(session, "BIH/security", keys.generate("BIH/security"), Role.SECURITY)
            directory.add_officer(session, "BIH/curious", keys.generate("BIH/curious"), Role.OFFICER)
        ask = ("open", opened["id"], "--as", "BIH/security")
        assert limen(house, "open", opened["id"], "--as", "BIH/curious", "--reason", "curious").exit_code != 0
        found = await asyncio.to_thread(limen, house, *ask)
        assert isinstance(found.exception, NotAllowed) and found.exception.code == "needs-approval"
        assert (await asyncio.to_thread(limen, house, *ask, "--reason", "complaint 7")).exit_code == 0
        with house.database.writing() as session:
            decider = directory.find_officer(session, "BIH/dpo")
            assert decider is not None
            [asked] = approvals.waiting(session, decider)
            approvals.decide(session, decider, asked.id, approved=True)
        found = await asyncio.to_thread(limen, house, *ask)
        assert found.output.strip() == "BIH/officer1"
        again = await asyncio.to_thread(limen, house, *ask)
        assert isinstance(again.exception, NotAllowed)  # an approval serves once
        while not entries(house.settings.data / "ledger", "pseudonym-opened"):
            await asyncio.sleep(0.05)

    tell(tmp_path, story)


def test_a_search_that_gets_no_worker_is_on_record_as_over(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder, house.opener.failure = house.settings.data / "ledger", Failed.of(Unavailable("All are busy."))
        async with house.signed() as client:
            answer = await client.post("/v1/searches", json=PURPOSE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no-worker")
        while len(lines := entries(folder, "search-")) < 2:
            await asyncio.sleep(0.02)
        assert [line.kind.value for line in lines] == ["search-admitted", "search-forgotten"]
        assert lines[0].id == lines[1].id

    tell(tmp_path, story)


def test_a_search_that_cannot_be_put_on_record_sends_its_worker_away(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        searches, gone = house.parts.searches, asyncio.Event()
        searches._ledger = Refusing()
        house.opener.on_hang_up = gone.set
        async with house.signed() as client:
            answer = await client.post("/v1/searches", json=PURPOSE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no-ledger")
        await gone.wait()

    tell(tmp_path, story)


class Refusing:
    """A ledger that takes no search, and says so only when a worker may have been taken."""

    async def admitted(self, search: bytes, searcher: object, purpose: object) -> None:
        await asyncio.sleep(0.2)
        raise Unavailable("The search cannot be put on record.", code="no-ledger")
