"""LEADER's graph written anew for onnxruntime: the arrays of `leader_fold` in the few operators that it runs fast.

As shipped, the graph spells out normalisation and GELU in a dozen nodes each and computes shapes at run time. Here
they are single operators, 1x1 convolutions are matrix products with the channels last, and what can be folded is
folded. The result differs from the shipped graph's by rounding only.

Input `input`: float32 (1, h, w, 1), grey levels 0-255, sides multiples of 32. Output `maps`: float32 (1, 5, h, w):
how surely a minutia lies at a pixel (0-1), cosine and sine of its direction (not of unit length), endingness (0-1),
and the blurred sureness where that is the highest of 7x7 pixels, else 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from limen.models.leader_fold import BOTTLENECKS, DILATIONS, HEADS, STEM_REACH, STEM_ROWS, fold

_OPSET = 20  # the first with Gelu
_FIRST, _LAST = [0, 3, 1, 2], [0, 2, 3, 1]  # permutations that put the channels first (convolutions) or last (products)


def graph(data: bytes) -> bytes:
    """The new graph's bytes from those of the shipped file; `Damaged` if that holds another graph."""
    build = _Builder(fold(data))
    image = build("Transpose", "input", perm=_FIRST)
    low, high = _stems(build, image)
    gated = _first_unet(build, low)
    last = _second_unet(build, build("Concat", gated, high, axis=1))
    maps = [_head(build, last, number) for number in range(len(HEADS))]
    heat, direction, ending = build("Sigmoid", maps[0]), maps[1], build("Sigmoid", maps[2])
    build("Concat", heat, direction, ending, _peaks(build, heat), axis=1, output="maps")
    return build.model()


class _Builder:
    """Collects nodes and constants; calling it adds a node and returns the name of its output."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def __call__(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        """A constant's name in the graph."""
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def array(self, name: str) -> str:
        """The constant that holds a folded array as it is."""
        return self.constant(name, self.arrays[name])

    def model(self) -> bytes:
        """The finished graph."""
        shape = ("height", "width")
        body = helper.make_graph(
            self._nodes,
            "leader",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *shape, 1])],
            [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 5, *shape])],
            list(self._constants.values()),
        )
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
        return bytes(model.SerializeToString())


def _convolution(
    build: _Builder, of: str, kernel: np.ndarray, name: str, bias: str = "", dilation: int = 1, group: int = 1
) -> str:
    """A convolution that keeps the sides; `kernel`: (out, in, kh, kw)."""
    inputs = [of, build.constant(f"{name}/conv", kernel), *([bias] if bias else [])]
    pads = [dilation * (kernel.shape[2] // 2)] * 4
    return build("Conv", *inputs, pads=pads, dilations=[dilation] * 2, group=group)


def _depthwise(build: _Builder, of: str, name: str) -> str:
    kernel = build.arrays[f"{name}/depthwise"]
    size, channels = round(len(kernel) ** 0.5), kernel.shape[1]
    return _convolution(build, of, kernel.T.reshape(channels, 1, size, size), f"{name}/depthwise", group=channels)


def _product(build: _Builder, of: str, weights: str, bias: str = "") -> str:
    """Channels, last, times (in, out)."""
    product = build("MatMul", of, build.array(weights))
    return build("Add", product, build.array(bias)) if bias else product


def _normalised(build: _Builder, of: str, scale: str, shift: str) -> str:
    return build("LayerNormalization", of, scale, shift, axis=-1, epsilon=float(build.arrays["epsilon"][0]))


def _gelu(build: _Builder, of: str) -> str:
    return build("Gelu", of, approximate="tanh")


def _split_pool(build: _Builder, of: str, channels: int) -> str:
    """Half the sides: of the first half of the channels the largest of 2x2 pixels, of the second their mean."""
    halves = build.constant(f"halves{channels}", np.array([channels // 2] * 2, np.int64))
    largest, mean = f"{of}_first", f"{of}_second"
    build._nodes.append(helper.make_node("Split", [of, halves], [largest, mean], axis=1))
    size: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    return build("Concat", build("MaxPool", largest, **size), build("AveragePool", mean, **size), axis=1)


def _doubled(build: _Builder, of: str) -> str:
    scales = build.constant("doubled", np.array([1, 1, 2, 2], np.float32))
    return build(
        "Resize", of, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
    )


def _stems(build: _Builder, image: str) -> tuple[str, str]:
    """Both first layers: 16 channels, the largest of 2x2 pixels, and 32, their mean."""
    spread = build.arrays["stem/kernel"]
    kernel = np.zeros((48, 1, 2 * STEM_REACH + 1, 2 * STEM_REACH + 1), np.float32)
    for at, row in enumerate(STEM_ROWS):
        kernel[:, 0, row + STEM_REACH] = spread[at, : 2 * STEM_REACH + 1].T
    both = _convolution(build, image, kernel, "stem", build.array("stem/bias"))
    pooled = []
    for name, part, operator in (("low", slice(0, 16), "MaxPool"), ("high", slice(16, 48), "AveragePool")):
        begin, end = (
            build.constant(f"{name}/{i}", np.array([at], np.int64)) for i, at in enumerate((part.start, part.stop))
        )
        own = build("Slice", both, begin, end, build.constant("channels", np.array([1], np.int64)))
        scale, shift = (
            build.constant(f"{name}/{key}", build.arrays[f"stem/{key}"][part]) for key in ("scale", "shift")
        )
        ready = _normalised(build, build("Transpose", own, perm=_LAST), scale, shift)
        pooled.append(
            build(operator, build("Transpose", _gelu(build, ready), perm=_FIRST), kernel_shape=[2, 2], strides=[2, 2])
        )
    return pooled[0], pooled[1]


def _first_unet(build: _Builder, low: str) -> str:
    """From the pooled stem to the gated 32 channels of half resolution."""
    skipped, at = [], low
    for level in range(4):
        layer = _separable(build, at, f"enc0_{level}")
        skipped.append(layer)
        at = _split_pool(build, layer, build.arrays[f"enc0_{level}/bias"].size)
    for level in (3, 2, 1, 0):
        at = build("Concat", skipped[level], _doubled(build, _separable(build, at, f"dec0_{level}")), axis=1)
    opened = []
    for number, dilation in enumerate(DILATIONS):
        kernel = (
            build.arrays["attention/kernel"][9 * number : 9 * number + 9].reshape(3, 3, 32, 16).transpose(3, 2, 0, 1)
        )
        bias = build.constant(f"attention{number}/bias", build.arrays["attention/bias"][16 * number : 16 * number + 16])
        wide = _convolution(build, at, kernel, f"attention{number}", bias, dilation)
        opened.append(_gelu(build, wide))
    last = build("Transpose", build("Concat", *opened, axis=1), perm=_LAST)
    gate = build("Sigmoid", _product(build, last, "attention/gate", "attention/gate_bias"))
    return build("Mul", at, build("Transpose", gate, perm=_FIRST))


def _separable(build: _Builder, of: str, name: str) -> str:
    last = build("Transpose", _depthwise(build, of, name), perm=_LAST)
    mixed = _product(build, last, f"{name}/pointwise", f"{name}/bias")
    ready = _normalised(build, mixed, build.array(f"{name}/scale"), build.array(f"{name}/shift"))
    return build("Transpose", _gelu(build, ready), perm=_FIRST)


def _second_unet(build: _Builder, at: str) -> str:
    """From 64 channels of half resolution to the 52 that all heads read."""
    skipped = []
    for name in BOTTLENECKS[:4]:
        layer = build("Transpose", _bottleneck(build, at, name), perm=_FIRST)
        skipped.append(layer)
        at = _split_pool(build, layer, build.arrays[f"{name}/bias"].size)
    for name in BOTTLENECKS[4:]:
        layer = build("Transpose", _bottleneck(build, at, name), perm=_FIRST)
        at = build("Concat", skipped.pop(), _doubled(build, layer), axis=1)
    return at


def _bottleneck(build: _Builder, of: str, name: str) -> str:
    """Channels last."""
    channels = build.arrays[f"{name}/shortcut"].shape[0]
    one, none = (build.constant(f"{word}{channels}", value(channels)) for word, value in _PLAIN.items())
    ready = _normalised(build, build("Transpose", _depthwise(build, of, name), perm=_LAST), one, none)
    wide = _gelu(build, _product(build, ready, f"{name}/expand", f"{name}/expand_bias"))
    around = _product(build, build("Transpose", of, perm=_LAST), f"{name}/shortcut", f"{name}/bias")
    return build("Add", _product(build, wide, f"{name}/reduce"), around)


_PLAIN = {"ones": lambda n: np.ones(n, np.float32), "zeros": lambda n: np.zeros(n, np.float32)}


def _head(build: _Builder, last: str, number: int) -> str:
    """Full resolution, one or two channels."""
    name = f"head{number}"
    one, none = (build.constant(f"{word}4", value(4)) for word, value in _PLAIN.items())
    four = _normalised(build, _bottleneck(build, last, name), one, none)
    mixed = _gelu(build, _product(build, four, f"{name}/mix", f"{name}/mix_bias"))
    doubled = _doubled(build, build("Transpose", mixed, perm=_FIRST))
    kernel = build.arrays[f"{name}/out"]
    kernel = kernel.reshape(5, 5, *kernel.shape[1:]).transpose(3, 2, 0, 1)
    return _convolution(build, doubled, kernel, f"{name}/out", build.array(f"{name}/out_bias"))


def _peaks(build: _Builder, heat: str) -> str:
    blurred = _convolution(build, heat, build.arrays["blur"].reshape(1, 1, 5, 5), "blur")
    highest = build("MaxPool", blurred, kernel_shape=[7, 7], strides=[1, 1], pads=[3, 3, 3, 3])
    none = build.constant("none", np.zeros(1, np.float32))
    return build("Where", build("Equal", blurred, highest), blurred, none)
