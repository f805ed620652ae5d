"""An embedding model's network, loaded: from faces as the model wants them to raw embeddings.

There are two ways to run SFace, tested to agree: a native kernel on AMX tiles (`native/sface`, four times as fast)
where the processor has them, and onnxruntime, which runs every other model too (decision 0500).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from limen.models.installed import bytes_of, graph_of, open_session
from limen.models.manifest import Manifest

KERNEL_FOR = "limen.models.prepare_faces:embedder"  # what the graph of SFace is prepared by; no other model has it


class Network(Protocol):
    """A way to run a model."""

    def run(self, faces: np.ndarray) -> np.ndarray:
        """Raw embeddings, float32 (n, dimension), of uint8 (n, side, side, 3), RGB."""


class Tiles:
    """SFace in the native kernel. Forked children may use it."""

    def __init__(self, model: Manifest) -> None:
        from limen.face import _sface
        from limen.models.sface_fold import fold  # imports onnx, which nothing else here needs

        self._network = _sface.Network(fold(bytes_of(model)))

    @staticmethod
    def supported() -> bool:
        """Whether this processor and system have what it needs, and the module is built."""
        try:
            from limen.face import _sface
        except ImportError:  # built on x86-64 Linux only
            return False
        return bool(_sface.supported())

    def run(self, faces: np.ndarray) -> np.ndarray:
        """See `Network`."""
        return np.asarray(self._network.embed(np.ascontiguousarray(faces)))


class Graph:
    """Any model, in onnxruntime."""

    def __init__(self, model: Manifest) -> None:
        self._session = open_session(graph_of(model))
        self._manifest = model
        self._output = self._session.get_outputs()[0].name
        self._one_by_one = self._session.get_inputs()[0].shape[0] == 1  # the graph has a batch of one built in
        channels = (-1, 1, 1) if model.layout == "NCHW" else (1, 1, -1)
        self._mean = np.array(model.mean, np.float32).reshape(channels)
        self._scale = np.array(model.scale, np.float32).reshape(channels)

    def run(self, faces: np.ndarray) -> np.ndarray:
        """See `Network`."""
        pixels = faces if self._manifest.channels == "RGB" else faces[..., ::-1]
        if self._manifest.layout == "NCHW":
            pixels = pixels.transpose(0, 3, 1, 2)
        values = np.ascontiguousarray((pixels.astype(np.float32) - self._mean) * self._scale)
        batches = [values[i : i + 1] for i in range(len(values))] if self._one_by_one else [values]
        found = [self._session.run([self._output], {self._manifest.input: batch})[0] for batch in batches]
        return np.concatenate(found).reshape(len(faces), -1).astype(np.float32, copy=False)


def opened(model: Manifest) -> Network:
    """The faster way that this machine has.

    Raises:
        Damaged: the model's file is missing, changed, or cannot be prepared.
    """
    shipped = model.folder is None and model.prepare == KERNEL_FOR
    return Tiles(model) if shipped and Tiles.supported() else Graph(model)
