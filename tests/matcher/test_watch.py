"""Counts of evidence: by kind of probe, a batch at a time."""

from __future__ import annotations

import pytest

from limen.errors import BadMessage
from limen.matcher.watch import BATCH, EDGES, Watch, kind_of, unpack
from limen.wire.messages import EvidenceCounts


def test_one_search_more_shows_nothing_until_its_batch_is_full() -> None:
    watch = Watch()
    for _ in range(BATCH - 1):
        watch.count("face", 3.0)
    assert watch.published().searches == 0 and not any(unpack(watch.published())["face"])
    watch.count("both", None)
    counts = unpack(watch.published())
    assert counts["face"][EDGES.index(4)] == BATCH - 1 and counts["both"][0] == 1 and sum(counts["prints"]) == 0
    watch.count("both", 100.0)
    assert unpack(watch.published()) == counts


def test_every_strength_has_a_bin() -> None:
    watch = Watch()
    for nats in (-1e9, -20.0, -19.9, 0.0, 40.0, 40.1, 1e9):
        watch.count("prints", nats)
    for _ in range(BATCH - 7):
        watch.count("prints", 0.0)
    prints = unpack(watch.published())["prints"]
    assert (prints[0], prints[1], prints[EDGES.index(40)], prints[-1]) == (2, 1, 1, 2) and sum(prints) == BATCH


def test_counts_of_another_length_are_refused() -> None:
    with pytest.raises(BadMessage):
        unpack(EvidenceCounts(1, b"\0" * 9))


def test_kinds() -> None:
    assert [kind_of(faces=f, prints=p) for f, p in ((True, False), (False, True), (True, True))] == [
        "face",
        "prints",
        "both",
    ]
