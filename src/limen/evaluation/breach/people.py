"""Whom the drill's hubs keep: a few made-up people, with a portrait that everybody may use and grown fingers."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from limen.evaluation.synthesis import PPI, Finger

POSITION = ("right-index", 2)
SEED = 41_000
_NAMES = ("Adrian Velkov", "Ilse Marantova", "Teodor Brandicek", "Nadia Ferrowska", "Luca Sorrinelli", "Mira Halvekson")


@dataclass(frozen=True)
class Person:
    """One person: what the record says, and images of two captures."""

    record_id: str
    name: str
    born: str
    offence: str
    images: tuple[dict[str, bytes], dict[str, bytes]]

    @property
    def words(self) -> tuple[str, ...]:
        """What of the record would tell who it is about."""
        return (self.record_id, self.name, self.born, self.offence)


def people(count: int) -> list[Person]:
    """Made-up people, each with a finger captured twice; the first has a portrait besides."""
    portraits = _portraits()
    made = []
    for number in range(count):
        finger = Finger(SEED + number, POSITION[1])
        images = tuple(
            {POSITION[0]: _png(finger.impression(take, quality=0.8))}
            | ({"face": portraits[take]} if not number else {})
            for take in (0, 1)
        )
        name = _NAMES[number % len(_NAMES)] + ("" if number < len(_NAMES) else f" {number}")
        born, offence = f"19{60 + number % 40}-0{1 + number % 9}-17", f"Drilled offence number {7100 + number}"
        made.append(Person(f"DRILL-{8800 + number}", name, born, offence, (images[0], images[1])))
    return made


def write(folder: Path, persons: list[Person], take: int) -> Path:
    """A folder that `limen records import` takes."""
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("record_id", "names", "date_of_birth", "notice", "offence", "images"))
        for person in persons:
            held = []
            for kind, content in person.images[take].items():
                image = folder / f"{person.record_id}-{kind}.{'jpg' if kind == 'face' else 'png'}"
                image.write_bytes(content)
                held.append(f"{kind}={image.name}")
            writer.writerow((person.record_id, person.name, person.born, "red", person.offence, "; ".join(held)))
    return folder


def _portraits() -> tuple[bytes, bytes]:
    """The portrait that ships with scikit-image, and a later photo made of it."""
    from skimage import data

    portrait: Any = Image.fromarray(data.astronaut())
    later = portrait.rotate(4, Image.Resampling.BICUBIC).crop((60, 0, 400, 400)).resize((420, 494))
    pixels = np.asarray(later, np.float64) * 0.85 + np.random.default_rng(1).normal(4, 6, (494, 420, 1))
    darker = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    found = []
    for image, quality in ((portrait, 92), (darker, 85)):
        image.save(file := io.BytesIO(), "JPEG", quality=quality)
        found.append(file.getvalue())
    return found[0], found[1]


def _png(pixels: np.ndarray) -> bytes:
    Image.fromarray(pixels).save(file := io.BytesIO(), "PNG", dpi=(PPI, PPI))
    return file.getvalue()
