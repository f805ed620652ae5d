"""Whatever is put into an index and taken out, it is what a plain dict would be; what is given back is used again."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.ridge.prints import finger, impression, template

from limen.evaluation.synthesis.templates import minutiae_templates
from limen.ridge.comparator import prepare
from limen.ridge.index import RidgeIndex
from limen.ridge.stored import stored
from limen.ridge.template import RidgeTemplate
from limen.wire.rows import Blobs

_STEP = pow(0x9E3779B97F4A7C15, -1, 1 << 64)  # of the table's hash (native/store/handles.hpp)
COLLIDING = [k * _STEP % (1 << 64) for k in range(-12, 12)]
KEYS = st.one_of(st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1, *COLLIDING]), st.integers(0, 30))


def _strewn(count: int, side: int, quality: int = 80) -> RidgeTemplate:
    random = np.random.default_rng(count)
    places = random.uniform(0, side, (2, count))
    return template(*places, random.uniform(0, 6.28, count), quality=np.full(count, quality), side=side)


EMPTY = template([], [], [])
#: Of every kind: of no minutia, of few, in one block or in four and more, in two views, a palm in many.
PRINTS = [EMPTY, finger(1, 3), finger(2), finger(3, 60), _strewn(300, 700), _strewn(200, 700, 20), _strewn(600, 1800)]
PACKED = [one.pack() for one in PRINTS]
STORED = [stored(one) for one in PACKED]
PROBES = [impression(finger(2), 1), impression(finger(3, 60), 1)]


class Indexes(RuleBasedStateMachine):
    """An index, and a dict of which print has which key."""

    def __init__(self) -> None:
        super().__init__()
        self.index = RidgeIndex()
        self.kept: dict[int, int] = {}

    @rule(key=KEYS, which=st.integers(0, len(PRINTS) - 1))
    def put(self, key: int, which: int) -> None:
        self.index.put(key, PRINTS[which])
        self.kept[key] = which

    @rule(
        some=st.dictionaries(
            KEYS, st.tuples(st.integers(0, len(PRINTS) - 1), st.booleans(), st.booleans()), max_size=40
        ),
        threads=st.sampled_from([1, 2]),
    )
    def put_many(self, some: dict[int, tuple[int, bool, bool]], threads: int) -> None:
        data = [(STORED if codes else PACKED)[which][: -1 if bad else None] for which, codes, bad in some.values()]
        clear = self.index.put_many(np.array(list(some), np.uint64), data, threads=threads)
        assert [one < 0 for one in clear.tolist()] == [bad for _, _, bad in some.values()]  # what is bad is left alone
        self.kept |= {key: which for key, (which, _, bad) in some.items() if not bad}

    @rule(key=KEYS)
    def remove(self, key: int) -> None:
        assert self.index.remove(key) == (self.kept.pop(key, None) is not None)

    @rule(some=st.lists(KEYS, max_size=80))
    def remove_many(self, some: list[int]) -> None:
        gone = {key for key in some if self.kept.pop(key, None) is not None}
        assert self.index.remove_many(np.array(some, np.uint64)) == len(gone)

    @rule(some=st.lists(KEYS, max_size=10, unique=True))
    def search_among(self, some: list[int]) -> None:
        keys, scores = self.index.search_among(PROBES[0], np.array(some, np.uint64), 99)
        assert sorted(keys.tolist()) == sorted(set(some) & set(self.kept))
        assert (np.diff(scores) <= 0).all()

    @precondition(lambda self: self.kept)
    @rule(probe=st.sampled_from([0, 1]))
    def search(self, probe: int) -> None:
        keys, scores = self.index.search(PROBES[probe], 200, exhaustive=True)
        assert sorted(keys.tolist()) == sorted(
            key for key, which in self.kept.items() if which
        )  # once; none of no minutia
        mates = {key for key, which in self.kept.items() if which == probe + 2}
        assert set(keys[: len(mates)].tolist()) == mates
        assert np.isfinite(scores).all()

    @invariant()
    def as_many_as_the_dict_has(self) -> None:
        assert len(self.index) == len(self.kept)


Indexes.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestIndexes = Indexes.TestCase


def test_memory_that_was_given_back_is_used_again() -> None:
    count = 20_000
    packed = list(minutiae_templates(np.arange(500)).packed())
    data = [stored(one) for one in packed]
    blobs = Blobs.of([data[number % 500] for number in range(count)])
    index, memory = RidgeIndex(), []
    random = np.random.default_rng(1)
    for _ in range(10):
        keys = np.unique(random.integers(0, 2**64, count + 10, np.uint64))[:count]
        assert (index.put_many(keys, blobs) >= 0).all() and len(index) == count
        memory.append(index.memory)
        assert index.remove_many(random.permutation(keys)) == count and len(index) == 0
        assert len(index.search(PROBES[0], 5)[0]) == 0
    assert memory[-1] == memory[1] <= 1.02 * memory[0]


def test_prints_of_other_sizes_use_what_was_given_back_or_little_more() -> None:
    """Blocks of memory serve the next of their size: a mixture that stays the same needs no more each time."""
    random, index, memory = np.random.default_rng(2), RidgeIndex(), []
    prints = [stored(finger(number, 10 + 5 * number).pack()) for number in range(10)]
    for _ in range(30):
        keys = np.arange(1000, dtype=np.uint64)
        index.put_many(keys, [prints[number] for number in random.permutation(1000) % 10])  # replaces all
        assert len(index) == 1000
        memory.append(index.memory)
    assert memory[-1] <= 1.5 * memory[0]


def test_searches_meet_whole_prints_while_others_put_and_remove_many() -> None:
    index, sought = RidgeIndex(), finger(4)
    index.put(2**64 - 1, sought)
    probe, keys = [[prepare(impression(sought, 1))]], np.arange(400, dtype=np.uint64)
    some = Blobs.of([STORED[number % len(STORED)] for number in range(400)])
    score = index.search_among(impression(sought, 1), [2**64 - 1], 1)[1][0]
    failures: list[object] = []
    done = threading.Event()

    def change() -> None:
        try:
            for _ in range(6):
                index.put_many(keys, some)
                index.remove_many(keys)
        except Exception as error:
            failures.append(error)
        done.set()

    def search(survivors: int) -> None:
        try:
            while not done.is_set():
                for found, scores in index._prints.search(probe, 1, survivors, 1):
                    if found.tolist() != [2**64 - 1] or scores[0] != score:
                        failures.append((found, scores))
                index.search_among(sought, keys[::9], 5)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=change), *(threading.Thread(target=search, args=(few,)) for few in (5, 2**63))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(index) == 1
