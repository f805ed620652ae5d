"""A whole hub with real models: four processes, two records of France, an officer of Bosnia and Herzegovina.

The wanted person's face is the portrait that ships with scikit-image, their fingers are grown; nobody is looked for.
"""

from __future__ import annotations

import contextlib
import csv
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from PIL import Image, ImageEnhance
from skimage import data as pictures

from limen.access import keys
from limen.access.signing import HttpSignature
from limen.capture.container import Sample
from limen.cli import COMMANDS
from limen.cli.lazy import group
from limen.client.hub import HubClient
from limen.evaluation.synthesis import Finger, write
from limen.hub.supervisor import Hub
from limen.settings import Settings
from limen.terms import Modality, Position

OFFICER = "BIH/officer1"
POSITIONS = {"right-index": 2, "left-index": 7}
RECORD = {
    "record_id": "FRA-2026-0001",
    "names": "Adrian Velk; Adi",
    "date_of_birth": "1979-03-14",
    "sex": "M",
    "nationalities": "FRA",
    "notice": "red",
    "notice_number": "A-4711/11-2026",
    "offence": "Smuggling of migrants as part of an organised group",
    "instructions": "Arrest; extradition will be requested.",
    "contact": "NCB Paris, duty officer, +00 000 001",
}


@dataclass
class RealHub:
    """A running hub, and who stands at the border.

    Attributes:
        wanted: a later photo and later prints of the person of the first record.
        innocent: prints of somebody without a record.
    """

    hub: Hub
    settings: Settings
    wanted: dict[str, Path]
    innocent: dict[str, Path]

    def client(self) -> HubClient:
        """The officer's client."""
        return HubClient(self.settings.url, HttpSignature(keys.load(OFFICER), OFFICER))

    def http(self, who: str = OFFICER) -> httpx.Client:
        """An officer's plain HTTP client."""
        return httpx.Client(base_url=self.settings.url, auth=HttpSignature(keys.load(who), who), timeout=60)

    def limen(self, *words: str) -> None:
        """Run a command of this hub; its errors are raised."""
        group("limen", "limen.cli", COMMANDS, words[0])(list(words), standalone_mode=False)


def samples(files: dict[str, Path]) -> list[Sample]:
    """Images as a client sends them."""
    face = [Sample(Modality.FACE, Position.UNKNOWN, files["face"].read_bytes())] if "face" in files else []
    fingers = [
        Sample(Modality.FINGER, Position.parse(name), file.read_bytes())
        for name, file in files.items()
        if name != "face"
    ]
    return face + fingers


@contextlib.contextmanager
def real_hub(folder: Path, **more: Any) -> Iterator[RealHub]:
    """The hub, until the block ends; with more settings, if there are any."""
    settings = Settings(data=folder / "hub", port=_free_port(), **more)
    environment = {
        "LIMEN_DATA": str(settings.data),
        "LIMEN_KEYS": str(folder / "keys"),
        "LIMEN_PORT": str(settings.port),
    }
    wanted, innocent = _people(folder / "fra")
    with mock.patch.dict(os.environ, environment), Hub(settings) as hub:
        made = RealHub(hub, settings, wanted, innocent)
        made.limen("access", "country", "add", "FRA")
        made.limen("access", "country", "add", "BIH")
        made.limen("access", "officer", "add", OFFICER)
        made.limen("records", "import", str(folder / "fra"), "--country", "FRA")
        yield made


def _people(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Write a manifest with its images; return what comes to the border later."""
    later = folder.with_name("later")
    later.mkdir(parents=True)
    folder.mkdir()
    portrait = Image.fromarray(pictures.astronaut())
    portrait.crop((60, 0, 380, 400)).save(folder / "face.jpg", quality=92)
    taken = portrait.rotate(4, Image.Resampling.BICUBIC).crop((70, 10, 390, 410))
    ImageEnhance.Brightness(taken).enhance(0.85).save(later / "face.jpg", quality=85)
    rows = [RECORD | {"images": "; ".join(["face=face.jpg", *_prints(1, 0, folder)])}]
    rows.append(
        RECORD | {"record_id": "FRA-2026-0002", "names": "Ilse Marant", "images": "; ".join(_prints(2, 0, folder))}
    )
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    wanted = {"face": later / "face.jpg"} | _files(_prints(1, 1, later), later)
    return wanted, _files(_prints(3, 0, later), later)


def _prints(person: int, number: int, folder: Path) -> list[str]:
    """Grow one impression of each of a person's two fingers; as a manifest names them."""
    for name, position in POSITIONS.items():
        image = Finger(4000 + person, position).impression(number, quality=0.8)
        write(image, folder / f"{person}-{name}.png")
    return [f"{name}={person}-{name}.png" for name in POSITIONS]


def _files(named: list[str], folder: Path) -> dict[str, Path]:
    return {name: folder / file for name, _, file in (word.partition("=") for word in named)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
