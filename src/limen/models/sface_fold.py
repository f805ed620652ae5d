"""SFace's weights, read from its ONNX graph and folded into the few arrays that the native kernel multiplies with.

The graph is a chain: a 3x3 convolution, then pairs of a depthwise 3x3 and a 1x1 convolution, each with batch
normalisation and a PRelu; a normalisation, a linear layer, a normalisation. Every normalisation is folded into the
linear layer beside it, exact but for rounding, and the last layer's inputs are sorted as maps are kept: pixel after
pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from limen.errors import Damaged
from limen.models.prepare_faces import restored

SIDE = 7  # pixels of the last map


def fold(data: bytes) -> dict[str, np.ndarray]:
    """All arrays, float32, C-contiguous, by name.

    `first/kernel` (27, 32): taps row by row, in each the colours; `separableN/depthwise/kernel` (9, channels) and
    `separableN/pointwise/kernel` (depth, channels), each with a `bias` and a `slope` (channels,); `strides` of the
    depthwise ones; `last/kernel` (numbers of a template, 49 * channels) and `last/bias`.

    Args:
        data: the file of SFace.

    Raises:
        Damaged: it is not that chain.
    """
    chain = _Chain(data)
    kernel, bias, slope, _ = chain.convolution()
    found = {"first/kernel": kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel)), **_bent("first", bias, slope)}
    strides: list[int] = []
    while chain.goes_on:
        name = f"separable{len(strides)}"
        kernel, bias, slope, stride = chain.convolution()
        strides.append(stride)
        found[f"{name}/depthwise/kernel"] = kernel[:, 0].reshape(len(kernel), -1).T
        found |= _bent(f"{name}/depthwise", bias, slope)
        kernel, bias, slope, _ = chain.convolution()
        found[f"{name}/pointwise/kernel"] = kernel[:, :, 0, 0].T
        found |= _bent(f"{name}/pointwise", bias, slope)
    found["strides"] = np.array(strides)
    found["last/kernel"], found["last/bias"] = chain.last()
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def _bent(name: str, bias: np.ndarray, slope: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{name}/bias": bias, f"{name}/slope": slope}


class _Chain:
    """The graph's nodes, taken one after the other."""

    def __init__(self, data: bytes) -> None:
        graph = restored(data, "data").graph
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._nodes = [node for node in graph.node if node.op_type not in _SKIPPED]

    @property
    def goes_on(self) -> bool:
        """Whether another convolution follows."""
        return bool(self._nodes) and self._nodes[0].op_type == "Conv"

    def convolution(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Kernel (out, in, kh, kw), bias and slope (out,) and stride of the next one, its normalisation folded in."""
        node = self._take("Conv")
        kernel = self._constant(node, 1)
        scale, shift = self._normalisation()
        slope = self._constant(self._take("PRelu"), 1).reshape(-1)
        strides = [helper.get_attribute_value(a) for a in node.attribute if a.name == "strides"]
        return kernel * scale[:, None, None, None], shift, slope, int(strides[0][0]) if strides else 1

    def last(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights (out, pixels * channels) and bias (out,) from the last map on."""
        scale, shift = self._normalisation()
        node = self._take("Gemm")
        weights, bias = self._constant(node, 1), self._constant(node, 2)
        after, beyond = self._normalisation()
        by_channel = weights.reshape(len(weights), len(scale), SIDE * SIDE)
        bias = bias + (by_channel * shift[:, None]).sum(axis=(1, 2))
        folded = (by_channel * scale[:, None]).transpose(0, 2, 1).reshape(weights.shape)
        return folded * after[:, None], bias * after + beyond

    def _normalisation(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale and shift of the next batch normalisation."""
        node = self._take("BatchNormalization")
        epsilon = next((helper.get_attribute_value(a) for a in node.attribute if a.name == "epsilon"), 1e-5)
        gamma, beta, mean, variance = (self._constant(node, index) for index in range(1, 5))
        scale = gamma / np.sqrt(variance + epsilon)
        return scale, beta - mean * scale

    def _take(self, kind: str) -> Any:
        if not self._nodes or self._nodes[0].op_type != kind:
            raise Damaged(f"The graph of SFace has no {kind} where one belongs.")
        return self._nodes.pop(0)

    def _constant(self, node: Any, index: int) -> np.ndarray:
        if index >= len(node.input) or node.input[index] not in self._constants:
            raise Damaged("The graph of SFace has no constant where one belongs.")
        return np.asarray(self._constants[node.input[index]], np.float64)


_SKIPPED = {"Sub", "Mul", "Constant", "Dropout", "Flatten"}  # the pixels' scaling, which the kernel does, and no-ops
