"""LEADER's weights, read from its ONNX graph and folded into the few arrays that the native kernel multiplies with.

The graph is two U-Nets one after the other and three heads (position, direction, kind). Three things are folded, all
exact but for rounding:

- a layer normalisation right before a 1x1 convolution gives it its scale and shift; one right after a linear layer
  has its mean taken out of that layer's weights;
- two 1x1 convolutions with only an addition between them become one: the inverted bottlenecks' projection back to C
  channels followed by the adjustment to N channels is one 4C to N (and C to N for the shortcut);
- concatenations (upsampled, skipped) are stored the other way round, so that skipped channels start at a vector's
  boundary; whatever reads them has its input channels permuted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from limen.errors import Damaged

#: Image rows that the first layer reads, relative to the pixel: a 5x5 window, and a 5x5 window of every other pixel.
STEM_ROWS = (-4, -2, -1, 0, 1, 2, 4)
STEM_REACH = 4  # pixels to each side
STEM_COLUMNS = 32  # window in the kernel's matrix tiles, of which the first 9 are used
SEPARABLE = ("enc0_0", "enc0_1", "enc0_2", "enc0_3", "dec0_3", "dec0_2", "dec0_1", "dec0_0")
BOTTLENECKS = ("enc1_0", "enc1_1", "enc1_2", "enc1_3", "dec1_3", "dec1_2", "dec1_1", "dec1_0")
DILATIONS = (1, 3, 6)
HEADS = ("pos", "dir", "typ")
#: Channels (upsampled, skipped) that a block reads side by side; everything else reads one layer.
CONCATENATED = {
    "dec0_2": (128, 128), "dec0_1": (64, 64), "dec0_0": (32, 32),
    "dec1_2": (27, 32), "dec1_1": (91, 128), "dec1_0": (42, 64), "head": (20, 32),
}  # fmt: skip


class _Graph:
    """Constants of the graph, found by the layers' names."""

    def __init__(self, data: bytes) -> None:
        graph = onnx.load_from_string(data).graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers: dict[str, Any] = {node.output[0]: node for node in graph.node}
        self._by_constant: dict[str, Any] = {name: node for node in graph.node for name in node.input}

    def constant(self, output: str, index: int) -> np.ndarray:
        """Constant input number `index` of the node that makes `functional_1/{output}:0`."""
        node = self._makers.get(f"functional_1/{output}:0")
        if node is None or index >= len(node.input) or node.input[index] not in self._constants:
            raise Damaged(f"The graph of LEADER has no constant at '{output}'.")
        return np.asarray(numpy_helper.to_array(self._constants[node.input[index]]), np.float64)

    def convolution(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Kernel (out, in, kh, kw) and bias (out,) of a convolution."""
        node = self._by_constant.get(f"functional_1/{layer}/convolution/ReadVariableOp:0")
        if node is None or node.op_type != "Conv":
            raise Damaged(f"The graph of LEADER has no convolution '{layer}'.")
        kernel = np.asarray(numpy_helper.to_array(self._constants[node.input[1]]), np.float64)
        if len(node.input) > 2:
            return kernel, np.asarray(numpy_helper.to_array(self._constants[node.input[2]]), np.float64)
        return kernel, self.constant(f"{layer}/BiasAdd", 1).ravel()

    def pointwise(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Weights (in, out) and bias (out,) of a 1x1 convolution."""
        return self.constant(f"{layer}/BiasAdd", 1)[:, :, 0, 0].T, self.constant(f"{layer}/BiasAdd", 2)

    def depthwise(self, output: str) -> np.ndarray:
        """Kernel of a depthwise convolution, taps first: (kh * kw, channels)."""
        kernel = self.constant(output, 1)
        return kernel.reshape(len(kernel), -1).T

    def normalisation(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """Scale and shift (channels,)."""
        return self.constant(f"{layer}/mul", 1).ravel(), self.constant(f"{layer}/add_1", 1).ravel()


def fold(data: bytes) -> dict[str, np.ndarray]:
    """LEADER's arrays, float32, C-contiguous, named `block/array`, from the bytes of its ONNX file.

    Raises:
        Damaged: the file holds another graph.
    """
    graph = _Graph(data)
    arrays = {"epsilon": graph.constant("stem0_ln_1/add", 1).reshape(1)}
    arrays |= _prefixed("stem", _stem(graph))
    for name in SEPARABLE:
        arrays |= _prefixed(name, _separable(graph, name, _order(name)))
    arrays |= _prefixed("attention", _attention(graph, _swapped(16, 16)))
    for name in BOTTLENECKS:
        arrays |= _prefixed(name, _bottleneck(graph, name, _order(name)))
    for number, name in enumerate(HEADS):
        arrays |= _prefixed(f"head{number}", _head(graph, number, name, _swapped(*CONCATENATED["head"])))
    arrays["blur"] = graph.constant("nms_Gaussian_blur_1/convolution", 1).reshape(25)
    return {name: np.ascontiguousarray(value, np.float32) for name, value in arrays.items()}


def _order(name: str) -> np.ndarray | None:
    """Order of a block's input channels in the arrays; None where it is the graph's own."""
    if name == "enc1_0":  # the gated channels, ordered as the gate's own input, then the second stem's
        return np.concatenate([_swapped(16, 16), np.arange(32, 64)])
    return _swapped(*CONCATENATED[name]) if name in CONCATENATED else None


def _prefixed(name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}/{key}": value for key, value in arrays.items()}


def _swapped(first: int, second: int) -> np.ndarray:
    """Order that puts the second part of a concatenation first."""
    return np.concatenate([np.arange(first, first + second), np.arange(first)])


def _stem(graph: _Graph) -> dict[str, np.ndarray]:
    """Both first layers as one: kernel (7 rows, 32 columns, 48 = 16 + 32 channels)."""
    kernels, biases, scales, shifts = [], [], [], []
    for stem in ("stem0", "stem1"):
        parts = []
        for layer, dilation in ((f"{stem}_conv_1", 1), (f"{stem}_dilated_conv_1", 2)):
            weights, bias = graph.convolution(layer)
            spread = np.zeros((len(STEM_ROWS), STEM_COLUMNS, len(weights)))
            for row in range(5):
                for column in range(5):
                    at = STEM_ROWS.index((row - 2) * dilation), (column - 2) * dilation + STEM_REACH
                    spread[at] += weights[:, 0, row, column]
            parts.append((spread, bias))
        kernel, offset = np.concatenate([part[0] for part in parts], 2), np.concatenate([part[1] for part in parts])
        scale, shift = graph.normalisation(f"{stem}_ln_1")
        kernels.append(kernel - kernel.mean(2, keepdims=True))
        biases.append(offset - offset.mean())
        scales.append(scale)
        shifts.append(shift)
    return {
        "kernel": np.concatenate(kernels, 2),
        "bias": np.concatenate(biases),
        "scale": np.concatenate(scales),
        "shift": np.concatenate(shifts),
    }


def _separable(graph: _Graph, name: str, order: np.ndarray | None) -> dict[str, np.ndarray]:
    """Depthwise 5x5, 1x1 and normalisation of one block of the first U-Net."""
    depthwise = graph.depthwise(f"{name}_conv_1/separable_conv2d/depthwise")
    weights, bias = graph.pointwise(f"{name}_conv_1")
    scale, shift = graph.normalisation(f"{name}_ln_1")
    into = np.arange(len(weights)) if order is None else order
    return {
        "depthwise": depthwise[:, into],
        "pointwise": (weights - weights.mean(1, keepdims=True))[into],
        "bias": bias - bias.mean(),
        "scale": scale,
        "shift": shift,
    }


def _attention(graph: _Graph, order: np.ndarray) -> dict[str, np.ndarray]:
    """Three 3x3 convolutions of growing dilation, and the gate that they open on their own input."""
    kernels, biases = [], []
    for dilation in DILATIONS:
        weights, bias = graph.convolution(f"attention_conv_d{dilation}_1")
        kernels.append(weights.transpose(2, 3, 1, 0).reshape(9, 32, 16)[:, order])
        biases.append(bias)
    gate, offset = graph.pointwise("attention_s_1")
    return {
        "kernel": np.concatenate(kernels),
        "bias": np.concatenate(biases),
        "gate": gate[:, order],
        "gate_bias": offset[order],
    }


def _bottleneck(graph: _Graph, name: str, order: np.ndarray | None) -> dict[str, np.ndarray]:
    """Depthwise 7x7, normalisation, expansion to 4C, and the way back and on to the next block in one step."""
    depthwise = graph.depthwise(f"{name}_depthwise_conv_1/depthwise")
    scale, shift = graph.normalisation(f"{name}_ln_1")
    expand, expand_bias = graph.pointwise(f"{name}_conv_exp_1")
    reduce, reduce_bias = graph.pointwise(f"{name}_conv_red_1")
    adjust, adjust_bias = graph.pointwise(f"{name}_conv_adj_1")
    into = np.arange(len(expand)) if order is None else order
    return {
        "depthwise": depthwise[:, into],
        "expand": (scale[:, None] * expand)[into],
        "expand_bias": expand_bias + shift @ expand,
        "reduce": reduce @ adjust,
        "shortcut": adjust[into],
        "bias": reduce_bias @ adjust + adjust_bias,
    }


def _head(graph: _Graph, number: int, name: str, order: np.ndarray) -> dict[str, np.ndarray]:
    """A bottleneck that ends in four channels, their normalisation and mixing, and a 5x5 convolution."""
    arrays = _bottleneck(graph, f"head_{number}_ibc", order)
    narrow, narrow_bias = graph.pointwise(f"head_{number}_conv1_1")
    narrow, narrow_bias = narrow - narrow.mean(1, keepdims=True), narrow_bias - narrow_bias.mean()
    scale, shift = graph.normalisation(f"head_{number}_ln_1")
    mix, mix_bias = graph.pointwise(f"head_{number}_conv2_1")
    out, out_bias = graph.convolution(f"head_conv_{name}_1")
    return arrays | {
        "reduce": arrays["reduce"] @ narrow,
        "shortcut": arrays["shortcut"] @ narrow,
        "bias": arrays["bias"] @ narrow + narrow_bias,
        "mix": scale[:, None] * mix,
        "mix_bias": mix_bias + shift @ mix,
        "out": out.transpose(2, 3, 1, 0).reshape(25, 4, -1),
        "out_bias": out_bias,
    }
