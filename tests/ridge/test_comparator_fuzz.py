"""The kernels refuse or survive whatever they are fed (longer, under AddressSanitizer: `scripts/fuzz`)."""

from __future__ import annotations

import pytest
from tests.ridge.native_fuzz import run

from limen.ridge import _native


def test_kernels_survive_hostile_templates():
    assert run(_native, seconds=4, seed=1) > 20


def test_wrong_types_are_refused():
    for call in (
        lambda: _native.prepare("text"),
        lambda: _native.compare_many(1, []),
        lambda: _native.Index().put(-1, [b""]),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ValueError):
        _native.Index().put(1, [])
