"""A real vault and a real opener, and a matcher that only takes templates and remembers them."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image as Pillow

from limen.errors import LimenError
from limen.hub import Hub
from limen.settings import Settings
from limen.wire import receive, send
from limen.wire.messages import Done, ProbeBegin, ProbeTemplate, Verdict
from limen.wire.sockets import listen


@dataclass
class TakingMatcher:
    """What came on matcher-probe.sock, by search."""

    server: socket.socket
    taken: dict[bytes, list[ProbeTemplate]] = field(default_factory=dict)
    to_keep: set[bytes] = field(default_factory=set)  # searches whose captures are to be held

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        with connection:
            try:
                begin = receive(connection, ProbeBegin)
                templates = [receive(connection, ProbeTemplate) for _ in range(begin.count)]
                self.taken[begin.search] = templates
                send(connection, Done())
                send(connection, Verdict(int(begin.search in self.to_keep), b"FRA"))
            except LimenError:
                return


@dataclass
class Opened:
    """The running parts."""

    settings: Settings
    hub: Hub
    matcher: TakingMatcher

    def workers(self) -> int:
        """How many workers are alive."""
        zygote = self.hub.pids["opener"]
        pids = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
        return sum(self._lives(pid) for pid in pids)

    def wait_idle(self, seconds: float = 20) -> None:
        """Wait until only the idle workers are left, and the dead are buried."""
        deadline, settled = time.monotonic() + seconds, 0
        while settled < 5:
            settled = settled + 1 if self.workers() == self.settings.workers + 1 else 0
            assert time.monotonic() < deadline, f"{self.workers()} workers are alive"
            time.sleep(0.02)

    def _lives(self, pid: str) -> bool:
        try:
            return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    settings = Settings(data=tmp_path_factory.mktemp("hub"), worker_seconds=10, offer_seconds=5, max_workers=4)
    matcher = TakingMatcher(listen(settings.socket("matcher-probe")))
    threading.Thread(target=matcher.serve, daemon=True).start()
    with Hub(settings, ["vault", "opener"]) as hub:
        yield Opened(settings, hub, matcher)
    matcher.server.close()


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """The portrait that ships with scikit-image, as JPEG."""
    from skimage import data

    out = io.BytesIO()
    Pillow.fromarray(data.astronaut()).save(out, "JPEG", quality=90)
    return out.getvalue()
