"""`python -m benchmarks.switching`: how long a country's records answer once it took its key back.

A hub holds made-up records of two countries (a face and ten fingers each, `limen.evaluation.load`). While clients
search without pause, one country's key is revoked (`limen keys revoke`), and the clock runs until none of its
templates is in the matcher's memory; then it is given back, and the clock runs until all are there again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.searching import portrait
from limen.access import directory
from limen.access.signing import HttpSignature
from limen.capture.container import Sample
from limen.client.hub import HubClient
from limen.evaluation import load
from limen.hub import Hub
from limen.records.database import open_database
from limen.settings import Settings
from limen.terms import Modality, Position

GIVES, STAYS = "FRA", "DEU"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.switching", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="of each of two countries")
    parser.add_argument("--clients", type=int, default=2, help="that search meanwhile")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="limen-switching-") as folder:
        settings = Settings(data=Path(folder) / "data", port=load.free_port(), tls="off", watch="alert")
        load.fill(settings, 2 * asked.records, lambda *_: None, (GIVES, STAYS))
        (settings.data / "limen.toml").write_text(f'port = {settings.port}\ntls = "off"\nwatch = "alert"\n')
        (settings.data / "passphrase").write_text("only for this measurement\n")
        clients = _clients(settings, asked.clients)
        with Hub(settings):
            load.wait(settings, 2 * asked.records, lambda *_: None)
            with Searching(clients) as searching:
                time.sleep(5)
                before = searching.taken()
                gone = _until(settings, asked.records, "revoke", GIVES, "--yes", "--to", f"{folder}/key")
                during = searching.taken()
                back = _until(settings, 2 * asked.records, "restore", GIVES, "--from", f"{folder}/key")
                returning = searching.taken()
    found = {
        "records of each country": asked.records,
        "clients": asked.clients,
        "gone, seconds after the command began and ended": gone,
        "back, seconds after the command began and ended": back,
        "answers": dict(searching.answers),
        "searches before, p50 and longest, s": _of(before),
        "searches while it went, p50 and longest, s": _of(during),
        "searches while it came back, p50 and longest, s": _of(returning),
    }
    print(json.dumps(found, indent=1))


def _of(seconds: list[float]) -> list[float]:
    return [round(statistics.median(seconds), 3), round(max(seconds), 3)]


class Searching:
    """Clients that search one face again and again."""

    def __init__(self, clients: list[HubClient]) -> None:
        self.answers = Counter[str]()  # by kind: there must be no cannot-tell
        self._end, self._times, self._lock = threading.Event(), list[float](), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(client, portrait())) for client in clients]

    def __enter__(self) -> Searching:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def taken(self) -> list[float]:
        """Seconds of the searches that ended since this was asked."""
        with self._lock:
            times, self._times = self._times, []
        return times

    def _run(self, client: HubClient, capture: bytes) -> None:
        while not self._end.is_set():
            began = time.perf_counter()
            said = client.search([Sample(Modality.FACE, Position.UNKNOWN, capture)], "border-control")
            with self._lock:
                self._times.append(time.perf_counter() - began)
                self.answers[said["answer"]] += 1


def _clients(settings: Settings, count: int) -> list[HubClient]:
    keys = [Ed25519PrivateKey.generate() for _ in range(count)]
    database = open_database(settings)
    with database.writing() as session:
        directory.add_country(session, "BIH")
        for number, key in enumerate(keys):
            directory.add_officer(session, f"BIH/officer{number}", key.public_key().public_bytes_raw())
    database.close()
    return [HubClient(settings.url, HttpSignature(key, f"BIH/officer{number}")) for number, key in enumerate(keys)]


def _until(settings: Settings, records: int, *words: str) -> list[float]:
    """Run `limen keys ...`; seconds from its start, and from its end, until so many records are in the matcher."""
    environment = os.environ | {"LIMEN_DATA": str(settings.data)}
    began = time.monotonic()
    command = [sys.executable, "-m", "limen", "keys", *words, "--passphrase-file", str(settings.data / "passphrase")]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    ended = time.monotonic()
    load.wait(settings, records, lambda *_: None)
    now = time.monotonic()
    return [round(now - began, 2), round(now - ended, 2)]


if __name__ == "__main__":
    main()
