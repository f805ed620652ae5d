"""How long a hub takes from its start until its whole gallery answers, and from a lost matcher until it does again.

A data folder is made with records of one face and ten fingers each, sealed as enrolment seals them, each record with
a key of its own, in several countries. Templates are made up, the same few hundred people's again and again: a load
compares nothing. There are no portraits, names or original files, which a load does not read. Then a hub runs on the
folder, and the clock from its start until the gallery is complete; the matcher is killed, and the clock runs again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import insert, update

from limen.countries import EVERYONE
from limen.errors import Unavailable
from limen.evaluation.synthesis.templates import minutiae_templates
from limen.face.template import FaceTemplate
from limen.hub import Hub
from limen.records.database import open_database
from limen.records.tables import Country, Record, Sample, Sequence, State
from limen.ridge.stored import stored
from limen.settings import Settings
from limen.terms import Modality
from limen.vault.keys import KeyRing
from limen.vault.opening import open_ring
from limen.vault.seal import Context, Use, seal_blob

COUNTRIES = ("BIH", "DEU", "ESP", "FRA", "ITA")
FINGERS = 10
DIFFERENT = 300  # people that the templates are of
FACE_MODEL, DIMENSION = "sface", 128
YEAR = 31_557_600  # seconds
CHUNK = 1000  # records stored at once
LONGEST = 600.0  # seconds that a load may take
POLL = 0.25  # seconds; who asks takes processor time from those who load

Step = Callable[[str, int, int], object]


@dataclass(frozen=True)
class People:
    """Templates of some people, as they are stored: by person, a face and `FINGERS` fingers."""

    faces: list[bytes]
    fingers: list[list[bytes]]

    @classmethod
    def made(cls, count: int) -> People:
        """Made-up ones."""
        vectors = np.random.default_rng(1).normal(size=(count, DIMENSION)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        by_finger = [
            [stored(packed) for packed in minutiae_templates(np.arange(count), positions=position).packed()]
            for position in range(1, FINGERS + 1)
        ]
        faces = [FaceTemplate(FACE_MODEL, vector, 70).pack() for vector in vectors]
        return cls(faces, [list(hand) for hand in zip(*by_finger, strict=True)])


def evaluate(templates: int, folder: Path, *, step: Step = lambda *_: None) -> dict[str, Any]:
    """The JSON of `limen evaluate load`: seconds of wall clock, processor seconds of each process, bytes.

    `unsealing` runs from when the hub takes requests, and its feed begins, until the last template is in the matcher.

    Args:
        templates: in the gallery, at least; a record has eleven.
        folder: an empty one, which takes 1.8 KB a template.

    Raises:
        Unavailable: the hub does not start, or does not load everything.
    """
    records = -(-templates // (FINGERS + 1))
    settings = Settings(data=folder / "data", port=free_port(), tls="off")
    began = time.perf_counter()
    fill(settings, records, step)
    made = time.perf_counter()
    with Hub(settings) as hub:
        ready, before = time.perf_counter(), _processor(hub)
        wait(settings, records, step)
        complete = time.perf_counter()
        processor, memory = _processor(hub), _resident(hub.parts["matcher"].pid)
        os.kill(hub.parts["matcher"].pid, signal.SIGKILL)
        killed = time.perf_counter()
        while held(settings) == records:  # until the front has noticed
            time.sleep(POLL)
        wait(settings, records, step)
        restart = time.perf_counter() - killed
    return {
        "templates": records * (FINGERS + 1),
        "records": records,
        "countries": len(COUNTRIES),
        "making_seconds": made - began,
        "start": {
            "seconds": complete - made,
            "of_these_processes_seconds": ready - made,
            "processor_seconds": processor,
        },
        "unsealing": {  # the start without that of the processes, which the feed follows at once
            "seconds": complete - ready,
            "processor_seconds": {name: used - before[name] for name, used in processor.items()},
        },
        "matcher_killed": {"seconds": restart},
        "matcher_resident_bytes": memory,
    }


def fill(settings: Settings, records: int, step: Step, countries: tuple[str, ...] = COUNTRIES) -> None:
    """Make a hub's data with so many records, of these countries in turn."""
    people = People.made(min(DIFFERENT, records))
    settings.data.mkdir(mode=0o700, parents=True)
    database, ring, now = open_database(settings), open_ring(settings), int(time.time())
    with database.writing() as session:
        session.execute(
            insert(Country), [{"code": code, "contact": "", "index_key": None, "created": now} for code in countries]
        )
    with _unsynced():
        for first in range(0, records, CHUNK):
            numbers = range(first, min(first + CHUNK, records))
            made = [_record(ring, people, number, countries[number % len(countries)], now) for number in numbers]
            with database.writing() as session:
                session.execute(insert(Record), [record for record, _ in made])
                session.execute(insert(Sample), [sample for _, samples in made for sample in samples])
            step("make records", numbers.stop, records)
    with database.writing() as session:
        session.execute(update(Sequence).where(Sequence.id == 1).values(value=records * (FINGERS + 1)))
    ring.close()
    database.wipe_log()
    database.close()
    os.sync()  # what was written just now is not still being written while a load is timed


def _record(
    ring: KeyRing, people: People, number: int, country: str, now: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One record's row, and those of its samples."""
    record, epoch, person = uuid.uuid4(), ring.epoch(country), number % len(people.faces)
    key = ring.key(country, epoch, Use.TEMPLATE, record.bytes, make=True)
    last = (number + 1) * (FINGERS + 1)
    row = {
        "id": record, "handle": _handle(), "owner": country, "external_key": os.urandom(32), "fields": b"",
        "fields_epoch": epoch, "fields_hash": bytes(32), "visible": EVERYONE, "purpose": "locate-wanted",
        "valid_from": 0, "valid_until": now + YEAR, "retained_from": now, "state": State.ACTIVE, "change": last,
        "created": now, "updated": now,
    }  # fmt: skip
    samples = []
    for position in range(FINGERS + 1):
        sample, is_finger = uuid.uuid4(), position > 0
        modality, model = (Modality.FINGER, "leader") if is_finger else (Modality.FACE, FACE_MODEL)
        content = people.fingers[person][position - 1] if is_finger else people.faces[person]
        context = Context(
            Use.TEMPLATE, country.encode("ascii"), record.bytes, sample.bytes, modality, position,
            model.encode("ascii"), now + YEAR,
        )  # fmt: skip
        samples.append({
            "id": sample, "handle": _handle(), "record_id": record, "modality": modality, "position": position,
            "model": model, "quality": 70, "minutiae": 40, "area": 0, "reasons": 0, "width": 500, "height": 500,
            "ppi": 500, "epoch": epoch, "expires": now + YEAR, "input_hash": bytes(32),
            "change": last - FINGERS + position, "created": now, "original_length": 0,
            "template": seal_blob(key, context, epoch, content),
        })  # fmt: skip
    return row, samples


@contextlib.contextmanager
def _unsynced() -> Iterator[None]:
    """Record keys are on disk one by one before anything is sealed with them; not these, which nobody needs again."""
    kept, os.fdatasync = os.fdatasync, lambda fd: None
    try:
        yield
    finally:
        os.fdatasync = kept


def wait(settings: Settings, records: int, step: Step) -> None:
    """Wait until so many records answer, all that there are."""
    end = time.monotonic() + LONGEST
    while (there := held(settings)) != records:
        step("load", max(there, 0), records)
        if time.monotonic() > end:
            raise Unavailable(f"The hub did not load {records} records in {LONGEST:.0f} s.")
        time.sleep(POLL)


def held(settings: Settings) -> int:
    """How many records the matcher holds; -1 while they are not all there."""
    with contextlib.suppress(httpx.HTTPError, OSError):
        token = (settings.run / "metrics.token").read_text().strip()
        with httpx.Client(base_url=settings.url, trust_env=False, timeout=10) as ask:
            if ask.get("/health").json()["status"] != "ok":
                return -1
            said = ask.get("/metrics", headers={"authorization": f"Bearer {token}"}).text
            found = [line for line in said.splitlines() if line.startswith('limen_gallery{of="records"}')]
            return int(float(found[0].rpartition(" ")[2])) if found else -1
    return -1


def _processor(hub: Hub) -> dict[str, float]:
    """Processor seconds that each part has used since it started."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for name, part in hub.parts.items():
        fields = Path(f"/proc/{part.pid}/stat").read_text().rpartition(")")[2].split()
        found[name] = (int(fields[11]) + int(fields[12])) / ticks  # proc(5): utime and stime
    return found


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024


def _handle() -> int:
    return int.from_bytes(os.urandom(8)) or 1


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
