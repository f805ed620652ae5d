"""The main job on real input: two countries' records in, their people found, strangers not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from limen.evaluation import border


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_enrolled_people_are_found_and_strangers_are_not(samples: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    figures = border.run(samples, tmp_path, port, lambda done: None)
    groups = figures["groups"]
    assert figures["records"] == 100
    assert groups["face"]["found"] >= 93  # 96 on 2026-11-22; a face alone is only ever a lead
    assert groups["face"]["hit"] == 0
    assert groups["finger"]["found"] >= 36  # 38 on 2026-11-22
    assert groups["face + finger"]["hit"] >= 36
    assert sum(group.get("wrong", 0) for group in groups.values()) == 0
    assert groups["stranger's face"]["false"] <= 1  # 0.2 expected at the default rate of 1 in 1,000
    assert groups["stranger's finger"]["false"] == 0
    assert groups["stranger's face"]["no-hit"] >= 195
