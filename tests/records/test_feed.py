"""The gallery's feed: every change, once, in order, whoever writes at the same time."""

import random
import threading
import time

import pytest
from tests.records.drafts import LATER, NOW, draft, external_key, register, sample, save

from limen.errors import Unavailable
from limen.records import feed, store
from limen.records.tables import State
from limen.terms import Modality, Position
from limen.wire.messages import GalleryPut, GalleryWithdraw


def everything(database, after=0, limit=3):
    messages = []
    while True:
        with database.reading() as session:
            found, last = feed.changes(session, after, limit)
            packed, same = feed.batches(session, after, limit)
        assert ([change for batch in packed for change in batch.message().changes()], same) == (found, last)
        messages += found
        if last == after:
            return messages, after
        after = last


def gallery(messages, held=None):
    """What a matcher that follows the feed holds: {(record, sample): message}."""
    held = {} if held is None else held
    for message in messages:
        if isinstance(message, GalleryPut):
            held[message.record, message.sample] = message
        else:
            for key in [key for key in held if key[0] == message.record and message.sample in (0, key[1])]:
                del held[key]
    return held


def expected(row, record):
    """What the feed must say of a stored sample."""
    return {
        "record": record.handle, "sample": row.handle, "owner": record.owner.encode(), "visible": record.visible,
        "valid_from": record.valid_from, "valid_until": record.valid_until, "modality": row.modality,
        "position": row.position, "epoch": row.epoch, "model": row.model.encode().ljust(16, b"\0"),
        "record_id": store.sealed_as(record).bytes, "sample_id": row.id.bytes, "expires": row.expires,
        "tail": row.template,
    }  # fmt: skip


def truth(database):
    found = {}
    with database.reading() as session:
        for owner in ("FRA", "DEU"):
            for record in store.of_owner(session, owner, limit=10_000):
                for row in record.samples:
                    if row.template is not None and record.state == State.ACTIVE:
                        found[record.handle, row.handle] = GalleryPut(**expected(row, record))
    return found


def test_a_new_record_is_fed_with_all_that_its_seals_bind(database):
    register(database, "FRA")
    with database.writing() as session:
        record = store.save(session, draft())
    [message], last = everything(database)
    assert isinstance(message, GalleryPut)
    assert message.pack()
    assert (message.record, message.record_id) == (record.handle, record.id.bytes)
    assert (message.owner, message.valid_until, message.expires) == (b"FRA", LATER, LATER)
    assert message.tail == b"sealed template"
    assert everything(database, last) == ([], last)


def test_a_withdrawn_record_leaves_a_tombstone(database):
    register(database, "FRA")
    with database.writing() as session:
        record = store.save(session, draft())
    _, last = everything(database)
    with database.writing() as session:
        store.withdraw(session, store.by_id(session, record.id))
    assert everything(database, last)[0] == [GalleryWithdraw(record.handle, 0)]
    assert gallery(everything(database)[0]) == {}


def test_a_sample_without_template_is_not_put(database):
    register(database, "FRA")
    with database.writing() as session:
        store.save(session, draft(samples=[sample(template=None)]))
    assert gallery(everything(database)[0]) == {}


@pytest.mark.parametrize("change", [{"valid_until": NOW - 1}, {"state": State.SUSPENDED}])
def test_expired_and_suspended_records_are_withdrawn_from_the_gallery(database, change):
    register(database, "FRA")
    with database.writing() as session:
        record = store.save(session, draft())
    held = gallery(everything(database)[0])
    assert len(held) == 1
    with database.writing() as session:
        again = store.by_id(session, record.id)
        for name, value in change.items():
            setattr(again, name, value)
        for row in again.samples:
            row.change = feed.number(session)
    assert gallery(everything(database, 1)[0], held) == {}


def test_random_histories_read_in_any_pieces_give_the_stored_gallery(database):
    register(database, "FRA", "DEU")
    chance = random.Random(11)
    held, after = {}, 0
    for _ in range(60):
        owner, record_id = chance.choice(["FRA", "DEU"]), f"R{chance.randrange(6)}"
        with database.writing() as session:
            record = store.by_external_key(session, owner, external_key(record_id))
            if record is not None and chance.random() < 0.3:
                store.withdraw(session, record)
            else:
                samples = [sample(template=chance.choice([b"a", b"b", None])) for _ in range(chance.randrange(4))]
                old = [row.id for row in record.samples] if record else []
                kept = frozenset(chance.sample(old, chance.randint(0, len(old))))
                # a withdrawn record's id is never used again
                new = draft(record_id, owner, samples, kept=kept, id=record.id if record else store.uuid.uuid4())
                save(session, new)
        if chance.random() < 0.4:
            with database.reading() as session:
                messages, after = feed.changes(session, after, chance.choice([1, 2, 5, 100]))
            gallery(messages, held)
    gallery(everything(database, after)[0], held)
    assert held == truth(database)
    assert gallery(everything(database)[0]) == truth(database)


def test_concurrent_writers_leave_no_gap_for_a_reader(database):
    """A reader that never looks back must still see everything, though writers commit in any order."""
    register(database, "FRA", "DEU")
    done = threading.Event()
    held, seen = {}, []

    def write(number):
        for turn in range(12):
            with database.writing() as session:
                store.save(session, draft(f"W{number}-{turn}", chance_owner(number)))
                time.sleep(0.002 * (number % 3))

    def chance_owner(number):
        return "FRA" if number % 2 else "DEU"

    def follow():
        after = 0
        while True:
            last_round = done.is_set()
            with database.reading() as session:
                messages, after = feed.changes(session, after, 7)
            gallery(messages, held)
            seen.extend(messages)
            if last_round and not messages:
                return

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    reader = threading.Thread(target=follow)
    for thread in [*writers, reader]:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert len(seen) == 48
    assert held == truth(database)


def test_a_lost_counter_is_an_error_not_silence(database):
    with pytest.raises(Unavailable):
        with database.writing() as session:
            session.execute(feed.update(feed.Sequence).values(value=5))
            raise Unavailable("stop")
    with database.reading() as session:
        assert feed.last_change(session) == 0


def test_one_country_is_fed_again_as_it_is_in_force(database):
    register(database, "FRA", "DEU")
    with database.writing() as session:
        for number in range(5):
            for owner in ("FRA", "DEU"):
                save(
                    session, draft(f"{owner}{number}", owner, [sample(), sample(Modality.FINGER, Position.LEFT_INDEX)])
                )
    everything_there = gallery(everything(database)[0])
    with database.reading() as session:
        upper = feed.last_change(session)
    with database.writing() as session:  # what comes later comes by the changes
        store.withdraw(session, store.by_external_key(session, "FRA", external_key("FRA0")))
    for limit in (1, 3, 100):
        found, after = [], 0
        while after < upper:
            with database.reading() as session:
                batches, after = feed.batches_of(session, {"FRA"}, after, upper, limit)
            found += [change for batch in batches for change in batch.message().changes()]
        there = {key: put for key, put in everything_there.items() if put.owner == b"FRA"}
        gone = set(there) - set(gallery(found))
        assert len(gone) == 2 and gallery(found) == {key: put for key, put in there.items() if key not in gone}
    with database.reading() as session:
        assert feed.batches_of(session, ["ESP"], 0, upper, 10) == ([], upper)
