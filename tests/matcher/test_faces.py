"""The scan: exact on its codes, alike on every instruction set and number of threads, near to the vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limen.matcher import _native
from limen.matcher.faces import FaceMatrix, encode

LEVELS = range(_native.best_level() + 1)


def _random(seed: int, n: int, width: int = 128):
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, (n, width), dtype=np.int8)
    return codes, random.uniform(0.5, 1.5, n).astype(np.float32)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 40])
@pytest.mark.parametrize("width", [64, 128, 512])
def test_every_instruction_set_finds_the_best_rows(level: int, count: int, width: int) -> None:
    codes, scales = _random(1, 700, width)
    probes, probe_scales = _random(2, count, width)
    slots = np.arange(700, dtype=np.int32) % 350
    allowed = (np.arange(350) % 3 > 0).astype(np.uint8)
    rows, scores = _native.scan(codes, scales, slots, allowed, probes, probe_scales, 9, 1, level)
    exact = (probes.astype(np.int64) @ codes.T.astype(np.int64)).astype(np.float32)
    exact *= probe_scales[:, None] * scales
    exact[:, ~allowed.astype(bool)[slots]] = -np.inf
    assert np.array_equal(rows, np.argsort(-exact, axis=1, kind="stable")[:, :9])
    assert np.array_equal(scores, np.take_along_axis(exact, rows, axis=1))


def test_threads_change_nothing() -> None:
    codes, scales = _random(3, 70_000)
    probes, probe_scales = _random(4, 5)
    slots, allowed = np.zeros(70_000, np.int32), np.ones(1, np.uint8)
    found = [_native.scan(codes, scales, slots, allowed, probes, probe_scales, 20, threads) for threads in (1, 2)]
    assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[0][1], found[1][1])


def test_equal_scores_rank_by_row() -> None:
    codes, ones = np.ones((50, 64), np.int8), np.ones(50, np.float32)
    rows, _ = _native.scan(codes, ones, np.zeros(50, np.int32), np.ones(1, np.uint8), codes[:1], ones[:1], 4)
    assert rows.tolist() == [[0, 1, 2, 3]]


def test_fewer_rows_than_asked_for() -> None:
    codes, scales = _random(5, 3)
    rows, scores = _native.scan(codes, scales, np.zeros(3, np.int32), np.ones(1, np.uint8), codes, scales, 5)
    assert rows.shape == scores.shape == (3, 5)
    assert (rows[:, 3:] == -1).all() and (rows[:, :3] >= 0).all()
    rows, scores = _native.scan(codes, scales, np.zeros(3, np.int32), np.ones(1, np.uint8), codes, scales, 0)
    assert rows.shape == scores.shape == (3, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"slots": np.full(4, 9, np.int32)},
        {"slots": np.full(4, -1, np.int32)},
        {"scales": np.ones(3, np.float32)},
        {"probes": np.ones((1, 128), np.int8)},
        {"values": np.ones((4, 63), np.int8), "probes": np.ones((1, 63), np.int8)},
        {"probe_scales": np.ones(2, np.float32)},
        {"limit": 1 << 30},
    ],
)
def test_sizes_that_do_not_fit_are_refused(change: dict) -> None:
    given_: dict = {
        "values": np.ones((4, 64), np.int8),
        "scales": np.ones(4, np.float32),
        "slots": np.zeros(4, np.int32),
        "allowed": np.ones(2, np.uint8),
        "probes": np.ones((1, 64), np.int8),
        "probe_scales": np.ones(1, np.float32),
        "limit": 3,
    }
    with pytest.raises(ValueError):
        _native.scan(**given_ | change)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_codes_order_as_vectors_do(seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(40, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes, scales = encode(vectors)
    likeness = (codes.astype(np.int32) @ codes.astype(np.int32).T) * scales[:, None] * scales
    assert np.abs(likeness - vectors @ vectors.T).max() < 0.006


def test_a_matrix_of_odd_dimension_finds_its_rows() -> None:
    random = np.random.default_rng(7)
    vectors = random.normal(size=(90, 100)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    matrix = FaceMatrix(100)
    for row, vector in enumerate(vectors):
        matrix.put(1000 + row, row, vector, row)
    found = matrix.nearest(vectors[[7, 70]], np.ones(90, bool), 1)
    assert [int(matrix.keys[rows[0]]) for rows in found] == [1007, 1070]
    assert matrix.of([1007, 1070])[0] @ vectors[7] == pytest.approx([1, vectors[70] @ vectors[7]], abs=1e-3)
    assert matrix.of([1007, 1070])[1].tolist() == [7, 70]
