"""The whole hub measured from outside: two countries' records imported, people searched through the HTTP API.

100 people of `faces/lfw_dev` are enrolled with one photo each, 40 of them with one finger of the four FVC sets, half of
them by each country. Their other photos and impressions must find them; 200 people and 50 fingers that are not enrolled
must find nobody. Every search is sealed, signed and answered by a running hub; nothing is called from inside.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limen.access import directory
from limen.access.signing import HttpSignature
from limen.capture.container import Sample
from limen.client.hub import HubClient
from limen.errors import BadInput
from limen.hub import Hub
from limen.records import manifest
from limen.records.database import open_database
from limen.records.importer import Import
from limen.settings import Settings
from limen.terms import Answer, Modality, Position
from limen.vault.client import VaultClient

COUNTRIES = ("FRA", "ITA")
OFFICER = "BIH/officer1"
FVC_SETS = ("fvc2002_db1_b", "fvc2002_db3_b", "fvc2004_db1_b", "fvc2004_db2_b")
PEOPLE, STRANGERS, STRANGE_FINGERS = 100, 200, 50


@dataclass(frozen=True)
class Probe:
    """One search: its images, and the record that it must find (None: nobody)."""

    face: Path | None
    finger: Path | None
    mate: str | None

    def samples(self) -> list[Sample]:
        """The capture."""
        parts = ((Modality.FACE, Position.UNKNOWN, self.face), (Modality.FINGER, Position.RIGHT_INDEX, self.finger))
        return [Sample(modality, position, file.read_bytes()) for modality, position, file in parts if file is not None]


@dataclass(frozen=True)
class Plan:
    """Who is enrolled and who is searched.

    Attributes:
        records: record id to its images by manifest column.
        probes: searches by group: `face`, `finger`, `face + finger` (mated), `stranger's face`, `stranger's finger`.
    """

    records: dict[str, dict[str, Path]]
    probes: dict[str, list[Probe]]


def plan(samples: Path) -> Plan:
    """Choose from the samples, always the same: people and fingers in alphabetical order.

    Raises:
        BadInput: the folder does not hold the sets that are needed.
    """
    try:
        people = [sorted(p.iterdir()) for p in sorted((samples / "faces" / "lfw_dev").iterdir()) if p.is_dir()]
        crossmatch = sorted((samples / "fingerprints" / "crossmatch").glob("*_1.tif"))[:STRANGE_FINGERS]
        fvc = [sorted((samples / "fingerprints" / name).glob("*_1.tif")) for name in FVC_SETS]
    except OSError:
        raise BadInput(f"{samples} does not hold faces/lfw_dev and the FVC sets.") from None
    known = [photos for photos in people if len(photos) > 1][:PEOPLE]
    strangers = [photos[0] for photos in people if len(photos) == 1][:STRANGERS]
    fingers = [finger for one_set in zip(*fvc, strict=False) for finger in one_set]
    records: dict[str, dict[str, Path]] = {}
    probes: dict[str, list[Probe]] = {"face": [], "finger": [], "face + finger": []}
    for number, photos in enumerate(known):
        country = COUNTRIES[number % 2]
        record = f"{country}-{number + 1:03}"
        records[record] = {"face": photos[0]}
        probes["face"].append(Probe(photos[1], None, record))
        if number < len(fingers):
            records[record]["right-index"] = fingers[number]
            other = fingers[number].with_name(fingers[number].name.replace("_1.", "_2."))
            probes["finger"].append(Probe(None, other, record))
            probes["face + finger"].append(Probe(photos[1], other, record))
    probes["stranger's face"] = [Probe(photo, None, None) for photo in strangers]
    probes["stranger's finger"] = [Probe(None, finger, None) for finger in crossmatch]
    return Plan(records, probes)


def enrol(hub: Hub, chosen: Plan, folder: Path) -> Iterator[int]:
    """Import the records as two countries; yields the number of images done with each record."""
    database = open_database(hub.settings)
    vault = VaultClient.connect(hub.settings)
    with database.writing() as session:
        for code in (*COUNTRIES, "BIH"):
            directory.add_country(session, code)
    for country in COUNTRIES:
        held = {name: images for name, images in chosen.records.items() if name.startswith(country)}
        entries, _ = manifest.read(_manifest(folder / country, held))
        for step in Import(hub.settings, database, vault, country, folder / country).entries(entries):
            yield step.images


def officer(hub: Hub) -> HubClient:
    """A registered officer's client."""
    key = Ed25519PrivateKey.generate()
    with open_database(hub.settings).writing() as session:
        directory.add_officer(session, OFFICER, key.public_key().public_bytes_raw())
    return HubClient(hub.settings.url, HttpSignature(key, OFFICER), pins=hub.settings.data / "pins")


def measure(client: HubClient, chosen: Plan, advance: Callable[[], object]) -> dict[str, Any]:
    """Search everybody.

    Returns:
        By group: `searches`, how many got each answer, and for mated groups `found` (the right record named first,
        in a hit or refer) and `wrong` (another record named first), for the others `false` (any record named).
    """
    figures: dict[str, Any] = {}
    for group, probes in chosen.probes.items():
        counts: Counter[str] = Counter()
        for probe in probes:
            answer = client.search(probe.samples(), "border-control")
            named = answer["matches"][0]["record"] if answer["matches"] else None
            counts[answer["answer"]] += 1
            counts["found"] += named is not None and named == probe.mate
            counts["wrong"] += named is not None and named != probe.mate
            advance()
        figures[group] = {"searches": len(probes), **{kind.value: counts[kind.value] for kind in Answer}}
        if probes[0].mate is not None:
            figures[group] |= {"found": counts["found"], "wrong": counts["wrong"]}
        else:
            figures[group]["false"] = counts["wrong"]
    return figures


def run(samples: Path, data: Path, port: int, advance: Callable[[int], object]) -> dict[str, Any]:
    """All of it on a hub of its own in `data`; `advance` is told how many images or searches are done."""
    chosen = plan(samples)
    with Hub(Settings(data=data / "hub", port=port, watch="alert")) as hub:
        for images in enrol(hub, chosen, data / "records"):
            advance(images)
        with officer(hub) as client:
            _wait_for_gallery(client, chosen)
            figures = measure(client, chosen, lambda: advance(1))
    return {"records": len(chosen.records), "groups": figures}


def size(samples: Path) -> int:
    """How many images and searches `run` has to do."""
    chosen = plan(samples)
    return sum(map(len, chosen.records.values())) + sum(map(len, chosen.probes.values()))


def _wait_for_gallery(client: HubClient, chosen: Plan) -> None:
    """The feed brings records to the matcher within a second; the first search waits until all are there."""
    import time

    probe = next(probe for probe in chosen.probes["face"])
    for _ in range(100):
        if client.search(probe.samples(), "border-control")["gallery"]["records"] >= len(chosen.records):
            return
        time.sleep(0.2)
    raise BadInput("Not all records reached the matcher.", advice="Some images of the samples may be damaged.")


def _manifest(folder: Path, records: dict[str, dict[str, Path]]) -> Path:
    folder.mkdir(parents=True)
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("record_id", "names", "notice", "offence", "images"))
        for name, images in records.items():
            held = []
            for kind, source in images.items():
                copy = folder / f"{name}-{kind}{source.suffix}"
                copy.write_bytes(source.read_bytes())
                held.append(f"{kind}={copy.name}")
            writer.writerow((name, f"Person {name}", "red", "Made up", "; ".join(held)))
    return path
