"""Searches on record: what the log holds of them, and no search without it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.front.house import House, tell

from limen.ledger.audit import audit
from limen.ledger.entry import Entry
from limen.ledger.tiles import Folder

PURPOSE = {"purpose": "border-control"}
CAPTURE = {"content-type": "application/limen-sealed"}


def entries(folder: Path, size: int) -> list[Entry]:
    return [Entry.unpack(line) for line in Folder(folder).bundle(0, size)]


def test_a_search_is_on_record_from_its_admission_to_its_end(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        folder = house.settings.data / "ledger"
        async with house.signed() as client:
            opened = (await client.post("/v1/searches", json=PURPOSE)).json()
            found = audit(folder, await house.parts.vault.identity())
            assert found.kinds == {"search-admitted": 1}
            answer = await client.put(opened["capture_url"], content=b"sealed", headers=CAPTURE)
            assert answer.json()["answer"] == "no-hit"
        while (found := audit(folder, await house.parts.vault.identity())).checkpoint.size < 3:
            await asyncio.sleep(0.02)
        lines = entries(folder, 3)
        assert [line.kind.value for line in lines] == ["search-admitted", "search-answered", "search-forgotten"]
        assert {line.id.hex() for line in lines} == {opened["id"]}
        assert [line.answer for line in lines] == [None, "no-hit", None]
        for path in folder.rglob("*"):
            assert path.is_dir() or not any(word in path.read_bytes() for word in (b"BIH", b"officer"))

    tell(tmp_path, story)


def test_no_search_without_the_log(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        (house.settings.data / "ledger").write_text("in the way")
        async with house.signed() as client:
            answer = await client.post("/v1/searches", json=PURPOSE)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no-ledger")
            assert len(house.parts.searches.open) == 0
            (house.settings.data / "ledger").unlink()
            assert (await client.post("/v1/searches", json=PURPOSE)).status_code == 201

    tell(tmp_path, story)
