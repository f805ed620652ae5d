"""A face template: one unit vector, and the model that made it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from limen.errors import BadTemplate

#: model (16 ASCII bytes, NUL-padded), quality 0-100, flags (reserved, 0), dimension
_HEAD = struct.Struct("<16sBBH")
_NAME = 16  # bytes
MAX_DIMENSION = 1024  # the largest in use today is 512


@dataclass(frozen=True)
class FaceTemplate:
    """Unit vector of a face.

    Attributes:
        model: name of the model that made it, at most 16 ASCII characters; only templates of one model are compared.
        vector: float32, shape (dimension,), length 1; compared by its dot product (cosine, -1 to 1).
        quality: 0 (useless) to 100, unified quality in the sense of ISO/IEC 29794-5.
    """

    model: str
    vector: np.ndarray
    quality: int

    def pack(self) -> bytes:
        """Fixed layout: 20-byte header, then the vector as little-endian float32."""
        vector = np.ascontiguousarray(self.vector, dtype="<f4")
        return _HEAD.pack(self.model.encode("ascii"), self.quality, 0, vector.size) + vector.tobytes()

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> FaceTemplate:
        """Template from its bytes; `BadTemplate` if size, numbers or length of the vector are wrong."""
        if len(data) < _HEAD.size:
            raise BadTemplate("A face template is shorter than its header.")
        name, quality, flags, dimension = _HEAD.unpack_from(data)
        if not 1 <= dimension <= MAX_DIMENSION or len(data) != _HEAD.size + 4 * dimension or flags or quality > 100:
            raise BadTemplate("A face template's size or header is wrong.")
        vector = np.frombuffer(data, dtype="<f4", offset=_HEAD.size).astype(np.float32)
        if not _is_unit(vector[None])[0]:
            raise BadTemplate("A face template's vector is not of unit length.")
        try:
            model = name.rstrip(b"\0").decode("ascii")
        except UnicodeDecodeError:
            raise BadTemplate("A face template's model name is not ASCII.") from None
        return cls(model, vector, quality)


def unpack_many(templates: Sequence[bytes]) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """As `FaceTemplate.unpack` for each of many; those that it would refuse are left out.

    Yields:
        For each model and dimension: the model; int64 (k,), which of the templates; float32 (k, dimension), their
        vectors; uint8 (k,), their qualities.
    """
    alike: dict[tuple[bytes, int], list[int]] = {}
    for number, data in enumerate(templates):
        alike.setdefault((data[:_NAME], len(data)), []).append(number)
    for (name, size), numbers in alike.items():
        if not _HEAD.size < size <= _HEAD.size + 4 * MAX_DIMENSION or size % 4 or not name.isascii():
            continue  # the header has a multiple of 4 bytes
        rows = np.frombuffer(b"".join(templates[number] for number in numbers), np.uint8).reshape(-1, size)
        quality, flags = rows[:, _NAME], rows[:, _NAME + 1]
        dimension = np.ascontiguousarray(rows[:, _NAME + 2 : _HEAD.size]).view("<u2")[:, 0]
        vectors = np.ascontiguousarray(rows[:, _HEAD.size :]).view("<f4").astype(np.float32)
        sound = (4 * dimension.astype(int) == size - _HEAD.size) & (flags == 0) & (quality <= 100)
        which = np.flatnonzero(sound & _is_unit(vectors))
        if len(which):
            yield name.rstrip(b"\0").decode("ascii"), np.array(numbers)[which], vectors[which], quality[which]


def _is_unit(vectors: np.ndarray) -> np.ndarray:
    """bool (n,): which rows of float32 (n, dimension) have length 1, within what float16 and rounding lose."""
    small = (np.abs(vectors) <= 1.01).all(axis=1)  # NaN is not <= either
    with np.errstate(all="ignore"):
        return small & (np.abs(np.einsum("nd,nd->n", vectors, vectors) - 1) <= 1e-2)
