"""One hub for all tests of this folder: it takes half a minute to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.front.osia.client import Osia, whole_hub


@pytest.fixture(scope="package")
def osia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Osia]:
    """A whole hub, a clerk and an officer of Bosnia and Herzegovina, and a server that takes call-backs."""
    with whole_hub(tmp_path_factory.mktemp("osia")) as made:
        yield made
