"""Marks through a whole hub, both ways: a mark finds its print, and a print that comes in finds its mark."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.front.real_hub import RealHub, real_hub

from limen.evaluation.synthesis import Finger

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    with real_hub(tmp_path_factory.mktemp("marks")) as made:
        made.limen("access", "officer", "add", "BIH/examiner1", "--role", "examiner")
        yield made


def write(folder: Path, rows: dict[str, str]) -> Path:
    """A manifest of records with the images named."""
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["record_id", "names", "images", "ppi"], *([*row, 500] for row in _rows(rows))])
    return folder


def _rows(rows: dict[str, str]) -> list[list[str]]:
    return [[record, f"Name of {record}", images] for record, images in rows.items()]


def leads_of(hub: RealHub, capsys: pytest.CaptureFixture[str], count: int) -> list[dict[str, str]]:
    """What `limen records leads` lists, once there are so many."""
    deadline = time.monotonic() + 60
    while True:
        capsys.readouterr()
        hub.limen("records", "leads", "--country", "BIH", "--json")
        found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, f"{len(found)} leads of {count}"
        time.sleep(0.5)


def test_marks_find_their_prints_and_prints_their_marks(
    hub: RealHub, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The good mark is there before its print comes, the bad one's print before the mark."""
    folder = samples / "marks"
    for number in range(6):
        Image.fromarray(Finger(7000 + number, 2).impression(0, quality=0.8)).save(tmp_path / f"{number}.png")
    for name in ("good_latent", "good_rolled", "bad_latent", "bad_rolled"):
        shutil.copy(folder / f"{name}.bmp", tmp_path)
    people = {f"P-{number}": f"right-index={number}.png" for number in range(6)}
    hub.limen("records", "import", str(write(tmp_path, {"M-1": "mark=good_latent.bmp"})), "--country", "BIH")
    hub.limen("records", "import", str(write(tmp_path, people | {"P-bad": "0=bad_rolled.bmp"})), "--country", "FRA")
    hub.limen("records", "import", str(write(tmp_path, {"P-good": "0=good_rolled.bmp"})), "--country", "FRA")
    hub.limen("records", "import", str(write(tmp_path, {"M-2": "mark=bad_latent.bmp"})), "--country", "BIH")
    found = leads_of(hub, capsys, 2)
    assert sorted((lead["mark"], lead["print_of"]) for lead in found) == [("M-1", "FRA P-good"), ("M-2", "FRA P-bad")]

    first = next(lead for lead in found if lead["mark"] == "M-1")
    hub.limen("records", "leads", "--country", "BIH", "--settle", first["lead"], "--as", "confirmed")
    with hub.http("BIH/examiner1") as client:
        (over_http,) = client.get("/v1/leads").json()
        assert (over_http["mark"]["number"], over_http["print"]["number"]) == ("M-2", "P-bad")
        verdict = client.post(f"/v1/leads/{over_http['id']}", json={"state": "dismissed"})
        assert verdict.status_code == 204
        assert client.get("/v1/leads").json() == []
    with hub.http() as officer:
        assert officer.post(f"/v1/leads/{over_http['id']}", json={"state": "confirmed"}).status_code == 403

    for name in ("good", "bad"):
        capsys.readouterr()
        mark = str(folder / f"{name}_latent.bmp")
        hub.limen("search", "--mark", mark, "--as", "BIH/officer1", "--purpose", "criminal-investigation", "--json")
        answer = json.loads(capsys.readouterr().out)
        assert answer["answer"] == "refer", "an examiner looks at every mark"
        prints = [match["record"] for match in answer["matches"] if match["owner"] == "FRA"]
        assert prints[:1] == [f"P-{name}"]


def test_what_is_no_print_is_refused_in_words(hub: RealHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.full((400, 300), 255, np.uint8)).save(tmp_path / "blank.png")
    words = ("search", "--finger", f"right-index={tmp_path / 'blank.png'}", "--as", "BIH/officer1")
    capsys.readouterr()
    hub.limen(*words, "--purpose", "border-control")
    shown = capsys.readouterr().out
    assert "CANNOT TELL" in shown.upper() and "No friction ridges were found." in shown
