"""Entries: canonical, small, and without anything personal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import BadInput
from limen.ledger.entry import MAX_ENTRY, Entry, Kind, pseudonym
from limen.terms import Answer, Purpose

ENTRIES = st.builds(
    Entry,
    st.sampled_from(Kind),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**32 - 1),
    st.none() | st.sampled_from(Purpose),
    st.none() | st.sampled_from(Answer),
    st.just(b"") | st.binary(min_size=16, max_size=16),
    models=st.binary(max_size=32),
)


@given(ENTRIES)
def test_an_entry_comes_back(entry: Entry) -> None:
    line = entry.pack()
    assert Entry.unpack(line) == entry and len(line) <= MAX_ENTRY


@given(ENTRIES)
def test_an_entry_has_no_other_field_and_no_other_form(entry: Entry) -> None:
    found = json.loads(entry.pack())
    for other in (found | {"name": "MARTIN"}, found | {"v": 2}, found | {"who": "BIH/officer1"}):
        with pytest.raises(BadInput):
            Entry.unpack(json.dumps(other, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(BadInput):
        Entry.unpack(json.dumps(found).encode())


@given(st.binary(max_size=200))
def test_other_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(BadInput):
        Entry.unpack(data)


def test_a_pseudonym_needs_its_key_and_differs_every_time() -> None:
    key, other = b"a" * 32, b"b" * 32
    names = {pseudonym(k, i, "BIH/officer1") for k in (key, other) for i in (bytes(16), b"1" * 16)}
    assert len(names) == 4 and all(len(name) == 16 for name in names)
    with pytest.raises(BadInput):
        pseudonym(b"short", bytes(16), "BIH")
