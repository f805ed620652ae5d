"""Who is searched in the drill: strangers whom no record holds, and one person who is wanted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from limen.capture.container import Sample
from limen.errors import BadInput
from limen.evaluation.synthesis import PPI, Finger
from limen.terms import Modality, Position

RECORD = "FRA-DRILL-1"
POSITIONS = (Position.RIGHT_INDEX, Position.LEFT_INDEX)
WANTED_SEED = 31_000


class People:
    """Probes, made as they are asked for and never written to a file.

    Args:
        samples: folder of real samples, for faces; None: fingers are grown, and the only face is the portrait that
            ships with scikit-image. Then the record holds no face, and nobody is ruled out by a face alone.
    """

    def __init__(self, samples: Path | None) -> None:
        faces = list(_faces(samples))
        self._portrait = faces.pop(0) if len(faces) > 1 else None
        self._strangers = cycle(faces)
        self._seeds = iter(range(32_000, 99_000))
        self._wanted = [Finger(WANTED_SEED, int(position)) for position in POSITIONS]

    def face(self) -> list[Sample]:
        """A stranger's face."""
        return [Sample(Modality.FACE, Position.UNKNOWN, next(self._strangers))]

    def fingers(self, count: int = 2) -> list[Sample]:
        """A stranger's fingers; grown anew each time."""
        seed = next(self._seeds)
        return [_print(Finger(seed, int(position)), 0) for position in POSITIONS[:count]]

    def both(self) -> list[Sample]:
        """A stranger's face and fingers."""
        return self.face() + self.fingers()

    def wanted(self) -> list[Sample]:
        """A later touch of the wanted person's fingers."""
        return [_print(finger, 1) for finger in self._wanted]

    def manifest(self, folder: Path) -> Path:
        """The wanted person's record with its images, to be imported."""
        folder.mkdir()
        images = []
        for finger, position in zip(self._wanted, POSITIONS, strict=True):
            (folder / f"{position.slug}.png").write_bytes(_print(finger, 0).image)
            images.append(f"{position.slug}={position.slug}.png")
        if self._portrait is not None:
            (folder / "portrait").write_bytes(self._portrait)
            images.append("face=portrait")
        with (folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("record_id", "names", "notice", "offence", "images"))
            writer.writerow((RECORD, "Adrian Velk", "red", "Made up", "; ".join(images)))
        return folder


def _faces(samples: Path | None) -> Iterator[bytes]:
    if samples is None:
        from skimage import data

        yield _png(data.astronaut()[:450, 40:440])
        return
    folder = samples / "faces" / "lfw_dev"
    if not folder.is_dir():
        raise BadInput(f"{samples} does not hold faces/lfw_dev.", advice="Leave the folder out to use none.")
    for person in sorted(path for path in folder.iterdir() if path.is_dir())[:60]:
        yield sorted(person.iterdir())[0].read_bytes()


def _print(finger: Finger, number: int) -> Sample:
    return Sample(Modality.FINGER, Position(finger.position), _png(finger.impression(number, quality=0.85)))


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", dpi=(PPI, PPI))
    return out.getvalue()
