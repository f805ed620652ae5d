"""Decoding of the detector's outputs, and suppression of doubles."""

from __future__ import annotations

import numpy as np
import pytest

from limen.face.detect import STRIDES, decode, suppress


def _outputs(width: int, height: int) -> dict[str, np.ndarray]:
    made = {}
    for stride in STRIDES:
        cells = width * height // stride**2
        for name, size in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            made[f"{name}_{stride}"] = np.zeros((1, cells, size), np.float32)
    return made


def test_a_cell_is_decoded_to_pixels() -> None:
    outputs = _outputs(96, 64)
    cell = 2 * (96 // 16) + 4  # row 2, column 4 of the 16-pixel grid
    outputs["cls_16"][0, cell], outputs["obj_16"][0, cell] = 0.81, 1.0
    outputs["bbox_16"][0, cell] = 0.5, 0.25, np.log(2), np.log(3)
    outputs["kps_16"][0, cell] = np.arange(10) / 10
    boxes, points, confidence = decode(outputs, 96)
    assert confidence == pytest.approx([0.9])
    assert boxes == pytest.approx(np.array([[4.5 * 16 - 16, 2.25 * 16 - 24, 32, 48]]))
    assert points[0, 0] == pytest.approx([4.0 * 16, 2.1 * 16])
    assert points[0, 4] == pytest.approx([4.8 * 16, 2.9 * 16])


def test_nothing_is_decoded_from_silence() -> None:
    boxes, points, confidence = decode(_outputs(64, 64), 64)
    assert (len(boxes), len(points), len(confidence)) == (0, 0, 0)
    assert suppress(boxes, confidence) == []


def test_the_best_of_overlapping_boxes_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [30, 30, 10, 10], [0, 7, 10, 10]], np.float32)
    assert suppress(boxes, np.array([0.7, 0.9, 0.8, 0.65], np.float32)) == [1, 2, 3]
