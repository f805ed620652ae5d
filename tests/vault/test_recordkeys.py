"""Records' secrets: they last, they go for good, and neither a crash nor a thief of the file gets more than that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import Damaged, KeyUnavailable
from limen.vault.custody import AesCustody
from limen.vault.keys import KeyRing
from limen.vault.recordkeys import SLOT, RecordKeys, ids_in
from limen.vault.seal import Use

WRAPPERS = {epoch: AesCustody(bytes([epoch]) * 32) for epoch in (1, 2)}


def opened(folder: Path) -> RecordKeys:
    return RecordKeys(folder, "FRA", lambda _, epoch: WRAPPERS[epoch])


@given(st.lists(st.tuples(st.sampled_from("masrc"), st.integers(1, 9)), max_size=40))
def test_they_are_what_a_dictionary_would_hold(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    folder = tmp_path_factory.mktemp("keys")
    keys, expected = opened(folder), {}
    for what, number in steps:
        record = bytes([number]) * 16
        if what == "m":
            expected[record] = expected.get(record) or keys.make(record, 1)
        elif what == "s":
            assert keys.shred([record]) == int(expected.pop(record, None) is not None)
        elif what == "r":
            assert keys.rewrap(2) == len(expected)
        elif what == "c":
            keys = opened(folder)
        assert set(keys.records()) == set(expected)
        assert all(keys.secret(one) == secret for one, secret in expected.items())
    if keys.path.exists():
        assert set(ids_in(keys.path)) == set(expected)


def test_a_shredded_secret_is_nowhere_in_the_file_and_its_slot_serves_again(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    records = [os.urandom(16) for _ in range(3)]
    for record in records:
        keys.make(record, 1)
    before = keys.path.read_bytes()[2 * SLOT : 3 * SLOT]
    keys.shred([records[1]])
    content = keys.path.read_bytes()
    assert content[2 * SLOT : 3 * SLOT] == bytes(SLOT)
    assert before[20:] not in content
    with pytest.raises(KeyUnavailable, match="shredded"):
        keys.secret(records[1])
    keys.make(os.urandom(16), 1)
    assert len(keys.path.read_bytes()) == 4 * SLOT


@pytest.mark.parametrize("cut", [1, 20, SLOT - 1])
def test_a_slot_that_a_crash_cut_short_is_written_over(tmp_path: Path, cut: int) -> None:
    keys = opened(tmp_path)
    first, second, third = (os.urandom(16) for _ in range(3))
    secret = keys.make(first, 1)
    keys.make(second, 1)
    os.truncate(keys.path, 2 * SLOT + cut)
    keys = opened(tmp_path)
    assert keys.records() == [first]
    later = keys.make(third, 1)
    again = opened(tmp_path)
    assert (again.secret(first), again.secret(third)) == (secret, later)


def test_a_changed_or_moved_slot_is_damage_of_that_record_alone(tmp_path: Path) -> None:
    keys = opened(tmp_path)
    records = [os.urandom(16) for _ in range(3)]
    for record in records:
        keys.make(record, 1)
    content = bytearray(keys.path.read_bytes())
    content[2 * SLOT + 16 : 3 * SLOT] = content[SLOT + 16 : 2 * SLOT]
    keys.path.write_bytes(content)
    keys = opened(tmp_path)
    with pytest.raises(Damaged):
        keys.secret(records[1])
    assert [record for record, _ in keys.page(records[0], 10)] == [records[0], records[2]]


def test_what_is_no_file_of_keys_is_said(tmp_path: Path) -> None:
    (tmp_path / "FRA.keys").write_bytes(b"something else" * 20)
    with pytest.raises(Damaged, match="no record keys"):
        opened(tmp_path)


def test_records_have_keys_of_their_own_that_last_over_restarts_and_rotations(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    records = [os.urandom(16) for _ in range(3)]
    ring.epoch("FRA")
    keys = [ring.key("FRA", 1, use, record, make=True) for record in records for use in Use]
    assert len(set(keys)) == 3 * len(Use)
    with pytest.raises(KeyUnavailable):
        ring.key("FRA", 1, Use.TEMPLATE, os.urandom(16))
    assert ring.rotate("FRA") == 2
    ring.close()
    again = KeyRing(tmp_path)
    assert [again.key("FRA", 1, use, record) for record in records for use in Use] == keys
    assert again.key("FRA", 2, Use.TEMPLATE, records[0]) not in keys
    again.retire("FRA", 1)
    assert again.keys("FRA", 2, Use.TEMPLATE, records[1], 9) == [
        (record, again.key("FRA", 2, Use.TEMPLATE, record)) for record in records[1:]
    ]
    with pytest.raises(KeyUnavailable):
        again.key("FRA", 1, Use.TEMPLATE, records[0])
    again.close()
