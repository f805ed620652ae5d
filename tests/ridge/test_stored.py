"""Stored prints: the codes made at enrolment are those that an index would make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ridge.prints import finger, impression, template

from limen.errors import BadTemplate
from limen.ridge import _native
from limen.ridge.index import RidgeIndex
from limen.ridge.stored import MOST, stored, template_of
from limen.ridge.template import RidgeTemplate
from limen.ridge.views import view_rows


def _strewn(count: int, side: int, quality: int = 80) -> RidgeTemplate:
    random = np.random.default_rng(count)
    places = random.uniform(0, side, (2, count))
    return template(*places, random.uniform(0, 6.28, count), quality=np.full(count, quality), side=side)


WHOLE, ROLLED, BUSY = finger(3), _strewn(110, 700), _strewn(200, 700, quality=20)
PALM = _strewn(MOST + 1, 2000)


@pytest.mark.parametrize(("print_", "views"), [(WHOLE, 1), (ROLLED, 1), (BUSY, 2)])
def test_an_index_finds_a_stored_print_with_the_same_score_as_a_packed_one(print_: RidgeTemplate, views: int) -> None:
    packed = print_.pack()
    data = stored(packed)
    assert len(view_rows(print_)) == views and len(data) > len(packed) and template_of(data) == packed
    found = []
    for kept in (data, packed):
        index = RidgeIndex()
        clear = index.put_stored(7, kept)
        assert clear == np.count_nonzero(print_.minutia_quality >= 55)
        found.append(index.search(impression(print_, 1, turn=0.2), 1))
    assert found[0][0].tolist() == found[1][0].tolist() == [7]
    assert found[0][1] == found[1][1]


def test_a_palm_is_stored_without_codes_and_put_in_by_parts() -> None:
    packed = PALM.pack()
    assert stored(packed) == packed == template_of(packed)
    index = RidgeIndex()
    assert index.put_many(np.array([1, 2], np.uint64), [packed, stored(WHOLE.pack())], threads=2).min() > 0
    assert len(index) == 2


def test_codes_of_another_release_are_made_anew() -> None:
    data = bytearray(stored(WHOLE.pack()))
    at = len(WHOLE.pack())
    data[at] ^= 1  # the tag
    data[at + 200 :] = bytes(len(data) - at - 200)
    index = RidgeIndex()
    index.put_stored(1, bytes(data))
    keys, scores = index.search(WHOLE, 1)
    assert keys.tolist() == [1] and scores[0] > 20


def test_what_is_no_stored_print_is_refused_and_the_rest_goes_in() -> None:
    good = stored(WHOLE.pack())
    at = len(WHOLE.pack())
    beyond = bytearray(good)
    beyond[at + 8 : at + 10] = (len(WHOLE)).to_bytes(2, "little")  # a row that is not there
    many = bytearray(good)
    many[at + 4 : at + 6] = (300).to_bytes(2, "little")  # views
    bad = [b"", good[:30], good[:-1], good + b"\0", good[: at + 3], bytes(beyond), bytes(many)]
    index = RidgeIndex()
    clear = index.put_many(np.arange(len(bad) + 1, dtype=np.uint64), [*bad, good])
    assert clear.tolist()[:-1] == [-1] * len(bad) and clear[-1] > 0 and len(index) == 1
    with pytest.raises(BadTemplate):
        index.put_stored(1, good[:-1])
    with pytest.raises(BadTemplate):
        stored(good[:30])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6), st.integers(0, 60))
def test_damaged_stored_prints_never_crash(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(stored(BUSY.pack()))
    for at, value in changes:
        data[at % len(data)] = value
    index = RidgeIndex()
    clear = index.put_many(np.array([1], np.uint64), [bytes(data[: len(data) - cut])])
    assert len(index) == (clear[0] >= 0)
    index.search(WHOLE, 1)


def test_the_tag_names_the_codes() -> None:
    packed = WHOLE.pack()
    assert int.from_bytes(stored(packed)[len(packed) :][:4], "little") == _native.codes_tag() != 0


def _of_another_release(data: bytes, packed: bytes) -> bytes:
    """Stored bytes whose codes somebody else made, who laid them out in a way that is not known here."""
    return packed + bytes([data[len(packed)] ^ 0xFF]) + data[len(packed) + 1 : -3]


@pytest.mark.parametrize("print_", [WHOLE, ROLLED, BUSY])
def test_what_an_older_release_stored_is_put_in_whole_or_by_views(print_: RidgeTemplate) -> None:
    packed = print_.pack()
    old = _of_another_release(stored(packed), packed)
    assert template_of(old) == packed
    new, made_anew = RidgeIndex(), RidgeIndex()
    clear = [new.put_stored(7, stored(packed)), made_anew.put_stored(7, old)]
    assert clear[0] == clear[1] > -1
    probe = impression(print_, 1, turn=0.2)
    (keys, scores), (others, same) = new.search(probe, 1), made_anew.search(probe, 1)
    assert keys.tolist() == others.tolist() == [7] and scores[0] == same[0]


def test_a_large_print_that_an_older_release_stored_with_codes_is_put_in_by_parts() -> None:
    packed = PALM.pack()
    old = packed + (1).to_bytes(4, "little") + (1).to_bytes(2, "little") + bytes(40)
    for data in (old, packed + _native.codes(packed, [])):  # of another release; and of this one, in one view
        index = RidgeIndex()
        assert index.put_stored(3, data) == len(PALM)
        keys, scores = index.search(PALM, 1)
        assert keys.tolist() == [3] and scores[0] > 20


def test_a_print_in_views_that_is_none_does_not_keep_the_others_out() -> None:
    bad = bytearray(BUSY.pack())
    bad[0] = 0xFF  # the model's name is not ASCII: what is read in Python alone tells
    good = stored(WHOLE.pack())
    index = RidgeIndex()
    assert index.put_many(np.array([1, 2, 3], np.uint64), [good, bytes(bad), good]).tolist() == [45, -1, 45]
    assert len(index) == 2
    with pytest.raises(BadTemplate):
        index.put_stored(2, bytes(bad))


def test_views_are_bounded_by_their_print_and_in_number() -> None:
    packed = finger(3, 4).pack()
    tag = _native.codes_tag().to_bytes(4, "little")

    def views(*sizes: int) -> bytes:
        out = packed + tag + len(sizes).to_bytes(2, "little")
        for size in sizes:
            out += size.to_bytes(2, "little") + bytes(2 * size) + bytes(16 * size)
        return out

    index = RidgeIndex()
    several = [views(4), views(5), views(0xFFFF), views(*[4] * 256), views(*[4] * 257), views(0), views()]
    clear = index.put_many(np.arange(len(several), dtype=np.uint64), several)
    assert clear.tolist() == [4, -1, -1, 4, -1, 4, -1]
    assert sorted(index.search(WHOLE, 9, exhaustive=True)[0].tolist()) == [0, 3]  # what has no minutia is never found
    assert index.remove(3) and len(index) == 2


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([WHOLE, BUSY, PALM]),
    st.lists(st.lists(st.integers(0, 44), max_size=45), max_size=8),
    st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=4),
    st.integers(0, 60),
)
def test_prints_of_many_views_in_any_damage_never_crash(
    print_: RidgeTemplate, views: list[list[int]], changes: list[tuple[int, int]], cut: int
) -> None:
    packed = print_.pack()
    data = bytearray(packed + _native.codes(packed, views))
    for at, value in changes:
        data[at % len(data)] = value
    index = RidgeIndex()
    clear = index.put_many(np.array([1], np.uint64), [bytes(data[: len(data) - cut])])
    assert len(index) == (clear[0] >= 0)
    keys, scores = index.search(WHOLE, 1)
    assert len(keys) <= len(index) and np.isfinite(scores).all()  # of no minutia: not found
    assert index.remove(1) == (clear[0] >= 0)
