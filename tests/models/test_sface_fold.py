"""SFace's weights for the native kernel."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from limen import models
from limen.errors import Damaged
from limen.models.sface_fold import fold


def test_all_layers_are_there() -> None:
    arrays = fold(models.read("sface"))

    assert arrays["strides"].tolist() == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    assert arrays["first/kernel"].shape == (27, 32)
    assert arrays["separable12/depthwise/kernel"].shape == (9, 1024)
    assert arrays["separable12/pointwise/kernel"].shape == (1024, 1024)
    assert arrays["last/kernel"].shape == (128, 49 * 1024)
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values())


def test_another_graph_is_refused() -> None:
    model = onnx.load_from_string(models.read("sface"))
    chosen = [node for node in model.graph.node if node.op_type != "PRelu"]
    del model.graph.node[:]
    model.graph.node.extend(chosen)

    with pytest.raises(Damaged, match="no PRelu"):
        fold(model.SerializeToString())
