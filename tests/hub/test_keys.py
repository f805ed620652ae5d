"""A country's switch, rotation and shredding on a running hub, with the commands that people type."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from tests.vault.local import LocalVault, enrol, register

from limen.access import keys
from limen.access.signing import HttpSignature
from limen.errors import KeyUnavailable
from limen.hub import Hub
from limen.records import store
from limen.records.database import Database, open_database
from limen.records.tables import Record
from limen.settings import Settings
from limen.vault.client import VaultClient
from limen.vault.opening import open_ring

from .test_hub import free_port

LIMEN = Path(sys.executable).with_name("limen")
SECONDS = 10.0  # in which a country's templates are to be gone
SECRET = "correct horse battery staple"


class Running:
    """A hub with records of two countries, without an opener: nobody captures anything here."""

    def __init__(self, settings: Settings, secret: Path) -> None:
        self.settings, self.secret = settings, secret
        ring = open_ring(settings)
        self.database = open_database(settings)
        register(self.database, "FRA", "BIH")
        self.french = enrol(self.database, LocalVault(ring), "FRA", 1, 2, 3)
        enrol(self.database, LocalVault(ring), "BIH", 7)
        ring.close()
        self.hub = Hub(settings, ["vault", "matcher", "front"])

    def limen(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LIMEN, *words, "--data", str(self.settings.data)], capture_output=True, text=True, timeout=60
        )

    def gallery(self) -> int:
        """Records in the matcher's memory."""
        token = (self.settings.run / "metrics.token").read_text().strip()
        request = urllib.request.Request(self.settings.url + "/metrics", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = re.search(r'^limen_gallery{of="records"} ([0-9.]+)', answer.read().decode(), re.M)
        assert found
        return int(float(found[1]))

    def wait(self, condition: Callable[[], bool], seconds: float = SECONDS) -> float:
        """Until it is so; how long it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds
            time.sleep(0.1)
        return time.monotonic() - began

    def names(self, country: str) -> set[str]:
        with VaultClient.connect(self.settings) as vault, self.database.reading() as session:
            records = session.scalars(sa.select(Record).where(Record.owner == country)).all()
            return {store.personal_fields(record, vault).names[0] for record in records}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "secret").write_text(SECRET)
    made = Running(Settings(data=folder / "hub", port=free_port()), folder / "secret")
    with made.hub:
        made.wait(lambda: made.gallery() == 4, 30)
        yield made
    made.database.close()


def test_a_country_takes_its_key_back_and_gives_it_back(running: Running, tmp_path: Path) -> None:
    key, secret = tmp_path / "FRA.key", ["--passphrase-file", str(running.secret)]
    done = running.limen("keys", "revoke", "FRA", "--to", str(key), "--yes", *secret)
    assert done.returncode == 0, done.stderr
    assert running.wait(lambda: running.gallery() == 1) < SECONDS
    with pytest.raises(KeyUnavailable, match="taken its key back"):
        running.names("FRA")
    assert running.names("BIH") == {"Person Number7"}, "the others go on"
    states = json.loads(running.limen("keys", "status", "--json").stdout)["countries"]
    assert {one["country"]: one["state"] for one in states} == {"FRA": "revoked", "BIH": "held"}

    running.hub.stop()
    running.hub = Hub(running.settings, ["vault", "matcher", "front"])
    running.hub.start()
    running.wait(lambda: running.gallery() == 1, 30)
    time.sleep(1)
    assert running.gallery() == 1, "after a restart nothing of it opens"
    with pytest.raises(KeyUnavailable):
        running.names("FRA")

    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase")
    refused = running.limen("keys", "restore", "FRA", "--from", str(key), "--passphrase-file", str(wrong))
    assert (refused.returncode, "passphrase is wrong" in refused.stderr) == (1, True)
    assert running.limen("keys", "restore", "FRA", "--from", str(key), *secret).returncode == 0
    running.wait(lambda: running.gallery() == 4)
    assert len(running.names("FRA")) == 3
    kinds = running.limen("ledger", "verify", "--json").stdout
    assert json.loads(kinds)["kinds"]["switch-changed"] >= 2, "both are on record"


def test_one_person_switches_a_country_off_over_http_and_two_switch_it_on(
    running: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIMEN_KEYS", str(tmp_path / "keys"))
    one, two, other = "FRA/sec1", "FRA/sec2", "BIH/sec"
    for name in (one, two, other):
        assert running.limen("access", "officer", "add", name, "--role", "security").returncode == 0
    url = f"{running.settings.url}/v1/switch"
    signed = {name: HttpSignature(keys.load(name), name) for name in (one, other)}
    assert httpx.get(url, auth=signed[one]).json() == {"country": "FRA", "state": "on"}
    assert httpx.put(url, auth=signed[other], json={"state": "on"}).status_code == 400
    assert httpx.put(url, json={"state": "off"}).status_code == 401
    assert httpx.put(url, auth=signed[one], json={"state": "off"}).json() == {"country": "FRA", "state": "off"}
    assert running.wait(lambda: running.gallery() == 1) < SECONDS
    with pytest.raises(KeyUnavailable, match="switched its records off"):
        running.names("FRA")
    assert running.names("BIH") == {"Person Number7"}
    assert httpx.get(url, auth=signed[other]).json() == {"country": "BIH", "state": "on"}

    alone = running.limen("keys", "release", "FRA", "--as", one)
    assert (alone.returncode, "takes two people" in alone.stderr) == (1, True)
    asked = running.limen("access", "ask", "switch-on", '{"country": "FRA"}', "--reason", "Over.", "--as", one)
    number = re.search(r"number ([0-9a-f-]{36})", asked.stdout)
    assert number, asked.stderr
    assert running.limen("access", "approve", number[1], "--as", other).returncode == 1
    assert running.limen("access", "approve", number[1], "--as", two).returncode == 0
    done = running.limen("keys", "release", "FRA", "--as", one)
    assert done.returncode == 0, done.stderr
    running.wait(lambda: running.gallery() == 4)
    assert len(running.names("FRA")) == 3
    again = running.limen("keys", "release", "FRA", "--as", one)
    assert (again.returncode, "not switched off" in again.stderr) == (1, True)


def test_keys_are_rotated_while_the_hub_runs(running: Running) -> None:
    with running.database.reading() as session:
        before = {one.id: (one.fields, one.samples[0].template) for one in session.scalars(sa.select(Record))}
    done = running.limen("keys", "rotate", "FRA")
    assert done.returncode == 0, done.stderr
    assert "3 records sealed anew, 1 older keys destroyed" in " ".join(done.stdout.split())
    assert len(running.names("FRA")) == 3
    with running.database.reading() as session:
        for record in session.scalars(sa.select(Record)):
            fresh = record.owner == "FRA"
            assert (record.fields_epoch, {sample.epoch for sample in record.samples}) == (1 + fresh, {1 + fresh})
            assert (record.fields != before[record.id][0], record.samples[0].template != before[record.id][1]) == (
                fresh,
                fresh,
            )
    assert running.gallery() == 4


def test_withdrawn_records_keys_are_shredded_by_the_running_hub(running: Running) -> None:
    with running.database.reading() as session:
        record = store.by_id(session, running.french[0])
        assert record is not None
        context, blob = store.fields_context(record), record.fields
    with running.database.writing() as session:
        row = store.by_id(session, running.french[0])
        assert row is not None
        store.withdraw(session, row)

    def shredded() -> bool:
        with VaultClient.connect(running.settings) as vault:
            try:
                return not vault.unseal(context, blob)
            except KeyUnavailable as error:
                return "shredded" in str(error)

    running.wait(shredded)
    running.wait(lambda: running.gallery() == 3)


def test_nobody_who_faces_the_network_manages_keys(running: Running) -> None:
    """The front is told from others by its process id; this process is none of the three, and may."""
    with VaultClient.connect(running.settings, "vault-keys") as vault:
        assert vault.command(1)["custody"] == "file"


def test_a_backup_of_the_running_hub_is_good(running: Running, tmp_path: Path) -> None:
    secret = ["--passphrase-file", str(running.secret)]
    repository = str(tmp_path / "backups")
    done = running.limen("backup", "create", repository, "--json", *secret)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    words = [LIMEN, "backup", "restore", repository, "--to", str(tmp_path / "new"), "--json", *secret]
    restored = json.loads(subprocess.run(words, capture_output=True, text=True, timeout=60).stdout)
    assert (restored["records"], restored["snapshot"]) == (made["records"], made["snapshot"])
    verified = subprocess.run([LIMEN, "backup", "verify", repository, *secret], capture_output=True, text=True)
    assert "is good" in verified.stdout
    new = Settings(data=tmp_path / "new")
    ring = open_ring(new)
    database = Database(new.database_url)
    with database.reading() as session:
        found = session.scalars(sa.select(Record)).all()
        assert {store.personal_fields(record, LocalVault(ring)).names[0] for record in found} == running.names(
            "FRA"
        ) | running.names("BIH")
    database.close()
    ring.close()
