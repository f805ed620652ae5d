"""A country pulls its own token, and throws its switch, while searches run: 10 seconds, and the others are answered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.vault.softhsm import Tokens

from limen.evaluation.breach.people import people, write
from limen.hub import Hub
from limen.settings import Settings

from .test_hub import free_port

pytestmark = pytest.mark.slow

SECONDS = 60.0  # a busy machine's; how long it takes on an idle one is in docs/keys.md (10 are promised)


class Searched:
    """A hub with records of two countries, one with a token of its own, and an officer who searches without end."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.answers: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._search, daemon=True)

    def limen(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "LIMEN_DATA": str(self.settings.data),
            "LIMEN_KEYS": str(self.folder / "device"),
            "LIMEN_HUB": self.settings.url,
        }
        command = [sys.executable, "-m", "limen", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)

    def start(self) -> None:
        for country in ("FRA", "BIH", "HRV"):
            assert self.limen("access", "country", "add", country).returncode == 0
        assert self.limen("access", "officer", "add", "HRV/officer1").returncode == 0
        persons = people(2)
        for person, country in zip(persons, ("FRA", "BIH"), strict=True):
            done = self.limen("records", "import", str(write(self.folder / country, [person], 0)), "--country", country)
            assert done.returncode == 0, done.stderr
        for number, person in enumerate(persons):
            (self.folder / f"{number}.png").write_bytes(person.images[1]["right-index"])
        self.wait(lambda: self.gallery() == 2, 60)
        self._thread.start()
        self.wait(lambda: len(self.answers) >= 2, 60)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    def _search(self) -> None:
        number = 0
        while not self._stopping.is_set():
            image = f"right-index={self.folder / f'{number % 2}.png'}"
            done = self.limen("search", "--finger", image, "--as", "HRV/officer1", "--purpose", "border-control")
            self.answers.append(done.stdout + done.stderr)
            number += 1

    def gallery(self) -> int:
        """Records in the matcher's memory."""
        token = (self.settings.run / "metrics.token").read_text().strip()
        request = urllib.request.Request(self.settings.url + "/metrics", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = re.search(r'^limen_gallery{of="records"} ([0-9.]+)', answer.read().decode(), re.M)
        assert found
        return int(float(found[1]))

    def wait(self, condition: Callable[[], bool], seconds: float) -> float:
        """Until it is so; how long it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds
            time.sleep(0.1)
        return time.monotonic() - began

    def next_answers(self) -> str:
        """What the two searches say that begin after now."""
        before = len(self.answers)
        self.wait(lambda: len(self.answers) >= before + 3, 90)
        return "\n".join(self.answers[before + 1 : before + 3])


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Searched, Tokens]]:
    folder = tmp_path_factory.mktemp("switch")
    before = os.environ.get("SOFTHSM2_CONF")
    tokens = Tokens(folder / "hsm")
    settings = Settings(
        data=folder / "hub",
        port=free_port(),
        watch="alert",  # one officer searches the same two people again and again
        worker_seconds=120,
        pkcs11_module=tokens.module,
        pkcs11_countries=f"FRA=france:{tokens.add('france')}",
    )
    settings.data.mkdir(parents=True)
    lines = {name: getattr(settings, name) for name in ("port", "watch", "pkcs11_module", "pkcs11_countries")}
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in lines.items())
    (settings.data / "limen.toml").write_text(text + "\n")
    made = Searched(settings, folder)
    with Hub(settings):
        made.start()
        yield made, tokens
        made.stop()
    if before is None:
        os.environ.pop("SOFTHSM2_CONF", None)
    else:
        os.environ["SOFTHSM2_CONF"] = before


def test_a_pulled_token_takes_its_country_out_and_the_other_is_found(searched: tuple[Searched, Tokens]) -> None:
    hub, tokens = searched
    assert "Adrian Velkov" in hub.next_answers()
    tokens.pull()
    took = hub.wait(lambda: hub.gallery() == 1, SECONDS)
    said = hub.next_answers()
    assert "Adrian Velkov" not in said
    assert "Ilse Marantova" in said, "the other country is searched and answered"
    states = {one["country"]: one for one in json.loads(hub.limen("keys", "status", "--json").stdout)["countries"]}
    assert (states["FRA"]["state"], states["BIH"]["state"]) == ("unavailable", "held")
    assert states["FRA"]["reason"]
    tokens.put_in()
    back = hub.wait(lambda: hub.gallery() == 2, 30)
    assert "Adrian Velkov" in hub.next_answers()
    print(f"gone after {took:.1f} s, back after {back:.1f} s")


def test_a_country_throws_its_switch_and_the_ledger_has_it(searched: tuple[Searched, Tokens]) -> None:
    hub, _ = searched
    done = hub.limen("keys", "revoke", "FRA", "--yes")
    assert done.returncode == 0, done.stderr
    took = hub.wait(lambda: hub.gallery() == 1, SECONDS)
    said = hub.next_answers()
    assert "Adrian Velkov" not in said
    assert "Ilse Marantova" in said
    assert hub.limen("keys", "restore", "FRA").returncode == 0
    back = hub.wait(lambda: hub.gallery() == 2, 30)
    kinds = json.loads(hub.limen("ledger", "verify", "--json").stdout)["kinds"]
    assert kinds["switch-changed"] >= 2, "both are on record"
    print(f"gone after {took:.1f} s, back after {back:.1f} s")
