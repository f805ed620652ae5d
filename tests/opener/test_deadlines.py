"""Many clients at once, some with captures that take far too long: no worker outlives its deadline."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from limen.errors import LimenError, Unavailable
from limen.hub import Hub
from limen.settings import Settings
from limen.terms import Modality, Position
from limen.wire.messages import PlainImage
from limen.wire.sockets import listen

from .conftest import Opened, TakingMatcher
from .test_probe import Search

#: How long the clients go on: 60 by hand; in continuous integration each sends one capture, and no clock decides.
SECONDS = float(os.environ.get("LIMEN_SOAK_SECONDS", "0"))
CLIENTS, HANGING = (16, 5) if SECONDS else (6, 2)  # at once, and how many of them send what takes too long
WORKER_SECONDS = 2 if SECONDS else 10
SLACK = 1.0  # seconds from a worker's deadline to its end; by hand, on a machine that nobody stops meanwhile


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Opened]:
    settings = Settings(data=tmp_path, worker_seconds=WORKER_SECONDS, offer_seconds=60, max_workers=CLIENTS)
    matcher = TakingMatcher(listen(settings.socket("matcher-probe")))
    threading.Thread(target=matcher.serve, daemon=True).start()
    with Hub(settings, ["vault", "opener"]) as hub:
        yield Opened(settings, hub, matcher)
    matcher.server.close()


def palm() -> bytes:
    """A full palm of whirls: two seconds of work alone on a core, more beside others."""
    y, x = np.mgrid[0:2400, 0:2500]
    stripes = (127 + 100 * np.sin(np.hypot(x - 1200, y - 1000) * (2 * np.pi / 9))).astype(np.uint8)  # 9 pixels a ridge
    out = io.BytesIO()
    Pillow.fromarray(stripes).save(out, "JPEG", quality=90, dpi=(500, 500))
    return out.getvalue()


class Clients:
    """Clients that send their captures again and again, and how long each worker lived from its capture on."""

    def __init__(self, opened: Opened, seconds: float) -> None:
        self.opened, self.end = opened, time.monotonic() + seconds
        self.lived: list[float] = []
        self.reports = self.killed = 0

    def run(self, start: PlainImage, data: bytes) -> None:
        """Send one capture at least."""
        while True:
            try:
                search = Search(self.opened, seconds=60)
            except Unavailable:  # all workers are busy: that is what the limit is for
                if time.monotonic() > self.end:
                    return
                continue
            search.pass_on(start, data)
            began = time.monotonic()
            try:
                search.report(120)
                self.reports += 1
            except LimenError:
                self.killed += 1
            search.socket.settimeout(120)
            try:
                while search.socket.recv(1024):  # until the kernel has freed the worker's memory
                    pass
            except ConnectionError:
                pass
            self.lived.append(time.monotonic() - began)
            search.socket.close()
            if time.monotonic() > self.end:
                return


def test_no_worker_outlives_its_deadline_under_load(small: Opened, portrait: bytes) -> None:
    small.wait_idle()
    opener = small.hub.pids["opener"]
    before = len(list(Path(f"/proc/{opener}/fd").iterdir()))
    clients, hanging = Clients(small, SECONDS), palm()
    threads = []
    for number in range(CLIENTS):
        face, whole = PlainImage(Modality.FACE, 0), PlainImage(Modality.PALM, Position.RIGHT_FULL_PALM)
        what = (whole, hanging) if number < HANGING else (face, portrait)
        threads.append(threading.Thread(target=clients.run, args=what, daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    small.wait_idle()
    assert CLIENTS <= len(clients.lived) == clients.reports + clients.killed
    assert small.hub.pids["opener"] == opener
    assert len(list(Path(f"/proc/{opener}/fd").iterdir())) <= before + 1
    print(f"{clients.reports} answered, {clients.killed} killed, longest life {max(clients.lived):.2f} s")
    if SECONDS:
        assert clients.reports and clients.killed
        assert max(clients.lived) <= WORKER_SECONDS + SLACK
