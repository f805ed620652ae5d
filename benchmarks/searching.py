"""`python -m benchmarks.searching`: what sealing and the single-use worker cost, and what a search costs the hub.

A hub of its own with an empty gallery is searched with one face over HTTP, sealed to a fresh one-time key each time.
Between the searches the same capture is decoded, extracted and decided upon in this process, with the step that every
decision waits for (`limen.matcher.steps`), so that both meet the same machine. Then several clients search at once for
a while. Processor time is that of the hub's four processes and their workers, as /proc tells it; the clients' own is
not in it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from skimage import data

from limen import images
from limen.access import directory
from limen.access.signing import HttpSignature
from limen.capture.container import Sample
from limen.client.hub import HubClient
from limen.evaluation.forgetting.served import ServedHub, served
from limen.face.extract import FaceExtractor
from limen.matcher import steps
from limen.records.database import open_database
from limen.terms import Modality, Position

TICK = os.sysconf("SC_CLK_TCK")  # of /proc/PID/stat
PARTS = ("front", "opener", "matcher", "vault")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searching", description=__doc__)
    parser.add_argument("--searches", type=int, default=40, help="one after another")
    parser.add_argument("--clients", type=int, default=4, help="at once, afterwards")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long they search at once")
    asked = parser.parse_args()
    capture = portrait()
    with tempfile.TemporaryDirectory(prefix="limen-searching-") as folder, served(Path(folder)) as hub:
        keys = [Ed25519PrivateKey.generate() for _ in range(asked.clients)]
        with open_database(hub.settings).writing() as session:
            directory.add_country(session, "BIH")
            for number, key in enumerate(keys):
                directory.add_officer(session, f"BIH/officer{number}", key.public_key().public_bytes_raw())
        clients = [
            HubClient(hub.settings.url, HttpSignature(key, f"BIH/officer{number}")) for number, key in enumerate(keys)
        ]
        found = _one_after_another(hub, clients[0], capture, asked.searches)
        found |= _at_once(hub, clients, capture, asked.seconds)
    print(json.dumps(found, indent=1))


def _one_after_another(hub: ServedHub, client: HubClient, capture: bytes, count: int) -> dict[str, object]:
    extractor = FaceExtractor()
    through, alone, step, asked = [], [], [], _Asked(client)
    for number in range(count + 5):
        if number == 5:
            asked.seconds.clear()
        began = time.perf_counter()
        _search(client, capture)
        middle = time.perf_counter()
        time.sleep(0.1)  # the hub refills its pool after the answer
        again = time.perf_counter()
        extractor.extract(images.decode(capture))
        extracted = time.perf_counter()
        time.sleep(steps.wait(1e-4))  # every search waits for its step; an empty gallery takes about so long
        if number >= 5:  # the first ones warm both up
            through.append(middle - began)
            alone.append(time.perf_counter() - again)
            step.append(time.perf_counter() - extracted)
    return {
        "through the hub, p50 ms": _ms(statistics.median(through)),
        "through the hub, p95 ms": _ms(statistics.quantiles(through, n=20)[-1]),
        "in process, p50 ms": _ms(statistics.median(alone)),
        "of it, the decision's step, p50 ms": _ms(statistics.median(step)),
        "difference of the medians, ms": _ms(statistics.median(through) - statistics.median(alone)),
        "of it, p50 ms": {name: _ms(statistics.median(times)) for name, times in asked.seconds.items()},
    }


class _Asked:
    """Times each request of a client: who the hub is, opening a search, the capture."""

    def __init__(self, client: HubClient) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._ask = client._ask
        client._ask = self._timed  # type: ignore[method-assign]

    def _timed(self, method: str, path: str, **content: Any) -> httpx.Response:
        began = time.perf_counter()
        try:
            return self._ask(method, path, **content)
        finally:
            name = {"GET": "who the hub is", "POST": "opening the search"}.get(method, "the capture, to its answer")
            self.seconds.setdefault(name, []).append(time.perf_counter() - began)


def _at_once(hub: ServedHub, clients: list[HubClient], capture: bytes, seconds: float) -> dict[str, object]:
    end, counts = time.monotonic() + seconds, [0] * len(clients)

    def run(number: int) -> None:
        while time.monotonic() < end:
            _search(clients[number], capture)
            counts[number] += 1

    before, began, own = _spent(hub), time.monotonic(), time.process_time()
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, after, searches = time.monotonic() - began, _spent(hub), sum(counts)
    own = time.process_time() - own
    cost = {name: _ms((after[name] - before[name]) / searches) for name in PARTS}
    return {
        "clients at once": len(clients),
        "searches a second": round(searches / took, 1),
        "processor time a search, ms": cost | {"all": round(sum(cost.values()), 1)},
        "the clients' own beside it, ms": _ms(own / searches),
    }


def _search(client: HubClient, capture: bytes) -> None:
    client.search([Sample(Modality.FACE, Position.UNKNOWN, capture)], "border-control")


def _spent(hub: ServedHub) -> dict[str, float]:
    """Seconds of processor time of each part, dead workers included."""
    found = {}
    for name in PARTS:
        fields = Path(f"/proc/{hub.part(name)}/stat").read_text().rpartition(") ")[2].split()
        found[name] = sum(map(int, fields[11:15])) / TICK  # utime, stime, and those of children waited for: proc(5)
    return found


def portrait() -> bytes:
    """A photo of 640 x 480."""
    out = io.BytesIO()
    Image.fromarray(data.astronaut()).resize((640, 640)).crop((0, 0, 640, 480)).save(out, "JPEG", quality=90)
    return out.getvalue()


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


if __name__ == "__main__":
    main()
