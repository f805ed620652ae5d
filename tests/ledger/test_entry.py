"""Entries: canonical, small, and without anything personal."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import BadInput, Damaged
from limen.ledger import pseudonym
from limen.ledger.entry import MAX_ENTRY, Entry, Kind
from limen.terms import Answer, Purpose

ENTRIES = st.builds(
    Entry,
    st.sampled_from(Kind),
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**32 - 1),
    st.none() | st.sampled_from(Purpose),
    st.none() | st.sampled_from(Answer),
    st.just(b"") | st.binary(min_size=pseudonym.LENGTH, max_size=pseudonym.LENGTH),
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


def test_a_pseudonym_opens_with_its_key_for_its_entry_alone() -> None:
    key, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    names = {pseudonym.make(public, bytes(16), who) for who in ("BIH/officer1", "BIH/officer1", "BIH")}
    assert len(names) == 3 and {len(name) for name in names} == {pseudonym.LENGTH}
    assert {pseudonym.reveal(key, bytes(16), name) for name in names} == {"BIH/officer1", "BIH"}
    name = pseudonym.make(public, bytes(16), "BIH/officer1")
    for wrong in (
        (other, bytes(16), name),
        (key, b"1" * 16, name),
        (key, bytes(16), name[:-1] + b"x"),
        (key, b"", b""),
    ):
        with pytest.raises(Damaged):
            pseudonym.reveal(*wrong)
    assert pseudonym.make(public, bytes(16), "") == b""
    for who in ("é", "B" * 73, "BIH\0"):
        with pytest.raises(BadInput):
            pseudonym.make(public, bytes(16), who)
