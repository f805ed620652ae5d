"""Caps: a minute, an hour, a day; usual hours; and that a restart gives nothing anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.access import caps
from limen.access.caps import DAY, DEFAULTS, HOUR, MINUTE, Cap, Kind, TooMany, Usage
from limen.errors import BadInput

ME, HOME = (Kind.OFFICER, "BIH/officer1"), (Kind.COUNTRY, "BIH")
NOW = 1_800_000_000 // DAY * DAY


def usage_with(database, **cap):
    usage = Usage()
    with database.writing() as session:
        caps.allow(session, ME, **{"minute": None, "hour": None, "day": None} | cap)
    with database.reading() as session:
        usage.load(session, NOW)
    return usage


def spend(usage, times, now=NOW):
    done = 0
    for _ in range(times):
        try:
            usage.spend([ME, HOME], now)
            done += 1
        except TooMany:
            pass
    return done


def test_each_window_has_its_cap(database):
    usage = usage_with(database, minute=3, hour=5, day=7)
    assert spend(usage, 10) == 3
    assert spend(usage, 10, NOW + MINUTE) == 2
    assert spend(usage, 10, NOW + HOUR) == 2
    assert spend(usage, 10, NOW + 2 * HOUR) == 0
    assert spend(usage, 10, NOW + DAY) == 3


def test_what_is_refused_counts_for_nobody(database):
    usage = usage_with(database, minute=1)
    assert spend(usage, 5) == 1
    with database.writing() as session:
        usage.flush(session, NOW)
    fresh = Usage()
    with database.reading() as session:
        fresh.load(session, NOW)
    assert fresh._hours[HOME] == {NOW // HOUR: 1}


def test_what_other_fronts_and_commands_counted_counts_here_too(database):
    here, there = usage_with(database, day=6), usage_with(database, day=6)
    assert spend(here, 2) == spend(there, 2) == 2
    with database.writing() as session:
        here.flush(session, NOW)
        caps.note(session, ME, 1, now=NOW)
    with database.writing() as session:
        there.load(session, NOW)
        there.flush(session, NOW)
    assert spend(there, 10) == 1  # two here, two there, one by a command
    with database.reading() as session:
        here.load(session, NOW)
    assert spend(here, 10) == 1  # what is not written down yet is not known elsewhere: for seconds


def test_a_restart_gives_no_new_day(database):
    usage = usage_with(database, day=4)
    assert spend(usage, 3) == 3
    with database.writing() as session:
        usage.flush(session, NOW)
    fresh = Usage()
    with database.reading() as session:
        fresh.load(session, NOW + HOUR)
    assert spend(fresh, 5, NOW + HOUR) == 1
    with database.writing() as session:
        fresh.flush(session, NOW + HOUR)
        fresh.flush(session, NOW + HOUR)  # nothing is written twice
    third = Usage()
    with database.reading() as session:
        third.load(session, NOW + HOUR)
    assert sum(third._hours[ME].values()) == 4


def test_an_allowance_of_nothing_is_nothing_and_none_is_the_default(database):
    assert spend(usage_with(database, day=0), 5) == 0
    assert usage_with(database).cap(ME) == DEFAULTS[Kind.OFFICER]
    with database.writing() as session, pytest.raises(BadInput, match="negative"):
        caps.allow(session, ME, minute=-1, hour=None, day=None)


@given(st.integers(0, 23), st.integers(0, 24), st.integers(0, 23))
def test_usual_hours_may_pass_midnight(begin, end, hour):
    cap = Cap(1, 1, 1, caps.parse_hours(f"{begin}-{end}"))
    inside = begin <= hour < end if begin <= end else hour >= begin or hour < end
    assert cap.usual(NOW + hour * HOUR) == inside


@pytest.mark.parametrize("text", ["dawn", "6", "24-3", "6-25", "-6-8", "6–18"])
def test_hours_that_are_none(text):
    with pytest.raises(BadInput):
        caps.parse_hours(text)
