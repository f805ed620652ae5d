"""The face template's fixed layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import BadTemplate
from limen.face.combine import combine
from limen.face.template import FaceTemplate


def _unit(seed: int, dimension: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


@given(st.integers(0, 2**32), st.integers(1, 1024), st.integers(0, 100), st.text("abcxyz019-", min_size=1, max_size=16))
def test_what_is_packed_is_unpacked(seed: int, dimension: int, quality: int, model: str) -> None:
    template = FaceTemplate(model, _unit(seed, dimension), quality)
    again = FaceTemplate.unpack(template.pack())
    assert (again.model, again.quality) == (model, quality)
    assert np.array_equal(again.vector, template.vector)


@given(st.binary(max_size=700))
def test_strange_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadTemplate):
        FaceTemplate.unpack(data)


@given(st.integers(0, 20 + 4 * 128 - 1), st.integers(1, 255))
def test_a_changed_byte_gives_a_valid_template_or_a_refusal(place: int, change: int) -> None:
    data = bytearray(FaceTemplate("sface", _unit(1, 128), 50).pack())
    data[place] ^= change
    try:
        template = FaceTemplate.unpack(bytes(data))
    except BadTemplate:
        return
    assert np.isfinite(template.vector).all()
    assert float(np.linalg.norm(template.vector)) == pytest.approx(1, abs=6e-3)


def test_several_photos_are_one_nearer_to_the_person() -> None:
    person = _unit(1, 128)
    photos = np.stack([person + 0.9 * _unit(seed, 128) for seed in range(2, 6)])
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    vector, quality = combine(photos, np.array([50, 60, 40, 55]))
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)
    assert vector @ person > (photos @ person).max()
    assert quality == 60


def test_a_better_photo_counts_more() -> None:
    first, second = _unit(1, 128), _unit(2, 128)
    vector, _ = combine(np.stack([first, second]), np.array([90, 10]))
    assert vector @ first > vector @ second
