"""Who nearly finds the same record again and again is noticed; honest askers are not."""

import random

from hypothesis import given
from hypothesis import strategies as st

from limen.matcher.again import (
    COUNTRYS_FIRST,
    COUNTRYS_STEP,
    FIRST,
    HOUR,
    NEAR,
    NOBODY,
    STEP,
    Again,
    country_asker,
    country_of,
)

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


def test_many_officers_of_one_country_are_counted_together():
    again = Again.of_countries()
    again._began = 0.0
    country = country_asker("BIH")
    assert (country_of(country), country_of(ASKER), country_of(NOBODY)) == ("BIH", None, None)
    chance = random.Random(2)
    told = []
    for each in range(40_000):  # an attack of 500, by whichever officers, within an hour of a busy country
        nearest = 7 if each % 80 == 0 else chance.randrange(1_000_000)
        told.append(again.count(country, nearest, NEAR + 1, now=1.0))
    assert [count for count in told if count] == [COUNTRYS_FIRST, COUNTRYS_FIRST + COUNTRYS_STEP]


def test_a_countrys_honest_searches_are_not_noticed():
    again, chance = Again.of_countries(), random.Random(3)
    again._began = 0.0
    country = country_asker("BIH")
    for _ in range(
        60_000
    ):  # all that a country may ask in an hour; one record is nearest to one in two hundred of them
        nearest = 7 if chance.random() < 1 / 200 else chance.randrange(100_000)
        assert not again.count(country, nearest, NEAR + 1, now=1.0)


def test_nothing_in_memory_says_which_record():
    again = fresh()
    times(again, ASKER, 0x1122334455667788, 5)
    assert all(
        (0x1122334455667788).to_bytes(8, order) not in name for name in again._near for order in ("little", "big")
    )
