"""The two ways to run the network agree, and tiles of a large image join without a seam."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from limen import models
from limen.errors import Damaged
from limen.images import decode
from limen.models.leader_fold import fold
from limen.ridge import network
from limen.ridge.network import Graph, Leader, Minutiae, Tiles

needs_tiles = pytest.mark.skipif(not Tiles.supported(), reason="this processor has no AMX tiles")


def drawn(height: int, width: int, seed: int) -> np.ndarray:
    """Ridges that bend, with about one minutia in 3,000 pixels, and noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phase = 2 * np.pi * (y * 0.8 + x * 0.6) / 9 + 4 * np.sin(x / 90) + 3 * np.cos(y / 70)
    for _ in range(max(2, height * width // 3000)):
        phase += random.choice([-1, 1]) * np.arctan2(y - random.uniform(0, height), x - random.uniform(0, width))
    return np.clip(127 + 100 * np.cos(phase) + random.normal(0, 15, (height, width)), 0, 255).astype(np.uint8)


def clear(found: Minutiae) -> Minutiae:
    """Without the faint ones, which come and go with rounding."""
    return found.of(found.sure >= network.CLEAR)


def shared(a: Minutiae, b: Minutiae) -> np.ndarray:
    """Index pairs (k, 2) of minutiae at most 1.5 pixels apart."""
    near = np.hypot(a.x[:, None] - b.x[None], a.y[:, None] - b.y[None]) < 1.5
    return np.argwhere(near)


@needs_tiles
@pytest.mark.parametrize(("height", "width"), [(96, 64), (64, 416), (250, 301), (384, 416)])
def test_tiles_and_graph_agree(height: int, width: int) -> None:
    grey = drawn(height, width, seed=height + width)
    tiles, graph = clear(Leader(Tiles()).read(grey, 255)), clear(Leader(Graph()).read(grey, 255))
    pairs = shared(tiles, graph)
    # minutiae near the threshold may be in one and not in the other
    assert abs(len(tiles) - len(graph)) <= 2 + 0.03 * len(graph)
    assert len(pairs) >= 0.95 * len(graph) - 2
    left, right = pairs.T
    apart = np.abs((tiles.angle[left] - graph.angle[right] + np.pi) % (2 * np.pi) - np.pi)
    assert np.mean(apart < 0.03) > 0.9
    assert np.mean(np.abs(tiles.sure[left] - graph.sure[right]) < 0.03) > 0.9


@needs_tiles
@pytest.mark.data
def test_tiles_and_graph_agree_on_real_prints(samples: Path) -> None:
    files = sorted((samples / "fingerprints").glob("fvc*/101_1.tif"))
    tiles, graph = Leader(Tiles()), Leader(Graph())
    shares = []
    for file in files:
        grey = decode(file.read_bytes()).grey()
        one, other = clear(tiles.read(grey, int(grey[0, 0]))), clear(graph.read(grey, int(grey[0, 0])))
        shares.append(len(shared(one, other)) / max(len(one), len(other)))
    assert np.mean(shares) > 0.97


@needs_tiles
def test_the_same_image_gives_the_same_minutiae_in_any_order_of_sizes() -> None:
    leader = Leader(Tiles())
    large, small = drawn(320, 352, 1), drawn(96, 64, 2)
    before = [leader.read(grey, 0) for grey in (large, small)]
    after = [leader.read(grey, 0) for grey in (small, large)][::-1]
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one.x, other.x) and np.array_equal(one.angle, other.angle)


@needs_tiles
def test_a_forked_child_reads_what_its_parent_does() -> None:
    leader, grey = Leader(Tiles()), drawn(128, 128, 3)
    here = len(leader.read(grey, 0))
    child = os.fork()
    if child == 0:
        os._exit(len(leader.read(grey, 0)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == here > 0


@pytest.mark.parametrize("shape", [(300, 1300), (1300, 300)])
def test_tiles_of_a_large_image_join_without_a_seam(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    grey = drawn(*shape, seed=5)
    leader = Leader()
    apart = clear(leader.read(grey, 0))
    monkeypatch.setattr(network, "TILE", 1312)
    whole = clear(leader.read(grey, 0))
    assert len(set(zip(apart.x, apart.y, strict=True))) == len(apart)
    assert len(shared(apart, whole)) > 0.9 * len(whole)
    assert abs(len(apart) - len(whole)) < 0.05 * len(whole)


def test_minutiae_lie_in_the_image_the_surest_first() -> None:
    found = Leader().read(drawn(200, 170, 9), 255)
    assert len(found) > 5
    assert found.x.min() >= 0 and found.x.max() <= 169 and found.y.min() >= 0 and found.y.max() <= 199
    assert (np.diff(found.sure) <= 0).all() and found.sure.min() >= network.FAINT


def test_another_graph_is_refused() -> None:
    with pytest.raises(Damaged):
        fold(models.read("yunet"))


@needs_tiles
def test_the_kernel_refuses_wrong_arrays_and_sizes() -> None:
    from limen.ridge import _leader

    arrays = fold(models.read("leader"))
    for broken in (
        {name: value for name, value in arrays.items() if name != "enc1_0/expand"},
        arrays | {"head0/mix": np.zeros((4, 5), np.float32)},
        arrays | {"stem/bias": np.zeros(47, np.float32)},
    ):
        with pytest.raises(ValueError):
            _leader.Network(broken)
    kernel = _leader.Network(arrays)
    for shape in ((0, 32), (31, 32), (32, 8192)):
        with pytest.raises(ValueError):
            kernel.read(np.zeros(shape, np.uint8), 0.5)
