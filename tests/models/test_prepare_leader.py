"""The rewritten graph is the shipped one but for rounding."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from limen import models
from limen.errors import Damaged
from limen.models import prepare_leader


def test_maps_are_those_of_the_shipped_graph() -> None:
    y, x = np.mgrid[0:160, 0:96]
    bent = 2 * np.pi * y / 9 + np.arctan2(y - 60, x - 50) - np.arctan2(y - 110, x - 30)
    noise = np.random.default_rng(1).normal(0, 20, bent.shape)
    grey = np.clip(127 + 100 * np.cos(bent) + noise, 0, 255).astype(np.uint8)
    feed = {"input": grey[None, :, :, None].astype(np.float32)}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    shipped = onnxruntime.InferenceSession(models.read("leader"), options, providers=["CPUExecutionProvider"])
    position, direction, ending, peak = np.moveaxis(shipped.run(None, feed)[0][0], -1, 0)
    heat, cosine, sine, endings, peaks = models.session("leader").run(None, feed)[0][0]
    assert np.abs(heat - position).max() < 1e-3
    assert np.abs(endings - ending).max() < 1e-3
    found = peak > 0.1
    assert 1 < found.sum() < 100
    assert np.abs(peaks - peak)[found].max() < 1e-3
    apart = np.arctan2(sine, cosine) - direction
    assert np.abs((apart + np.pi) % (2 * np.pi) - np.pi)[found].max() < 1e-3


def test_another_graph_is_refused() -> None:
    with pytest.raises(Damaged):
        prepare_leader.graph(models.read("yunet"))
