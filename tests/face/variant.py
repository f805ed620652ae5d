"""A second face model for tests: SFace behind another input and in 512 dimensions, in a file with a manifest.

It takes BGR from -1 to 1, as many models do, and turns each template by the same random rotation into a larger space,
so that it is as good as SFace, and none of its templates is like one of SFace's.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from limen import models
from limen.face import evidence

NAME, DIMENSION = "turned-512", 512
MANIFEST = """
role = "face-embedder"
file = "{name}.onnx"
sha256 = "{sha256}"
licence = "Apache-2.0"
source = "made by the tests from SFace"
calibration = "{name}-calibration.toml"

[input]
name = "photo"
width = 112
height = 112
channels = "BGR"
mean = 127.5
scale = 0.0078125

[template]
dimension = 512
metric = "cosine"
"""


def rotation() -> np.ndarray:
    """float32 (128, 512) with orthonormal rows."""
    return np.linalg.qr(np.random.default_rng(5).normal(size=(DIMENSION, 128)))[0].T.astype(np.float32)


def graph() -> bytes:
    """The model's ONNX bytes."""
    model = onnx.load_from_string(models.load("sface"))
    inside = model.graph
    old, made = inside.input[0].name, inside.output[0].name
    constants = {
        "limen_scale": np.float32(128.0),
        "limen_mean": np.float32(127.5),
        "limen_order": np.array([2, 1, 0], np.int64),
        "limen_turn": rotation(),
    }
    inside.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items())
    before = [
        helper.make_node("Mul", ["photo", "limen_scale"], ["limen_scaled"]),
        helper.make_node("Add", ["limen_scaled", "limen_mean"], ["limen_levels"]),
        helper.make_node("Gather", ["limen_levels", "limen_order"], [old], axis=1),
    ]
    nodes = [*before, *inside.node, helper.make_node("MatMul", [made, "limen_turn"], ["template"])]
    del inside.node[:], inside.input[:], inside.output[:]
    inside.node.extend(nodes)
    image = ["faces", 3, 112, 112]
    inside.input.append(helper.make_tensor_value_info("photo", onnx.TensorProto.FLOAT, image))
    inside.output.append(helper.make_tensor_value_info("template", onnx.TensorProto.FLOAT, ["faces", DIMENSION]))
    return model.SerializeToString()


def calibration() -> str:
    """Its calibration: SFace's, turned."""
    known = evidence.calibration("sface")
    numbers = {name: value for name, value in vars(known).items() if name != "centre"}
    centre = (known.centre @ rotation()).tolist()
    return "\n".join([*(f"{name} = {value!r}" for name, value in numbers.items()), f"centre = {centre!r}"])


def write(folder: Path, name: str = NAME, *, calibrated: bool = True) -> Path:
    """Put model, manifest and calibration into a folder; returns the manifest's path."""
    data = graph()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(data)
    if calibrated:
        (folder / f"{name}-calibration.toml").write_text(calibration())
    manifest = folder / f"{name}.toml"
    manifest.write_text(MANIFEST.format(name=name, sha256=hashlib.sha256(data).hexdigest()))
    return manifest


def describe(folder: Path) -> None:
    """Manifest and calibration alone: what a matcher needs, which runs no model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.toml").write_text(MANIFEST.format(name=NAME, sha256="0" * 64))
    (folder / f"{NAME}-calibration.toml").write_text(calibration())
