"""Face evaluation on made-up embeddings, and on the real samples as a golden table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow
from typer import Typer
from typer.testing import CliRunner

from limen.cli.evaluate.face import command
from limen.errors import BadInput
from limen.evaluation import face, face_speed
from limen.evaluation.face import Photos
from limen.face.embed import Embedder


def _photos(counts: list[int], noise: float = 0.5, seed: int = 1) -> Photos:
    random = np.random.default_rng(seed)
    identity = np.repeat(np.arange(len(counts)), counts)
    vectors = random.normal(size=(len(counts), 128))[identity] + noise * random.normal(size=(len(identity), 128))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    n = len(identity)
    return Photos(identity, vectors, np.ones(n, bool), np.full(n, 65, np.uint8), np.full(n, 2.0), np.full(n, 9.0))


def test_people_who_look_like_nobody_else_are_all_found() -> None:
    figures = face.report(_photos([3] * 20 + [1] * 30))
    trial = figures["open_set"]
    assert (figures["identities"], figures["images"], figures["failed"]) == (50, 90, 0)
    assert (trial["enrolled"], trial["mated_probes"], trial["non_mated_probes"]) == (20, 40, 30)
    assert (trial["rank1"], trial["fnir"]["fpir_0.01"]) == (1.0, 0.0)
    assert figures["tar"] == {"1e-3": 1.0, "1e-4": 1.0}
    assert figures["speed"] == {"detect_ms_p50": 2.0, "embed_ms_p50": 9.0}


def test_a_photo_without_template_is_a_miss_and_no_alarm() -> None:
    photos = _photos([3] * 20 + [1] * 30)
    photos.usable[[1, 4, 89]] = False  # two mated probes, one non-mated
    figures = face.report(photos)
    assert figures["failed"] == 3
    assert figures["open_set"]["fnir"]["fpir_0.1"] == pytest.approx(2 / 40)
    assert figures["open_set"]["non_mated_probes"] == 30
    assert figures["tar"]["1e-3"] == pytest.approx(1 - 4 / 60)  # each failed probe spoils two of its three pairs


def test_a_reference_without_template_is_never_found() -> None:
    photos = _photos([3] * 20 + [1] * 30)
    photos.usable[0] = False
    assert face.report(photos)["open_set"]["fnir"]["fpir_0.1"] == pytest.approx(2 / 40)


def test_strangers_who_look_alike_cost_misses() -> None:
    photos = _photos([2] * 50 + [1] * 50, noise=1.0)
    trial = face.open_set(photos)
    photos.vectors[100:] = photos.vectors[0:100:2]  # every stranger is an enrolled person's double
    assert face.open_set(photos).fnir(0.01) > trial.fnir(0.01) + 0.3


def test_more_photos_enrolled_miss_less() -> None:
    photos = _photos([6] * 60 + [1] * 200, noise=1.6)
    assert face.open_set(photos, enrol=4).fnir(0.05) < face.open_set(photos, enrol=1).fnir(0.05)


def test_without_lone_people_there_is_no_open_set() -> None:
    figures = face.report(_photos([3] * 5))
    assert figures["open_set"]["rank1"] == 1.0
    assert figures["open_set"]["fnir"]["fpir_0.01"] is None
    assert figures["tar"]["1e-3"] == 1.0


def test_the_command_prints_json(tmp_path: Path) -> None:
    portrait = Pillow.fromarray(skimage.data.astronaut())
    for name, count in {"ann": 2, "bob": 1}.items():
        (tmp_path / name).mkdir()
        for photo in range(count):
            portrait.rotate(5 * photo).save(tmp_path / name / f"{photo}.png")
    (tmp_path / "bob" / "bad.jpg").write_bytes(b"no image")
    app = Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(tmp_path), "--json"])
    figures = json.loads(result.stdout)
    assert (figures["images"], figures["failed"]) == (4, 1)


def test_hidden_files_and_folders_are_no_photos(tmp_path: Path) -> None:
    (tmp_path / "Ann" / "inner.jpg").mkdir(parents=True)
    for name in ("a.jpg", "._a.jpg"):
        (tmp_path / "Ann" / name).write_bytes(b"whatever")
    assert face.find(tmp_path) == [("Ann", tmp_path / "Ann" / "a.jpg")]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no photos"):
        face.find(tmp_path)


def test_speed_is_of_real_work() -> None:
    figures = face_speed.search(40, templates=300)
    assert (figures["templates"], figures["dimension"]) == (300, 40)
    assert set(figures["ms_p50"]) == {"1", "8", "64"}
    assert all(milliseconds > 0 for milliseconds in figures["ms_p50"].values())


def test_photos_are_measured_as_probes_and_as_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Pillow.fromarray(skimage.data.astronaut()).save(tmp_path / "ann.png")
    embed, asked = Embedder.embed, []

    def watched(self: Embedder, aligned: np.ndarray, *, mirrored: bool = True) -> tuple[np.ndarray, float]:
        asked.append(mirrored)
        return embed(self, aligned, mirrored=mirrored)

    monkeypatch.setattr(Embedder, "embed", watched)
    figures = face_speed.photo([("ann", tmp_path / "ann.png")], "sface")

    assert asked[-2 * face_speed.ROUNDS :] == [False, True] * face_speed.ROUNDS
    assert figures["photos"] == 1
    assert all(0 < figures[f"{name}_ms_p50"] <= figures[f"{name}_ms_p95"] for name in ("probe", "reference"))
