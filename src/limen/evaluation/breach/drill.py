"""The drill itself: build, use and rob a hub; then the same without sealing."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from limen.backup.create import create
from limen.backup.repository import Repository
from limen.errors import Unavailable
from limen.evaluation.breach import control, front
from limen.evaluation.breach.linkage import LINKERS, Linkage, link
from limen.evaluation.breach.loot import Loot, Thief, looks_sealed
from limen.evaluation.breach.people import Person, people, write
from limen.evaluation.breach.report import OPENED, Place, Report
from limen.evaluation.breach.truth import Truth, contexts, open_all
from limen.hub import Hub
from limen.records.database import Database
from limen.records.tables import Record, Table
from limen.settings import Settings
from limen.terms import Modality

OFFICER = "BIH/officer1"
OWNER = "FRA"
WORKER_SECONDS = 120  # a busy machine must not make the drill's one search fail


class Drill:
    """Plays everything once, in a temporary folder."""

    def __init__(self, count: int = 5, say: Callable[[str], None] = lambda _: None) -> None:
        """count: people whom both hubs keep; 5 at least, or chance links as well as a thief."""
        self._count, self._say = count, say
        self._report = Report()
        self._secret = secrets.token_hex(16).encode()
        self._persons: list[Person] = []

    def run(self) -> Report:
        """Play it; takes a minute or two. Reading another process's memory needs root."""
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="limen-breach-") as name:
            self._play(Path(name))
        self._report.seconds = time.monotonic() - began
        return self._report

    def _play(self, folder: Path) -> None:
        self._say("growing people")
        persons = self._persons = people(self._count)
        (folder / "elsewhere").mkdir()
        (folder / "elsewhere" / "secret").write_bytes(self._secret)
        self._say("building two hubs")
        one, other = (self._hub(folder / name, persons, take, folder) for take, name in enumerate(("one", "other")))
        self._say("searching, and stealing meanwhile")
        truth = self._live(one, persons, folder)
        thief = Thief(truth)
        self._report.there = {
            "biometrics": truth.biometrics,
            "personal_fields": len(truth.words),
            "keys": len(truth.keys),
        }
        self._say("looking through what was stolen")
        linked = self._link(self._stolen(folder, one), other, self._report.linkage)
        self._stores(self._report.places, thief, folder / "stolen", linked, self._stolen(folder, one))
        self._front(self._report.places, thief, self._stolen(folder, one), folder)
        self._say("the same without sealing")
        self._control(folder, one, other, truth, thief)

    # --- building and using ---

    def _hub(self, data: Path, persons: list[Person], take: int, folder: Path) -> Settings:
        settings = Settings(
            data=data / "data",
            port=_free_port(),
            custody="passphrase",
            passphrase_file=str(folder / "elsewhere" / "secret"),
            worker_seconds=WORKER_SECONDS,
        )
        settings.data.mkdir(parents=True)
        names = ("port", "custody", "passphrase_file", "worker_seconds")
        lines = {name: getattr(settings, name) for name in names}
        text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in lines.items())
        (settings.data / "limen.toml").write_text(text + "\n")
        images = write(folder / f"images-{take}", persons, take)
        self._limen(settings, folder, "access", "country", "add", OWNER)
        self._limen(settings, folder, "records", "import", str(images), "--country", OWNER)
        return settings

    def _live(self, settings: Settings, persons: list[Person], folder: Path) -> Truth:
        """Search on the running hub, then steal its memory, and copies of everything that lies about."""
        with Hub(settings) as hub:
            _wait_for_gallery(hub)
            self._limen(settings, folder, "access", "country", "add", "BIH")
            self._limen(settings, folder, "access", "officer", "add", OFFICER)
            face, finger = folder / "probe.jpg", folder / "probe.png"
            face.write_bytes(persons[0].images[1]["face"])
            finger.write_bytes(persons[0].images[1]["right-index"])
            words = ["search", str(face), "--finger", f"right-index={finger}", "--as", OFFICER]
            said = self._limen(settings, folder, *words, "--purpose", "border-control")
            if persons[0].name not in said:
                raise Unavailable("The drill's search found nobody, so it would prove nothing.", advice=said[-300:])
            stolen = folder / "stolen"
            shutil.copytree(settings.data, stolen / "disk", ignore=shutil.ignore_patterns("*.sock"))
            truth = open_all(self._copy(folder, settings, "opened"), persons, self._secret)
            loot = Loot()
            if os.geteuid() == 0:
                self._report.places["front-memory"] = Place.of(Thief(truth).process(hub.pids["front"], loot))
                self._report.not_shown = len(loot.words - set(persons[0].words))
            else:
                self._report.not_played["front-memory"] = "reading another process's memory needs root"
            database = Database(settings.database_url)
            create(settings, database, Repository.create(stolen / "backup", self._secret[::-1]))
            database.close()
        shutil.copytree(settings.data / "log", stolen / "logs")
        shutil.copytree(folder / "device", stolen / "device")
        _dump(settings, stolen / "database")
        return truth

    def _copy(self, folder: Path, settings: Settings, name: str) -> Settings:
        target = folder / name / "data"
        shutil.copytree(folder / "stolen" / "disk", target, ignore=shutil.ignore_patterns("run"))
        return replace(settings, data=target)

    def _stolen(self, folder: Path, settings: Settings) -> Settings:
        return replace(settings, data=folder / "stolen" / "disk")

    # --- stealing ---

    def _stores(self, into: dict[str, Place], thief: Thief, stolen: Path, linked: int, settings: Settings) -> None:
        disk = thief.files(stolen / "disk", Loot())
        disk.plain_blobs = _unsealed(settings) if not disk.images else 0
        into["disk"] = Place.of(disk, linked)
        into["database"] = Place.of(thief.files(stolen / "database", Loot()), linked)
        backup = thief.files(stolen / "backup", Loot())
        into["backup"] = Place.of(backup, linked if backup.templates else 0)
        into["logs"] = Place.of(thief.files(stolen / "logs", Loot()))
        device = thief.files(stolen / "device", Loot())
        device.keys |= {("device", path.name) for path in (stolen / "device").rglob("*") if _is_private_key(path)}
        into["device"] = Place.of(device)

    def _front(self, into: dict[str, Place], thief: Thief, settings: Settings, folder: Path) -> None:
        """Start the hub on what was stolen, with a front that was taken over; its owner gives the passphrase."""
        copy = replace(self._copy(folder, settings, "subverted"), unsealed_per_hour=OPENED)
        hub = Hub(copy, ["vault", "matcher", "front"])
        hub.parts["front"].program = front.PROGRAM
        with hub:
            answers = json.loads((copy.data.parent / front.ANSWERS).read_text())
        for place, asked in (("front-asks-matcher", ("matcher", "others")), ("front-asks-vault", ("vault",))):
            heard = Loot()
            for answer in (bytes.fromhex(text) for name in asked for text in answers[name]):
                thief.look(answer, heard)
            into[place] = Place.of(heard)
        self._report.opened = sum(bool(heard.words & set(one.words)) for one in self._persons)

    def _link(self, one: Settings, other: Settings, into: dict[str, Linkage]) -> int:
        store, second = _fingers(one), _fingers(other)
        for name, linker in LINKERS.items():
            into[name] = link(store, second, linker)
        return max(found.linkable for found in into.values())

    # --- the control ---

    def _control(self, folder: Path, one: Settings, other: Settings, truth: Truth, thief: Thief) -> None:
        bare, bare_other = folder / "bare", folder / "bare-other"
        shutil.copytree(folder / "stolen" / "disk", bare / "disk")
        shutil.copytree(other.data, bare_other / "disk", ignore=shutil.ignore_patterns("*.sock"))
        settings = [replace(one, data=bare / "disk"), replace(other, data=bare_other / "disk")]
        for each in settings:
            control.unseal_all(each, self._secret)
        control.unsealed_backup(settings[0], bare / "backup", self._secret)
        _dump(settings[0], bare / "database")
        for name in ("logs", "device"):
            control.careless(truth, bare / name)
        linked = self._link(settings[0], settings[1], self._report.control_linkage)
        self._stores(self._report.control, thief, bare, linked, settings[0])
        if "front-memory" in self._report.places:
            with control.careless_process(truth) as pid:
                self._report.control["front-memory"] = Place.of(thief.process(pid, Loot()))
        for place in ("front-asks-matcher", "front-asks-vault"):
            heard = Loot()
            for answer in (*truth.images, *truth.templates, *(word.encode() for word in truth.words)):
                thief.look(answer, heard)
            self._report.control[place] = Place.of(heard)

    def _limen(self, settings: Settings, folder: Path, *words: str) -> str:
        environment = os.environ | {
            "LIMEN_DATA": str(settings.data),
            "LIMEN_KEYS": str(folder / "device"),
            "LIMEN_HUB": settings.url,
        }
        command = [sys.executable, "-m", "limen", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise Unavailable(f"`limen {' '.join(words[:2])}` failed in the drill.", advice=done.stderr[-500:])
        return done.stdout


def _fingers(settings: Settings) -> list[bytes]:
    """What a thief has of each person's finger, in one order for both stores, which the drill gives the thief."""
    database = Database(settings.database_url)
    with database.reading() as session:
        records = session.scalars(sa.select(Record).order_by(Record.created, Record.change)).all()
        found = [
            sample.template
            for record in sorted(records, key=lambda one: one.change)
            for sample in record.samples
            if sample.modality == Modality.FINGER and sample.template
        ]
    database.close()
    return found


def _unsealed(settings: Settings) -> int:
    """Sealed columns that have not the entropy of ciphertext."""
    database = Database(settings.database_url)
    with database.reading() as session:
        found = [
            getattr(row, column) for record in session.scalars(sa.select(Record)) for row, column, _ in contexts(record)
        ]
        count = sum(not looks_sealed(blob) for blob in found)
    database.close()
    return count


def _dump(settings: Settings, folder: Path) -> None:
    """All rows of all tables, as a database's own dump would hold them."""
    folder.mkdir(parents=True)
    database = Database(settings.database_url)
    with database.reading() as session, (folder / "dump").open("wb") as file:
        for table in Table.metadata.sorted_tables:
            for row in session.execute(sa.select(table)):
                for value in row:
                    file.write(value if isinstance(value, bytes) else str(value).encode())
                    file.write(b"\0")
    database.close()


def _is_private_key(path: Path) -> bool:
    if not path.is_file():
        return False
    content = path.read_bytes()
    return b"PRIVATE KEY" in content or (len(content) == 32 and path.stat().st_mode & 0o077 == 0)


def _wait_for_gallery(hub: Hub, seconds: float = 60.0) -> None:
    """Until the front says that the gallery is in force."""
    end = time.monotonic() + seconds
    log = hub.settings.data / "log" / "limen.jsonl"
    while "gallery-fed" not in log.read_text():
        if time.monotonic() > end:
            raise Unavailable("The drill's hub does not load its gallery.")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
