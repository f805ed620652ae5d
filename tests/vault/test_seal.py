"""Blobs open as what they were sealed as, and as nothing else."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import Damaged
from limen.vault.seal import OVERHEAD, Context, epoch_of, open_blob, seal_blob

contexts = st.builds(
    Context,
    use=st.integers(1, 4),
    country=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3).map(str.encode),
    record=st.binary(min_size=16, max_size=16),
    sample=st.binary(min_size=16, max_size=16),
    modality=st.integers(0, 4),
    position=st.integers(0, 36),
    model=st.binary(max_size=16).map(lambda name: name.rstrip(b"\0")),
    expires=st.integers(0, 2**64 - 1),
)
keys = st.binary(min_size=32, max_size=32)


@given(keys, contexts, st.integers(0, 2**32 - 1), st.binary(max_size=200))
def test_what_was_sealed_opens(key: bytes, context: Context, epoch: int, plaintext: bytes) -> None:
    blob = seal_blob(key, context, epoch, plaintext)
    assert len(blob) == len(plaintext) + OVERHEAD
    assert epoch_of(blob) == epoch
    assert open_blob(key, context, blob) == plaintext
    assert open_blob(key, context, memoryview(blob)) == plaintext


@given(keys, contexts, contexts, st.data())
def test_another_context_does_not_open(key: bytes, context: Context, other: Context, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from([f.name for f in dataclasses.fields(Context)]))
    if getattr(context, field) == getattr(other, field):
        return
    blob = seal_blob(key, context, 1, b"template")
    with pytest.raises(Damaged):
        open_blob(key, dataclasses.replace(context, **{field: getattr(other, field)}), blob)


@given(keys, contexts, st.data())
def test_a_changed_or_cut_blob_does_not_open(key: bytes, context: Context, data: st.DataObject) -> None:
    blob = bytearray(seal_blob(key, context, 7, b"template"))
    cut = data.draw(st.integers(0, len(blob) - 1))
    with pytest.raises(Damaged):
        open_blob(key, context, bytes(blob[:cut]))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Damaged):
        open_blob(key, context, bytes(blob))


def test_padding_of_the_model_does_not_matter() -> None:
    """A model that came over the wire has its 16 bytes; one that a room names itself may be shorter."""
    short = Context(1, b"FRA", bytes(16), bytes(16), 2, 2, b"leader", 0)
    padded = dataclasses.replace(short, model=b"leader".ljust(16, b"\0"))
    assert open_blob(bytes(32), padded, seal_blob(bytes(32), short, 1, b"x")) == b"x"


def test_a_context_of_wrong_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="wrong length"):
        Context(1, b"FRANCE", bytes(16), bytes(16), 2, 2, b"", 0).aad()
