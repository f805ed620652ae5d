"""A face template: one unit vector, and the model that made it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from limen.errors import BadTemplate

#: model (16 ASCII bytes, NUL-padded), quality 0-100, flags (reserved, 0), dimension
_HEAD = struct.Struct("<16sBBH")
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
        if not (np.abs(vector) <= 1.01).all() or abs(float(vector @ vector) - 1) > 1e-2:  # NaN is not <= either
            raise BadTemplate("A face template's vector is not of unit length.")
        try:
            model = name.rstrip(b"\0").decode("ascii")
        except UnicodeDecodeError:
            raise BadTemplate("A face template's model name is not ASCII.") from None
        return cls(model, vector, quality)
