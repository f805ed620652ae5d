"""Who nearly finds the same record again and again is noticed; honest askers are not."""

import random

from hypothesis import given
from hypothesis import strategies as st

from limen.matcher.again import FIRST, HOUR, NEAR, NOBODY, STEP, Again

ASKER, OTHER = b"a" * 16, b"b" * 16


def times(again, asker, record, number, nats=NEAR + 1, now=1.0):
    return [again.count(asker, record, nats, now=now) for _ in range(number)]


def test_the_same_record_again_and_again_is_told_at_twenty_and_every_ten_more():
    told = times(fresh(), ASKER, 7, 45)
    assert [count for count in told if count] == [FIRST, FIRST + STEP, FIRST + 2 * STEP]
    assert told.index(FIRST) == FIRST - 1


def fresh():
    again = Again()
    again._began = 0.0
    return again


@given(st.integers(0, 2**64 - 1))
def test_far_candidates_none_at_all_and_nobody_are_not_counted(record):
    again = fresh()
    assert not any(times(again, ASKER, record, 50, nats=NEAR - 0.01))
    assert not any(again.count(ASKER, None, None, now=1.0) for _ in range(50))
    assert not any(times(again, NOBODY, record, 50))


def test_many_travellers_of_one_post_are_not_noticed():
    again, chance = fresh(), random.Random(1)
    assert not any(again.count(ASKER, chance.randrange(100), NEAR + 1, now=1.0) for _ in range(1_000))


def test_decoys_in_between_help_only_if_they_are_most():
    again = fresh()
    told = [again.count(ASKER, 7 if each % 3 == 0 else each, NEAR + 1, now=1.0) for each in range(90)]
    assert FIRST in told


def test_askers_are_counted_apart_and_an_hour_later_anew():
    again = fresh()
    assert not any(times(again, ASKER, 7, FIRST - 1))
    assert not any(times(again, OTHER, 7, FIRST - 1))
    assert not any(times(again, ASKER, 7, FIRST - 1, now=HOUR + 1))
    assert times(again, ASKER, 7, 1, now=HOUR + 1) == [FIRST]


def test_nothing_in_memory_says_which_record():
    again = fresh()
    times(again, ASKER, 0x1122334455667788, 5)
    assert all(
        (0x1122334455667788).to_bytes(8, order) not in name for name in again._near for order in ("little", "big")
    )
