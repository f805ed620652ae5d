"""The forgetting drill at its smallest: a real hub is searched, and nothing of the searches is found in it."""

from __future__ import annotations

import os
from unittest import mock

import pytest

from limen.errors import LimenError
from limen.evaluation.forgetting.drill import HIT, NOT_READY, PLAIN, SEALED, Case, Drill, Group, Report
from limen.evaluation.forgetting.needles import Needles, Thing
from limen.evaluation.forgetting.post import Outcome
from limen.evaluation.forgetting.scan import Trace


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_of_a_search_is_found_afterwards_and_all_of_it_during_it() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may look into the hub's memory")
    report = Drill(None, 1, lambda _: None, (SEALED, PLAIN, HIT)).run()
    assert not any(group.unexpected for group in report.groups.values())
    assert report.hits == 0, {name: (group.by_path, group.by_kind) for name, group in report.groups.items()}
    assert report.passed
    said = report.json()
    assert said["searches"] == 12
    assert said["windows"] > 10_000
    assert said["positive_control_hits"] > 1_000
    assert {"file", "pixels", "template", "tensor", "embedding"} <= set(said["positive_control_by_kind"])
    assert said["looked_at"]["processes"] >= 8  # supervisor, four parts, workers kept ready
    assert all(what.startswith("raw disk") for what in said["not_scanned"])
    assert (said["looked_at"]["raw_disk_bytes"] is None) == bool(said["not_scanned"])


@pytest.mark.parametrize("reason", sorted(NOT_READY))
def test_a_hub_that_was_not_ready_rules_nobody_out_and_the_drill_says_so(reason: str) -> None:
    group = Group(searches=2)
    stranger = Case("fingers", lambda _: Outcome("no-hit"), list, ("no-hit", "cannot-tell"))
    group.ended(stranger, Outcome("no-hit"))
    group.ended(stranger, Outcome("cannot-tell", ("probe-too-poor", "small-area")))
    assert not group.unexpected
    group.ended(stranger, Outcome("cannot-tell", (reason,)))
    assert group.unexpected == [f"fingers: cannot-tell ({reason})"]
    report = Report({SEALED: group}, control=5)
    assert not report.passed
    assert report.json()["groups"][SEALED]["why"] == {"cannot-tell": {"probe-too-poor": 1, "small-area": 1, reason: 1}}


def test_a_search_that_must_be_refused_and_is_answered_fails_the_drill() -> None:
    group = Group(searches=1)
    group.ended(Case("tampered", lambda _: Outcome("no-hit"), list, ("refused",)), Outcome("no-hit"))
    assert group.unexpected == ["tampered: no-hit (no reason given)"]


def test_memory_that_could_not_be_read_fails_the_drill_and_a_disk_that_could_not_is_said() -> None:
    report = Report({SEALED: Group(searches=1)}, control=5, not_scanned=["raw disk: only root may mount"])
    assert report.passed
    assert report.json()["not_scanned"] == ["raw disk: only root may mount"]
    report.not_scanned.append("memory of vault: not readable")
    assert not report.passed


def test_without_root_nothing_is_started() -> None:
    with mock.patch("os.geteuid", return_value=1000), pytest.raises(LimenError, match="only root may"):
        Drill(None, 1, lambda _: None).run()


def test_one_window_fails_the_drill_and_is_said_where_it_was() -> None:
    needles = Needles.cut([Thing("template", bytes(range(64)))])
    report = Report({SEALED: Group(searches=1, windows=len(needles))}, control=5)
    assert report.passed
    report.groups[SEALED].add("memory of matcher", Trace(found={0}), needles)
    assert not report.passed
    assert report.json()["by_path"] == {"memory of matcher": 1}
    assert report.json()["groups"][SEALED]["by_kind"] == {"template": 1}


@pytest.mark.parametrize("broken", [Report({}, control=0), Report({}, control=5, disk=9, disk_control=(250, 0))])
def test_a_scanner_that_sees_nothing_proves_nothing(broken: Report) -> None:
    assert not broken.passed
