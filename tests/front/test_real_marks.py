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
from skimage import data
from tests.exchange.made import file, text_record
from tests.front.real_hub import RealHub, real_hub

from limen.capture.container import Sample
from limen.evaluation.synthesis import Finger
from limen.exchange import an2
from limen.images import Image as Picture
from limen.ridge import views
from limen.ridge.extract import RidgeExtractor
from limen.terms import Modality, Position

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    with real_hub(tmp_path_factory.mktemp("marks")) as made:
        made.limen("access", "officer", "add", "BIH/examiner1", "--role", "examiner")
        yield made


def write(folder: Path, rows: dict[str, str]) -> Path:
    """A manifest of records with the images named."""
    with (folder / "manifest.csv").open("w", newline="") as manifest:
        csv.writer(manifest).writerows([["record_id", "names", "images", "ppi"], *([*row, 500] for row in _rows(rows))])
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


def test_an_examiners_minutiae_find_a_print_without_an_image(hub: RealHub, tmp_path: Path) -> None:
    """Those of the second record's index finger, as an examiner would plot them: a file of Type 9 alone."""
    seen = RidgeExtractor().extract(
        Picture(Finger(4002, 2).impression(1, quality=0.9), 500.0, "png"), 2, measure_quality=False
    )
    assert seen.template is not None
    plotted = views.surest(seen.template, 18)
    unit = 2540 / 500  # 0.01 mm a pixel (9.331)
    rows = "|".join(
        f"{round(x * unit)}~{round(y * unit)}~{round(np.degrees(angle)) % 360}~{'EB'[kind]}"
        for x, y, angle, kind in zip(plotted.x, plotted.y, plotted.angle, plotted.kind, strict=True)
    )
    mark = text_record(9, [(2, "01"), (3, "4"), (4, "U"), (5, "EXAMINER~M"), (331, rows)])
    with hub.http() as client:
        query = {"purpose": "criminal-investigation"}
        headers = {"content-type": "application/octet-stream"}
        answer = client.post("/v1/searches/an2", params=query, content=file([(9, 1, mark)]), headers=headers)
    assert answer.headers["limen-answer"] == "refer", answer.text
    (person,) = an2.read(answer.content).of_type(2)
    assert person.text(10) == "FRA-2026-0002"


BLANK = np.full((400, 300), 255, np.uint8)
RULED = np.where(np.mgrid[0:400, 0:300][0] % 9 < 4, 30, 230).astype(np.uint8)
POOR = {  # what is sent as a finger, and what the officer must read
    "white": (BLANK, "No friction ridges were found."),
    "black": (0 * BLANK, "No friction ridges were found."),
    "noise": (np.random.default_rng(1).integers(0, 256, (400, 300)).astype(np.uint8), "No friction ridges were found."),
    "ruled": (RULED, "No friction ridges were found."),
    "photo": (data.camera()[:400, :300], "No friction ridges were found."),
    "tiny": (BLANK[:30, :30], "Only a small part of the finger was captured."),
    "tip": (Finger(7100, 2).impression(0, quality=0.8)[200:290, 150:240], "Too little of the finger can be read."),
    "whole hand": (np.tile(RULED, (6, 6)), "The resolution that the image states cannot be right."),
}


@pytest.mark.parametrize("kind", POOR)
def test_what_is_no_good_print_is_refused_in_words(hub: RealHub, kind: str, tmp_path: Path) -> None:
    pixels, words = POOR[kind]
    Image.fromarray(pixels).save(tmp_path / "poor.png", dpi=(500, 500))
    with hub.client() as client:
        image = Sample(Modality.FINGER, Position.RIGHT_INDEX, (tmp_path / "poor.png").read_bytes())
        answer = client.search([image], "border-control")
    assert answer["answer"] == "cannot-tell"
    (sample,) = answer["samples"]
    assert words in [reason["text"] for reason in sample["reasons"]]
    assert sample["minutiae"] < 12 and not answer["matches"]


def test_the_command_says_why_a_print_is_of_no_use(
    hub: RealHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(BLANK).save(tmp_path / "blank.png")
    words = ("search", "--finger", f"right-index={tmp_path / 'blank.png'}", "--as", "BIH/officer1")
    capsys.readouterr()
    hub.limen(*words, "--purpose", "border-control")
    shown = capsys.readouterr().out
    assert "CANNOT TELL" in shown.upper() and "No friction ridges were found." in shown


def test_a_slap_of_a_manifest_is_found_by_each_finger(
    hub: RealHub, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The card's slap is the record, its rolled prints are the probes."""
    card = an2.read((samples / "exchange" / "an2" / "type-4-tpcard.an2").read_bytes())
    prints = {int(one.position): one.data for one in an2.samples(card)}
    (tmp_path / "slap.wsq").write_bytes(prints[Position.PLAIN_RIGHT_FOUR])
    hub.limen("records", "import", str(write(tmp_path, {"SLAP": "finger:13=slap.wsq"})), "--country", "FRA")
    capsys.readouterr()
    hub.limen("records", "show", "SLAP", "--country", "FRA", "--json")
    shown = json.loads(capsys.readouterr().out)["samples"]
    assert {one["position"] for one in shown} == {
        "right-index", "right-middle", "right-ring", "right-little", "plain-right-four",
    }  # fmt: skip
    fingers = [one for one in shown if one["position"] != "plain-right-four"]
    assert all(one["minutiae"] > 10 and one["area_mm2"] > 60 and one["quality"] is not None for one in fingers)
    two = [
        Sample(Modality.FINGER, position, prints[position]) for position in (Position.RIGHT_INDEX, Position.RIGHT_RING)
    ]
    deadline = time.monotonic() + 30
    with hub.client() as client:
        while (answer := client.search(two, "border-control"))["answer"] != "hit" and time.monotonic() < deadline:
            time.sleep(0.5)  # until the record is in force
    assert answer["answer"] == "hit"
    assert answer["matches"][0]["record"] == "SLAP"
