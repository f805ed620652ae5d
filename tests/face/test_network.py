"""SFace in the native kernel and in onnxruntime: the same templates."""

from __future__ import annotations

import numpy as np
import pytest
from tests.face import sface_fuzz

from limen import models
from limen.face.network import Graph, Tiles, opened
from limen.models.sface_fold import fold

needs_tiles = pytest.mark.skipif(not Tiles.supported(), reason="this processor has no AMX tiles")


def blobs(count: int, seed: int) -> np.ndarray:
    """Smooth pictures in colour, uint8 (count, 112, 112, 3): like faces, most of what they hold is coarse."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:112, 0:112] / 112
    made = np.zeros((count, 112, 112, 3))
    for face in made:
        for _ in range(12):
            at_x, at_y, wide = random.random(), random.random(), random.uniform(0.05, 0.4)
            blob = np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * wide**2))
            face += blob[..., None] * random.uniform(-80, 80, 3)
    return np.clip(made + 128, 0, 255).astype(np.uint8)


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


@needs_tiles
def test_both_ways_give_the_same_templates() -> None:
    model, faces = models.manifest("sface"), blobs(9, seed=1)
    native, graph = Tiles(model).run(faces), Graph(model).run(faces)

    assert native.shape == graph.shape == (9, 128)
    assert cosines(native, graph).min() > 0.999
    np.testing.assert_allclose(np.linalg.norm(native, axis=1), np.linalg.norm(graph, axis=1), rtol=0.02)
    assert cosines(native[:-1], native[1:]).max() < 0.99  # and others for other faces


@needs_tiles
def test_a_face_has_one_template_whatever_stands_beside_it() -> None:
    kernel, faces = Tiles(models.manifest("sface")), blobs(5, seed=2)
    together = kernel.run(faces)

    assert all(np.array_equal(kernel.run(faces[i : i + 1])[0], together[i]) for i in range(5))
    np.testing.assert_array_equal(kernel.run(np.ascontiguousarray(faces[:, :, ::-1])), kernel.run(faces[:, :, ::-1]))
    assert kernel.run(faces[:0]).shape == (0, 128)


@needs_tiles
@pytest.mark.parametrize("shape", [(1, 112, 112), (1, 111, 112, 3), (1, 112, 112, 4)])
def test_other_pictures_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Tiles(models.manifest("sface")).run(np.zeros(shape, np.uint8))


@needs_tiles
@pytest.mark.parametrize("name", ["last/bias", "separable3/pointwise/kernel", "strides"])
def test_missing_weights_are_refused(name: str) -> None:
    from limen.face import _sface

    arrays = fold(models.read("sface"))
    del arrays[name]
    with pytest.raises(ValueError, match=name):
        _sface.Network(arrays)


@needs_tiles
def test_hostile_input() -> None:
    from limen.face import _sface

    assert sface_fuzz.run(_sface, seconds=1, seed=1) >= sface_fuzz.LEAST


def test_the_kernel_is_chosen_where_there_is_one() -> None:
    assert isinstance(opened(models.manifest("sface")), Tiles if Tiles.supported() else Graph)
