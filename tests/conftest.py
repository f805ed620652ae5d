"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("limen", deadline=None)  # machines are shared: wall time says nothing
settings.load_profile("limen")


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of real samples (LIMEN_TEST_DATA, default ../shared/data); the test skips where it is absent."""
    root = Path(__file__).parents[1]
    folder = Path(os.environ.get("LIMEN_TEST_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real samples are not here; set LIMEN_TEST_DATA to their folder")
    return folder
