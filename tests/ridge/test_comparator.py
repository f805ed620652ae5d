"""The comparator finds one finger in two impressions, however they are turned, and tells two fingers apart."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ridge.prints import finger, impression, template

from limen.errors import BadTemplate
from limen.ridge import _native
from limen.ridge.comparator import compare, compare_many, explain, prepare
from limen.ridge.evidence import llr
from limen.ridge.template import MAX_MINUTIAE, RidgeTemplate


def test_impressions_of_one_finger_score_above_all_others():
    fingers = [finger(seed) for seed in range(30)]
    references = [prepare(f) for f in fingers]
    for index, one in enumerate(fingers):
        probe = impression(one, seed=index, turn=0.2 * index, shift=(20, -15))
        scores = compare_many(prepare(probe), references)
        others = np.delete(scores, index)
        assert scores.dtype == np.float32
        assert scores[index] > others.max() + 2
        assert llr(float(scores[index])) > 3 > -3 > llr(float(np.median(others)))


@pytest.mark.parametrize("turn", [0.0, 0.7, np.pi / 2, np.pi, -2.5])
def test_any_rotation_is_found_and_told(turn):
    one = finger(7)
    other = impression(one, seed=1, turn=turn, shift=(30, 10), lost=0, found=0)
    comparison = explain(prepare(one), prepare(other))
    assert np.cos(comparison.rotation - turn) > np.cos(0.06)
    c, s = np.cos(comparison.rotation), np.sin(comparison.rotation)
    first, second = comparison.pairs.T
    assert len(first) > 0.9 * len(one)
    assert len(set(first.tolist())) == len(set(second.tolist())) == len(first)
    x = c * one.x[first] + s * one.y[first] + comparison.translation[0]
    y = -s * one.x[first] + c * one.y[first] + comparison.translation[1]
    assert np.median(np.hypot(x - other.x[second], y - other.y[second])) < 8


def test_half_a_finger_is_found():
    one = finger(3, 60)
    left = one.x < 400
    half = template(one.x[left], one.y[left], one.angle[left], one.kind[left], one.minutia_quality[left])
    others = compare_many(prepare(half), [prepare(finger(seed, 60)) for seed in range(100, 140)])
    assert compare(prepare(half), prepare(impression(one, 5, turn=0.5))) > others.max() + 2


def test_order_hardly_matters():
    for seed in range(10):
        a, b = prepare(finger(seed)), prepare(impression(finger(seed), seed, turn=1.0))
        assert compare(a, b) == pytest.approx(compare(b, a), abs=1)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_hardly_any_minutiae_give_no_evidence(count):
    few = prepare(finger(1, count) if count else template([], [], []))
    many = prepare(finger(2))
    for a, b in ((few, few), (few, many), (many, few)):
        assert compare(a, b) < 1  # nat
        assert len(explain(a, b).pairs) <= count


def test_identical_minutiae_are_no_evidence_and_take_no_time():
    heap = prepare(template(np.full(MAX_MINUTIAE, 400.0), np.full(MAX_MINUTIAE, 300.0), np.zeros(MAX_MINUTIAE)))
    start = time.process_time()
    assert compare(heap, heap) <= 0
    assert compare(heap, prepare(finger(1))) <= 0
    assert time.process_time() - start < 5


def test_the_largest_templates_take_bounded_time():
    random = np.random.default_rng(1)
    n = MAX_MINUTIAE
    palm = template(random.uniform(0, 800, n), random.uniform(0, 800, n), random.uniform(0, 6.28, n))
    start = time.process_time()
    prepared = prepare(palm)
    assert len(explain(prepared, prepared).pairs) > 0
    assert time.process_time() - start < 10


def test_templates_out_of_range_are_refused():
    good = finger(1)
    for field, value in (("x", np.full(len(good), 900.0)), ("kind", np.full(len(good), 9)), ("quality", 150)):
        bad = RidgeTemplate(**{**good.__dict__, field: value})
        with pytest.raises(BadTemplate):
            prepare(bad)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(data):
    try:
        prepared = _native.prepare(data)
    except ValueError:
        return
    assert len(prepared) == (len(data) - 24) // 8


def rows(count):
    place = st.integers(0, 400 * 4)
    minutia = st.tuples(place, place, st.integers(0, 65535), st.integers(0, 2), st.integers(0, 100))
    return st.lists(minutia, max_size=count)


@settings(max_examples=200, deadline=None)
@given(rows(40), rows(40))
def test_instruction_sets_agree_bit_for_bit(first, second):
    def made(minutiae):
        x, y, angle, kind, quality = np.array(minutiae, np.float64).reshape(-1, 5).T
        return prepare(template(x / 4, y / 4, angle * 2 * np.pi / 65536, kind, quality))

    a, b = made(first), made(second)
    results = {
        (
            _native.compare(a, b, level),
            _native.inputs(a, [b], level).tobytes(),
            _native.screen(a, [b], level).tobytes(),
            _native.scan(a, [b], level).tobytes(),
            _native.explain(a, b, level)[1].tobytes(),
        )
        for level in range(_native.best_level() + 1)
    }
    assert len(results) == 1


def test_instruction_sets_agree_on_fingers():
    if _native.best_level() == 0:
        pytest.skip("this processor has no AVX2")
    fingers = [finger(seed) for seed in range(12)]
    references = [prepare(impression(f, 1, turn=0.3)) for f in fingers]
    for one in fingers:
        plain, *others = (_native.inputs(prepare(one), references, level) for level in range(_native.best_level() + 1))
        for other in others:
            assert np.array_equal(plain, other)


def test_other_threads_run_during_a_long_comparison():
    references = [prepare(finger(seed, 60)) for seed in range(40)] * 200
    probe, ticks, done = prepare(finger(99, 60)), [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.perf_counter())

    watcher = threading.Thread(target=tick)
    watcher.start()
    start = time.perf_counter()
    compare_many(probe, references)
    end = time.perf_counter()
    done.set()
    watcher.join()
    assert sum(start < t < end for t in ticks) > 5
