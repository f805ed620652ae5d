"""A minutiae template: where ridges end and fork, of a finger, palm or mark, at 500 ppi."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from limen.errors import BadTemplate

#: model (16 ASCII bytes, NUL-padded), position, quality 0-100 (255 = not computed), count, width, height (500 ppi)
HEAD = struct.Struct("<16sBBHHH")
#: One minutia as packed: quarter pixels, 1/65536 turns.
MINUTIA = np.dtype([("x", "<u2"), ("y", "<u2"), ("angle", "<u2"), ("kind", "u1"), ("quality", "u1")])
MAX_MINUTIAE = 4096  # a full palm at 500 ppi has 600 to 1,500; a finger under 200
SUBPIXEL = 4  # coordinates are stored in quarter pixels: 0.0127 mm
MAX_SIDE = 0xFFFF // SUBPIXEL  # 16,383 pixels at 500 ppi: 83 cm
NOT_COMPUTED = 255
ENDING, BIFURCATION, OTHER = 0, 1, 2  # as in ISO/IEC 19794-2, less one bit of padding


@dataclass(frozen=True)
class RidgeTemplate:
    """Minutiae of one friction ridge image.

    Attributes:
        model: name of the extractor, at most 16 ASCII characters ("leader", or "examiner" for marks plotted by hand).
        position: ANSI/NIST-ITL friction ridge position code (`limen.terms.Position`), 0 if unknown.
        quality: NFIQ 2 score 0-100, or 255 where it was not computed (palms, marks).
        width, height: of the image in pixels at 500 ppi.
        x, y: float32 (n,), pixels at 500 ppi from the top left corner, x to the right, y down.
        angle: float32 (n,), radians in [0, 2*pi), counter-clockwise from the x axis as seen on the image
            (y up for angles), direction as ISO/IEC 19794-2 has it.
        kind: uint8 (n,), ENDING, BIFURCATION or OTHER.
        minutia_quality: uint8 (n,), 0-100.
    """

    model: str
    position: int
    quality: int
    width: int
    height: int
    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    kind: np.ndarray
    minutia_quality: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def pack(self) -> bytes:
        """Fixed layout: 24-byte header, then 8 bytes a minutia (quarter pixels, 1/65536 turns)."""
        rows = np.empty(len(self), MINUTIA)
        rows["x"] = np.clip(np.rint(np.asarray(self.x) * SUBPIXEL), 0, 0xFFFF)
        rows["y"] = np.clip(np.rint(np.asarray(self.y) * SUBPIXEL), 0, 0xFFFF)
        rows["angle"] = np.rint(np.asarray(self.angle) * (65536 / (2 * np.pi))).astype(np.int64) & 0xFFFF
        rows["kind"] = self.kind
        rows["quality"] = self.minutia_quality
        head = HEAD.pack(self.model.encode("ascii"), self.position, self.quality, len(rows), self.width, self.height)
        return head + rows.tobytes()

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> RidgeTemplate:
        """Template from its bytes; `BadTemplate` if size, header or any field is out of range."""
        if len(data) < HEAD.size:
            raise BadTemplate("A minutiae template is shorter than its header.")
        name, position, quality, count, width, height = HEAD.unpack_from(data)
        if count > MAX_MINUTIAE or len(data) != HEAD.size + MINUTIA.itemsize * count:
            raise BadTemplate("A minutiae template's size does not fit its count.")
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or (quality > 100 and quality != NOT_COMPUTED):
            raise BadTemplate("A minutiae template's header is out of range.")
        rows = np.frombuffer(data, MINUTIA, offset=HEAD.size)
        x, y = rows["x"] / np.float32(SUBPIXEL), rows["y"] / np.float32(SUBPIXEL)
        if count and (x.max() > width or y.max() > height or rows["kind"].max() > OTHER or rows["quality"].max() > 100):
            raise BadTemplate("A minutia lies outside its image or has an unknown kind.")
        try:
            model = name.rstrip(b"\0").decode("ascii")
        except UnicodeDecodeError:
            raise BadTemplate("A minutiae template's model name is not ASCII.") from None
        angle = (rows["angle"] * (2 * np.pi / 65536)).astype(np.float32)
        return cls(
            model,
            position,
            quality,
            width,
            height,
            x.astype(np.float32),
            y.astype(np.float32),
            angle,
            rows["kind"].copy(),
            rows["quality"].copy(),
        )
