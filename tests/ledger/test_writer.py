"""The writer: one commit for many, nothing twice, and a clear refusal while disk or vault do not serve."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.ledger.logs import IDENTITY, KEY, ORIGIN

from limen.errors import Unavailable
from limen.ledger.audit import audit
from limen.ledger.entry import Entry, Kind
from limen.ledger.writer import Writer


class Vault:
    def __init__(self) -> None:
        self.signed = 0
        self.gone = False

    async def sign(self, message: bytes) -> bytes:
        if self.gone:
            raise Unavailable("gone")
        self.signed += 1
        return KEY.sign(message)

    async def identity(self) -> bytes:
        return IDENTITY


def entry(number: int, kind: Kind = Kind.SEARCH_ADMITTED) -> Entry:
    return Entry(kind, number.to_bytes(16, "big"), 29_000_000)


def test_many_at_once_share_a_commit_and_each_learns_its_index(tmp_path: Path) -> None:
    async def story() -> None:
        vault = Vault()
        writer = Writer(tmp_path, ORIGIN, vault)
        indexes = await asyncio.gather(*(writer.append(entry(number)) for number in range(500)))
        assert indexes == list(range(500)) and vault.signed <= 2
        writer.note(entry(500, Kind.SEARCH_FORGOTTEN))
        await writer.close()
        assert audit(tmp_path, IDENTITY).kinds == {"search-admitted": 500, "search-forgotten": 1}

    asyncio.run(story())


def test_what_nobody_waits_for_shares_a_commit(tmp_path: Path) -> None:
    async def story() -> None:
        vault = Vault()
        writer = Writer(tmp_path, ORIGIN, vault)
        notes = [writer.note(entry(0, Kind.SEARCH_ANSWERED)), writer.note(entry(0, Kind.SEARCH_FORGOTTEN))]
        await asyncio.sleep(0)
        assert not vault.signed  # the answer goes first
        assert await asyncio.gather(*notes) == [0, 1] and vault.signed == 1
        assert await writer.append(entry(1)) == 2  # the second wake-up found nothing, and kept nobody waiting
        await writer.close()

    asyncio.run(story())


def test_while_the_vault_is_gone_entries_are_refused_and_notes_kept(tmp_path: Path) -> None:
    async def story() -> None:
        vault = Vault()
        writer = Writer(tmp_path, ORIGIN, vault)
        await writer.append(entry(0))
        vault.gone = True
        writer.note(entry(1, Kind.SEARCH_FORGOTTEN))
        with pytest.raises(Unavailable) as caught:
            await writer.append(entry(2))
        assert caught.value.code == "no-ledger"
        writer.note(entry(3, Kind.SEARCH_ANSWERED))
        vault.gone = False
        await writer.append(entry(4))
        await writer.close()
        kinds = audit(tmp_path, IDENTITY).kinds
        assert kinds["search-forgotten"] == kinds["search-answered"] == 1
        assert kinds["search-admitted"] in (
            2,
            3,
        )  # the refused one may have reached the disk before its signature failed

    asyncio.run(story())


def test_a_log_that_was_changed_takes_nothing_more(tmp_path: Path) -> None:
    async def story() -> None:
        writer = Writer(tmp_path, ORIGIN, Vault())
        await writer.append(entry(0))
        await writer.close()
        (tmp_path / "tile/0/000.p/1").write_bytes(bytes(32))
        writer = Writer(tmp_path, ORIGIN, Vault())
        with pytest.raises(Unavailable):
            await writer.append(entry(1))
        await writer.close()
        with pytest.raises(Unavailable):
            await writer.append(entry(2))

    asyncio.run(story())
