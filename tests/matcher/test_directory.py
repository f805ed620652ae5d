"""The native directory of samples is what plain dicts would be, whatever is put and taken out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.matcher.scan_fuzz import run

from limen.matcher import _native

_STEP = pow(0x9E3779B97F4A7C15, -1, 1 << 64)  # of the table's hash (native/store/handles.hpp)
#: Numbers that all have their home in the table's first slots, and in its last: what goes leaves holes among them.
COLLIDING = [*(k * _STEP % (1 << 64) for k in range(24)), *(-k * _STEP % (1 << 64) for k in range(1, 25))]
HANDLES = st.one_of(st.sampled_from([0, 1, 2**32, 2**63, 2**64 - 1, *COLLIDING]), st.integers(0, 40))


def _handles(some: list[int]) -> np.ndarray:
    return np.array(some, np.uint64)


class Directories(RuleBasedStateMachine):
    """A directory, and a dict of the same samples in the order in which they came."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = _native.Directory()
        self.kept: dict[int, tuple[int, int, int]] = {}

    @rule(
        some=st.lists(
            st.tuples(HANDLES, st.integers(0, 6), st.integers(0, 2), st.integers(-1, 3)),
            max_size=30,
            unique_by=lambda one: one[0],
        )
    )
    def put(self, some: list[tuple[int, int, int, int]]) -> None:
        new = [one for one in some if one[0] not in self.kept]
        slots, kinds, clear = (np.array([one[k] for one in new], np.int64) for k in (1, 2, 3))
        self.directory.put_many(
            _handles([one[0] for one in new]),
            slots.astype(np.int32),
            kinds.astype(np.uint32),
            clear.astype(np.int32),
        )
        self.kept |= {handle: (slot, kind, clear) for handle, slot, kind, clear in new}

    @rule(handle=HANDLES)
    def put_twice(self, handle: int) -> None:
        if handle in self.kept:
            one = np.zeros(1, np.int32)
            with pytest.raises(ValueError, match="there already"):
                self.directory.put_many(_handles([handle]), one, one.astype(np.uint32), one)

    @rule(handle=HANDLES)
    def remove(self, handle: int) -> None:
        assert self.directory.remove(handle) == (self.kept.pop(handle, None) is not None)

    @rule(some=st.lists(HANDLES, max_size=30))
    def remove_many(self, some: list[int]) -> None:
        self.directory.remove_many(_handles(some))
        for handle in some:
            self.kept.pop(handle, None)

    @rule()
    def remove_all(self) -> None:
        self.directory.remove_many(_handles(list(self.kept)))
        self.kept = {}

    @rule(some=st.lists(HANDLES, max_size=60))
    def slots_of(self, some: list[int]) -> None:
        assert self.directory.slots_of(_handles(some)).tolist() == [self.kept.get(one, (-1,))[0] for one in some]

    @rule(slots=st.lists(st.integers(-1, 8), max_size=5))
    def of_slots(self, slots: list[int]) -> None:
        found = zip(*(part.tolist() for part in self.directory.of_slots(np.array(slots, np.int32))), strict=True)
        assert list(found) == [one for slot in slots for one in self._in(slot)]

    @rule(allowed=st.lists(st.booleans(), max_size=9), kind=st.integers(0, 3))
    def of_kind(self, allowed: list[bool], kind: int) -> None:
        wanted = [one[0] for slot, is_ in enumerate(allowed) if is_ for one in self._in(slot) if one[1] == kind]
        assert self.directory.of_kind(np.array(allowed, np.uint8), kind).tolist() == wanted

    @invariant()
    def as_the_dict_says(self) -> None:
        assert len(self.directory) == len(self.kept)
        for slot in range(-1, 8):
            assert self.directory.samples_of(slot) == self._in(slot)

    def _in(self, slot: int) -> list[tuple[int, int, int]]:
        return [(handle, kind, clear) for handle, (at, kind, clear) in self.kept.items() if at == slot]


Directories.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestDirectories = Directories.TestCase


def test_the_colliding_numbers_collide() -> None:
    homes = [(handle * 0x9E3779B97F4A7C15 % (1 << 64)) >> (64 - 10) for handle in COLLIDING]
    assert set(homes) == {0, 1023}


def test_many_thousands_come_and_go_and_their_memory_is_used_again() -> None:
    random, directory = np.random.default_rng(4), _native.Directory()
    slots = np.arange(20_000, dtype=np.int32) // 4
    kinds, clear = np.zeros(20_000, np.uint32), np.full(20_000, -1, np.int32)
    memory = []
    for _ in range(10):
        handles = np.unique(random.integers(0, 2**64, 21_000, np.uint64))[:20_000]
        handles = random.permutation(handles)
        directory.put_many(handles, slots, kinds, clear)
        assert (directory.slots_of(handles) == slots).all() and len(directory) == 20_000
        gone, stay = handles[:10_000], handles[10_000:]
        directory.remove_many(gone)
        assert (directory.slots_of(gone) == -1).all() and (directory.slots_of(stay) == slots[10_000:]).all()
        directory.remove_many(stay)
        assert len(directory) == 0
        memory.append(directory.memory)
    assert memory[-1] == memory[0]


def test_random_and_hostile_input_is_refused_or_answered() -> None:
    assert run(_native, seconds=3, seed=1) > 5
