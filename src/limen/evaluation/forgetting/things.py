"""What a probe becomes inside the hub: the same code is run on it here, and all that it makes is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from limen.capture.container import Sample
from limen.errors import BadImage
from limen.evaluation.forgetting.needles import HEADER, Thing, image_things
from limen.face.extract import FaceExtractor
from limen.images import decode
from limen.matcher.faces import encode
from limen.ridge.extract import RidgeExtractor
from limen.ridge.template import HEAD
from limen.terms import Modality

FACE_HEAD = 20  # bytes of a packed face template before its vector


class Tracer:
    """Extracts as the opener's workers do, and keeps every array that goes into a model or comes out of one."""

    def __init__(self) -> None:
        self._passed: list[np.ndarray] = []
        self._face: Any = FaceExtractor()
        self._face._detector = _Recorder(self._face._detector, self._passed)
        for embedder in self._face._embedders:
            embedder._network = _Recorder(embedder._network, self._passed)
        self._ridge: Any = RidgeExtractor()
        backend = self._ridge._network()
        backend._backend = _Recorder(backend._backend, self._passed)

    def things(self, samples: Iterable[Sample]) -> list[Thing]:
        """Everything that these samples become: files, pixels, tensors, embeddings, templates, codes."""
        return [thing for sample in samples for thing in self._of(sample)]

    def _of(self, sample: Sample) -> list[Thing]:
        try:
            things = image_things(sample.image)
        except BadImage:  # sent to be refused: its bytes are all there is
            return [Thing("file", sample.image[HEADER:])]
        self._passed.clear()
        image = decode(sample.image)
        if sample.modality is Modality.FACE:
            things += self._of_face(self._face.extract(image).template)
        else:
            template = self._ridge.extract(image, sample.position, measure_quality=False).template
            things += [Thing("template", template.pack()[HEAD.size :])] if template else []
        return things + [_array(array) for array in self._passed]

    def _of_face(self, template: Any) -> list[Thing]:
        if template is None:
            return []
        codes, _ = encode(template.vector[None])
        return [Thing("template", template.pack()[FACE_HEAD:], numbers=True), Thing("code", codes.tobytes())]


class _Recorder:
    """A model whose input and output arrays are kept."""

    def __init__(self, model: Any, passed: list[np.ndarray]) -> None:
        self._model, self._passed = model, passed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def run(self, given: Any, feed: dict[str, np.ndarray] | None = None) -> Any:
        """As `face.network.Network`'s, of faces, or as onnxruntime's, of names and a feed."""
        if feed is None:
            return self._kept([given], self._model.run(given))
        return self._kept([*feed.values()], self._model.run(given, feed))

    def peaks(self, grey: np.ndarray) -> np.ndarray:
        """As `ridge.network.Backend`'s."""
        return np.asarray(self._kept([grey], [self._model.peaks(grey)])[0])

    def _kept(self, given: list[np.ndarray], made: list[np.ndarray]) -> list[np.ndarray]:
        self._passed += [np.array(array) for array in (*given, *made)]
        return made


def _array(array: np.ndarray) -> Thing:
    """An array that passed a model: small ones are embeddings and minutiae, large ones tensors."""
    kind = "embedding" if array.dtype == np.float32 and array.size <= 2048 else "tensor"
    return Thing(kind, np.ascontiguousarray(array).tobytes(), numbers=array.dtype == np.float32)
