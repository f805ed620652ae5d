"""Who plays in the demo: two countries' records, a wanted person with a false name, and an innocent traveller.

All names, offences and notices are made up. Images are real samples where a folder of them is given, else the portrait
that ships with scikit-image and fingers from `evaluation.synthesis`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limen.evaluation.synthesis import Finger, write

#: Fictional people: names, sex, born. The first is the wanted one.
_PEOPLE = (
    ("Adrian Velk; Adi", "M", "1979-03-14"), ("Ilse Marant", "F", "1985-11-02"), ("Teo Brandic", "M", "1990-06-21"),
    ("Nadia Ferrow", "F", "1972-01-30"), ("Luca Sorrin", "M", "1988-09-09"), ("Mira Halvek", "F", "1994-04-17"),
    ("Jonas Rekk", "M", "1967-12-05"), ("Salma Idrane", "F", "1981-08-26"), ("Petr Olsavy", "M", "1975-02-11"),
    ("Chiara Vonn", "F", "1992-10-03"), ("Omar Tellis", "M", "1983-07-07"), ("Greta Lindow", "F", "1978-05-19"),
)  # fmt: skip
_OFFENCES = (
    ("red", "Smuggling of migrants as part of an organised group", "Arrest; extradition will be requested."),
    ("blue", "Witness in a fraud investigation", "Establish where the person lives; do not arrest."),
    ("red", "Armed robbery", "Arrest; the person may carry a firearm."),
    ("yellow", "", "Missing since May; make sure that the person is safe, and call."),
)
_COLUMNS = (
    "record_id", "names", "date_of_birth", "sex", "nationalities", "notice", "notice_number", "offence",
    "instructions", "contact", "images",
)  # fmt: skip


@dataclass(frozen=True)
class Traveller:
    """Who stands at the border: images, and the identity that the papers claim."""

    face: Path | None
    fingers: dict[str, Path]
    claimed_name: str
    claimed_birth: str


@dataclass
class Cast:
    """What the demo plays with.

    Attributes:
        folders: a folder with a manifest for each country.
        records: how many records they hold together.
        wanted: the wanted person's later images, with a false name.
        innocent: someone whom no country's records hold.
        real: whether the images are real samples.
    """

    folders: dict[str, Path]
    records: int
    wanted: Traveller
    innocent: Traveller
    real: bool


def from_samples(samples: Path, folder: Path) -> Cast:
    """A cast of real samples: faces of `faces/lfw_dev`, index fingers of two FVC sets.

    Args:
        samples: folder of samples as described in their own README.
        folder: where manifests and links to images are written.
    """
    people = sorted(p for p in (samples / "faces" / "lfw_dev").iterdir() if p.is_dir())
    several = [sorted(p.iterdir()) for p in people if len(list(p.iterdir())) > 1][: len(_PEOPLE) * 2]
    single = next(sorted(p.iterdir()) for p in people if len(list(p.iterdir())) == 1)
    sets = {"FRA": "fvc2002_db1_b", "ITA": "fvc2002_db3_b"}
    prints = {country: samples / "fingerprints" / name for country, name in sets.items()}
    folders = {}
    for number, country in enumerate(sets):
        rows = [
            {
                "face": several[number * len(_PEOPLE) + person][0],
                **({"right-index": prints[country] / f"{101 + person}_1.tif"} if person < 8 else {}),
            }
            for person in range(len(_PEOPLE))
        ]
        folders[country] = _manifest(folder / country, country, rows)
    at_the_post = folder / "at-the-post"
    return Cast(
        folders,
        2 * len(_PEOPLE),
        _traveller(at_the_post, "wanted", several[0][1], prints["FRA"] / "101_3.tif", "Marko Petrin", "1982-06-01"),
        _traveller(at_the_post, "innocent", single[0], prints["FRA"] / "110_1.tif", "Anna Weiss", "1990-02-12"),
        real=True,
    )


def _traveller(folder: Path, role: str, face: Path, finger: Path, name: str, born: str) -> Traveller:
    """Copies under neutral names: no real person's name stands beside a made-up offence."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = folder / f"{role}-face{face.suffix}", folder / f"{role}-right-index{finger.suffix}"
    for source, copy in zip((face, finger), copies, strict=True):
        copy.write_bytes(source.read_bytes())
    return Traveller(copies[0], {"right-index": copies[1]}, name, born)


def made_up(folder: Path, seed: int = 1) -> Cast:
    """A cast that needs no one's biometrics but a public portrait: two more photos are made of it, fingers are grown.

    Args:
        folder: where images and manifests are written.
        seed: of the fingers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    positions = {"right-index": 2, "left-index": 7}
    folders = {}
    countries, each = ("FRA", "ITA"), 4

    def fingers_of(person: int) -> dict[str, Finger]:
        return {name: Finger(seed * 1000 + person, code) for name, code in positions.items()}

    enrolled, later = _portraits(folder)
    for number, country in enumerate(countries):
        rows = [_prints(fingers_of(number * each + person), 0, folder) for person in range(each)]
        if not number:
            rows[0]["face"] = enrolled
        folders[country] = _manifest(folder / country, country, rows)
    return Cast(
        folders,
        len(countries) * each,
        Traveller(
            later,
            _prints(fingers_of(0), 1, folder),
            "Marko Petrin",
            "1982-06-01",
        ),
        Traveller(
            None,
            _prints(fingers_of(999), 0, folder),
            "Anna Weiss",
            "1990-02-12",
        ),
        real=False,
    )


def _prints(fingers: dict[str, Finger], number: int, folder: Path) -> dict[str, Path]:
    """One impression of each finger, written to files."""
    files = {name: folder / f"{finger.seed}-{name}-{number}.png" for name, finger in fingers.items()}
    for name, finger in fingers.items():
        write(finger.impression(number, quality=0.8), files[name])
    return files


def _portraits(folder: Path) -> tuple[Path, Path]:
    """The astronaut's portrait for the record, and a later "photo": turned a little, darker, noisier, smaller."""
    import numpy as np
    from PIL import Image
    from skimage import data

    portrait: Any = Image.fromarray(data.astronaut())
    enrolled, later = folder / "portrait.jpg", folder / "at-the-border.jpg"
    portrait.save(enrolled, quality=92)
    taken = portrait.rotate(4, Image.Resampling.BICUBIC).crop((60, 0, 400, 400)).resize((420, 494))
    pixels = np.asarray(taken, np.float64) * 0.85 + np.random.default_rng(1).normal(4, 6, (494, 420, 1))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(later, quality=85)
    return enrolled, later


def _manifest(folder: Path, country: str, people: Sequence[dict[str, Path]]) -> Path:
    """A folder with `manifest.csv` and copies of the images."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for number, images in enumerate(people):
            names, sex, born = _PEOPLE[(number + (0 if country == "FRA" else 5)) % len(_PEOPLE)]
            notice, offence, instructions = _OFFENCES[number % len(_OFFENCES)]
            held = []
            for kind, source in images.items():
                copy = folder / f"{number + 1:03}-{kind}{source.suffix}"
                copy.write_bytes(source.read_bytes())
                held.append(f"{kind}={copy.name}")
            writer.writerow(
                {
                    "record_id": f"{country}-2026-{number + 1:04}",
                    "names": names,
                    "date_of_birth": born,
                    "sex": sex,
                    "nationalities": country,
                    "notice": notice,
                    "notice_number": f"A-{4711 + number}/11-2026",
                    "offence": offence,
                    "instructions": instructions,
                    "contact": f"NCB {country}, duty officer, +00 000 {number + 1:03}",
                    "images": "; ".join(held),
                }
            )
    return folder
