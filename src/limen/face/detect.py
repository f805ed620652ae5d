"""Face detection with YuNet: every face's box, five landmarks and confidence.

The graph gives, for each cell of three grids (8, 16, 32 pixels), a class and an objectness probability, a box and five
points relative to the cell (W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    import onnxruntime

STRIDES = (8, 16, 32)  # pixels; the grids of the graph's outputs
SIDE = 384  # pixels: photos are first searched at most this wide or high; faces of 1 in 40 of that are found
FINE_SIDE = 1280  # pixels: the second look at a larger photo in which nothing was found, for small faces
FRAMED_SIDE = 320  # pixels: the last look, with a margin of half the photo around it
SMALLEST_SIDE = 160  # pixels: smaller photos are enlarged to this
CONFIDENCE = 0.7  # sqrt(class * objectness) below which a cell holds no face; the least on lfw_dev is 0.86
UPRIGHT = 0.86  # confidence below which a photo is turned and searched again; the least on lfw_dev is 0.86
TURNS = (1, 3, 2)  # quarter turns counter-clockwise that are tried, the likeliest first
OVERLAP = 0.3  # intersection over union above which the weaker of two boxes is the same face (OpenCV's default)
MOST_FACES = 100  # more are not looked at


@dataclass(frozen=True)
class Face:
    """A detected face, in pixels of the photo it was found in.

    Attributes:
        x, y, width, height: of its box; may reach beyond the photo.
        landmarks: float32 (5, 2): the subject's right eye, left eye, nose tip, right and left corner of the mouth.
        confidence: 0 to 1.
    """

    x: float
    y: float
    width: float
    height: float
    landmarks: np.ndarray
    confidence: float

    @property
    def inter_eye_distance(self) -> float:
        """Pixels between the eyes' centres (ISO/IEC 29794-5, 7.3.4)."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))


def detect(session: onnxruntime.InferenceSession, rgb: np.ndarray) -> list[Face]:
    """All faces in a photo, largest first.

    A photo that lies on its side or head, and whose file does not say so, is searched as it stands upright; faces are
    given as they lie in the photo.

    Args:
        session: of the model `yunet`.
        rgb: uint8 (height, width, 3).
    """
    faces = _upright(session, rgb)
    if (best := _surest(faces)) < UPRIGHT:
        for turn in TURNS:
            turned = first_look(session, np.ascontiguousarray(np.rot90(rgb, turn)))
            if (sure := _surest(turned)) >= max(UPRIGHT, best):
                best, faces = sure, [_turned_back(face, turn, *rgb.shape[:2]) for face in turned]
    return sorted(faces, key=lambda face: face.width * face.height, reverse=True)


def _surest(faces: list[Face]) -> float:
    return max((face.confidence for face in faces), default=0.0)


def _turned_back(face: Face, turn: int, height: int, width: int) -> Face:
    """A face of np.rot90(photo, turn), in the photo of this height and width."""

    def back(points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        ways = {1: (width - 1 - y, x), 2: (width - 1 - x, height - 1 - y), 3: (y, height - 1 - x)}
        return np.stack(ways[turn], axis=1)

    corners = back(np.array([[face.x, face.y], [face.x + face.width, face.y + face.height]]))
    (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
    landmarks = back(face.landmarks).astype(np.float32)
    return Face(left, top, right - left, bottom - top, landmarks, face.confidence)


def first_look(session: onnxruntime.InferenceSession, rgb: np.ndarray) -> list[Face]:
    """Faces of a photo at the scale at which most are found; for nearly every portrait nothing more is needed."""
    longer = max(rgb.shape[:2])
    return _search(session, rgb, min(1.0, SIDE / longer) if longer >= SMALLEST_SIDE else SMALLEST_SIDE / longer)


def _upright(session: onnxruntime.InferenceSession, rgb: np.ndarray) -> list[Face]:
    """Faces of a photo that is as it should be, looked at again with more care where none is found."""
    longer = max(rgb.shape[:2])
    faces = first_look(session, rgb)
    if not faces and longer > SIDE:
        faces = _search(session, rgb, min(1.0, FINE_SIDE / longer))
    if not faces:  # a face that fills the photo is found once it has something around it
        margin = longer // 2
        framed = np.pad(rgb, ((margin, margin), (margin, margin), (0, 0)), constant_values=128)
        scale = FRAMED_SIDE / max(framed.shape[:2])
        faces = [_moved(face, -margin) for face in _search(session, framed, scale)]
    return faces


def _search(session: onnxruntime.InferenceSession, rgb: np.ndarray, scale: float) -> list[Face]:
    """Faces at one scale: resize, pad to a multiple of 32, run, decode, suppress doubles, scale back."""
    picture = _resized(rgb, scale)
    height, width = picture.shape[:2]
    padded = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    padded[0, :, :height, :width] = picture[:, :, ::-1].transpose(2, 0, 1)  # YuNet takes BGR
    outputs = dict(zip((o.name for o in session.get_outputs()), session.run(None, {"input": padded}), strict=True))
    boxes, points, confidence = decode(outputs, padded.shape[3])
    across, down = rgb.shape[1] / width, rgb.shape[0] / height
    return [
        Face(
            float(boxes[i, 0] * across),
            float(boxes[i, 1] * down),
            float(boxes[i, 2] * across),
            float(boxes[i, 3] * down),
            ((points[i] + 0.5) * (across, down) - 0.5).astype(np.float32),
            float(confidence[i]),
        )
        for i in suppress(boxes, confidence)[:MOST_FACES]
    ]


def decode(outputs: dict[str, np.ndarray], width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, landmarks and confidence of the cells that hold a face.

    Args:
        outputs: `cls_S`, `obj_S` (1, cells, 1), `bbox_S` (1, cells, 4), `kps_S` (1, cells, 10) for each stride S.
        width: of the input in pixels, a multiple of 32.

    Returns:
        boxes float32 (n, 4) as x, y, width, height; points float32 (n, 5, 2); confidence float32 (n,). In pixels.
    """
    boxes, points, confidences = [], [], []
    for stride in STRIDES:
        confidence = np.sqrt(
            np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
        )
        kept = np.flatnonzero(confidence >= CONFIDENCE)
        cell = np.stack([kept % (width // stride), kept // (width // stride)], axis=1).astype(np.float32)
        box = outputs[f"bbox_{stride}"][0, kept]
        centre, size = (cell + box[:, :2]) * stride, np.exp(np.minimum(box[:, 2:], 8)) * stride
        boxes.append(np.concatenate([centre - size / 2, size], axis=1))
        points.append((outputs[f"kps_{stride}"][0, kept].reshape(-1, 5, 2) + cell[:, None]) * stride)
        confidences.append(confidence[kept])
    return np.concatenate(boxes), np.concatenate(points), np.concatenate(confidences)


def suppress(boxes: np.ndarray, confidence: np.ndarray) -> list[int]:
    """Indices of the boxes that stay, most confident first, none overlapping a better one by more than `OVERLAP`."""
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom, area = left + boxes[:, 2], top + boxes[:, 3], boxes[:, 2] * boxes[:, 3]
    order, kept = np.argsort(-confidence, kind="stable"), []
    while order.size:
        best, others = order[0], order[1:]
        kept.append(int(best))
        common = np.clip(np.minimum(right[best], right[others]) - np.maximum(left[best], left[others]), 0, None)
        common *= np.clip(np.minimum(bottom[best], bottom[others]) - np.maximum(top[best], top[others]), 0, None)
        order = others[common <= OVERLAP * (area[best] + area[others] - common)]
    return kept


def _resized(rgb: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return rgb
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    picture = Pillow.fromarray(rgb).resize(size, Pillow.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(picture)


def _moved(face: Face, offset: int) -> Face:
    return Face(face.x + offset, face.y + offset, face.width, face.height, face.landmarks + offset, face.confidence)
