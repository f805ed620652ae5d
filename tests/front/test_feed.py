"""The gallery feeder: everything after a start, then each change, again after the matcher came back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.front.house import House, tell

from limen.records import store
from limen.wire.messages import GalleryAgain, GalleryMark, GalleryPut, GalleryReset, GalleryWithdraw


async def until(condition) -> None:
    """Wait for it; the story's own deadline bounds the wait."""
    while not condition():
        await asyncio.sleep(0.01)


def test_the_gallery_is_fed_whole_then_change_by_change_and_again_for_a_new_matcher(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        reset, put, mark = house.matcher.fed
        assert isinstance(reset, GalleryReset) and isinstance(mark, GalleryMark) and mark.complete == 1
        assert isinstance(put, GalleryPut) and put.record == house.record.handle and put.owner == b"FRA"

        house.matcher.fed.clear()
        house.matcher.die()
        await until(lambda: len(house.matcher.fed) >= 3)
        assert house.matcher.fed == [reset, put, mark]

        house.matcher.fed.clear()
        with house.database.writing() as session:
            record = store.by_id(session, house.record.id)
            assert record is not None
            store.withdraw(session, record)
        await until(lambda: len(house.matcher.fed) >= 2)
        assert house.matcher.fed[0] == GalleryWithdraw(house.record.handle, 0)
        marked = house.matcher.fed[1]
        assert isinstance(marked, GalleryMark) and marked.sequence > mark.sequence
        await until(lambda: house.parts.feeder.in_force == marked.sequence)

    tell(tmp_path, story)


def test_a_front_that_restarted_goes_on_where_the_matcher_is(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        mark = house.matcher.fed[-1]
        assert isinstance(mark, GalleryMark)
        house.matcher.sequence = mark.sequence  # this matcher lives on; only the connection breaks
        house.matcher.fed.clear()
        house.matcher.die()
        await until(lambda: house.matcher.fed)
        assert house.matcher.fed == [mark]

        house.matcher.sequence = mark.sequence + 1000  # of a database that had more changes
        house.matcher.fed.clear()
        house.matcher.die()
        await until(lambda: len(house.matcher.fed) >= 3)
        assert isinstance(house.matcher.fed[0], GalleryReset)

    tell(tmp_path, story)


def test_a_country_whose_key_came_back_is_fed_again_and_nobody_else(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        put, mark = house.matcher.fed[1:]
        house.matcher.fed.clear()
        house.matcher.ask_again("DEU")
        await until(lambda: len(house.matcher.fed) >= 2)
        assert house.matcher.fed == [GalleryAgain(41), mark]
        house.matcher.fed.clear()
        house.matcher.ask_again("FRA")
        await until(lambda: len(house.matcher.fed) >= 3)
        assert house.matcher.fed == [put, GalleryAgain(41), mark]

    tell(tmp_path, story)
