"""The index finds what was put, and forgets what was removed, at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from tests.ridge.prints import finger, impression, template

from limen.errors import BadTemplate
from limen.evaluation.synthesis.templates import minutiae_templates
from limen.ridge.comparator import compare, prepare
from limen.ridge.index import RidgeIndex
from limen.ridge.template import RidgeTemplate

BIG = 2**64 - 1


@pytest.fixture
def index() -> RidgeIndex:
    filled = RidgeIndex()
    for seed in range(20):
        filled.put(BIG - seed, finger(seed))
    return filled


def test_search_finds_the_mate_first_with_the_comparators_score(index):
    probe = impression(finger(4), 1, turn=0.4)
    keys, scores = index.search(probe, 5)
    assert keys.dtype == np.uint64 and scores.dtype == np.float32
    assert keys[0] == BIG - 4 and len(keys) == len(scores) == 5
    assert (np.diff(scores) <= 0).all()
    assert scores[0] == pytest.approx(compare(prepare(probe), prepare(finger(4))), abs=0.5)  # order of minutiae


def test_an_empty_index_finds_nothing():
    keys, scores = RidgeIndex().search(finger(1), 3)
    assert len(keys) == len(scores) == 0


def test_put_replaces_and_remove_forgets_at_once(index):
    index.put(BIG - 4, finger(100))
    assert len(index) == 20
    assert index.search(finger(100), 1)[0][0] == BIG - 4
    assert index.remove(BIG - 4) and not index.remove(BIG - 4)
    assert len(index) == 19
    assert BIG - 4 not in index.search(finger(100), 20)[0]


def test_search_among_some_keys_skips_unknown_ones(index):
    keys, _ = index.search_among(finger(4), [BIG - 1, BIG - 2, 17], 10)
    assert set(keys.tolist()) == {BIG - 1, BIG - 2}


def test_memory_grows_with_prints(index):
    before = index.memory
    for key in range(1000, 1200):  # memory is taken in pieces
        index.put(key, finger(55))
    assert index.memory > before > 0


def test_a_bad_template_changes_nothing(index):
    bad = RidgeTemplate(**{**finger(1).__dict__, "quality": 180})
    with pytest.raises(BadTemplate):
        index.put(BIG, bad)
    assert index.search(finger(0), 1)[0][0] == BIG


def test_a_print_in_a_nearly_empty_chunk_is_screened_with_the_rest():
    prints, sought = RidgeIndex(), finger(5000)
    for key in range(700):
        prints.put(key, finger(key % 300, 40))
    prints.put(BIG, sought)
    found = prints._prints.search([[prepare(impression(sought, 1))]], 1, 20, 2)
    assert found[0][0].tolist() == [BIG]


def test_changes_and_searches_at_once_by_threads(index):
    failures = []

    def change(first):
        try:
            for key in range(first, first + 60):
                index.put(key, finger(key % 7, 20))
                index.remove(key)
        except Exception as error:
            failures.append(error)

    def search():
        try:
            for _ in range(60):
                if index.search(finger(4), 1)[0][0] != BIG - 4:
                    failures.append("the mate was not first")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=change, args=(first,)) for first in (1000, 2000)]
    threads += [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(index) == 20


def test_a_view_of_clear_minutiae_is_kept_of_a_mark_on_a_busy_ground():
    one = finger(3, 30)
    mark = impression(one, 1, found=0)
    random = np.random.default_rng(2)
    noise = 300
    busy = template(
        np.append(mark.x, random.uniform(0, 800, noise)),
        np.append(mark.y, random.uniform(0, 800, noise)),
        np.append(mark.angle, random.uniform(0, 6.28, noise)),
        quality=np.append(mark.minutia_quality, random.integers(10, 50, noise)),
    )
    prints = RidgeIndex()
    for seed in range(30):
        prints.put(seed, finger(seed, 30))
    keys, scores = prints.search(busy, 2)
    assert keys[0] == 3 and scores[0] > scores[1] + 2

    marks = RidgeIndex()
    for seed in range(10):
        marks.put(seed, busy if seed == 5 else impression(finger(seed + 50), 1))
    assert marks.search(impression(one, 9, turn=1), 1)[0][0] == 5
    marks.put(5, finger(77))
    assert marks.search(impression(finger(77), 9), 1)[0][0] == 5
    assert marks.remove(5) and len(marks) == 9


def test_the_first_stage_keeps_mates_in_a_large_gallery():
    prints, count = RidgeIndex(), 4000
    for key, packed in enumerate(minutiae_templates(np.arange(count)).packed()):
        prints.put_stored(key, packed)
    probes = list(minutiae_templates(np.arange(count, count + 12)))
    mates = [impression(probe, 1, turn=0.5) for probe in probes]
    for key, mate in enumerate(mates):
        prints.put(count + key, mate)
    staged = prints.search_many(probes, 3, threads=2)
    assert [keys[0] for keys, _ in staged] == list(range(count, count + 12))
    few = 50  # survivors: so few that the screen before the votes is at work, as it is in galleries of 16,000
    screened = prints._prints.search([[prepare(probe)] for probe in probes], 3, few, 1)
    assert [keys[0] for keys, _ in screened] == list(range(count, count + 12))
    for probe, (keys, scores) in list(zip(probes, staged, strict=True))[:3]:
        every, best = prints.search(probe, 3, exhaustive=True)
        assert every[0] == keys[0] and best[0] == scores[0]
