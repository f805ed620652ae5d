"""A hub under test: `limen serve` in processes of its own, so that nothing of the tester's memory is in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limen.errors import Unavailable
from limen.evaluation.forgetting.scan import children
from limen.settings import Settings

START_SECONDS = 180.0  # models load in seconds; a busy machine may need many times that
WORKER_SECONDS = 120  # a worker that is stopped and looked into must not be late


class ServedHub:
    """A running hub.

    Attributes:
        settings: its own; the tester reaches its database and sockets through them.
        folder: where it keeps everything: `data`, and `tmp` for temporary files.
    """

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], settings: Settings) -> None:
        self.folder, self.settings, self._process = folder, settings, process

    def part(self, name: str) -> int:
        """Process id of a part; 0 while there is none."""
        return int(str(self._state().get(name, {}).get("pid", 0)))

    @property
    def processes(self) -> dict[str, int]:
        """All processes by name: the supervisor, its parts, and the opener's workers."""
        names = {self.part(name): name for name in self._state()} | {self._process.pid: "supervisor"}
        opener = self.part("opener")
        found: dict[str, int] = {}
        for pid in children(self._process.pid):
            name = names.get(pid) or ("worker" if pid in children(opener) else "other")
            found[name if name not in found else f"{name} {pid}"] = pid
        return found

    def wait_healthy(self, seconds: float = START_SECONDS) -> None:
        """Wait until all parts are there; `Unavailable` if they do not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            state = self._state()
            if state and all(part["state"] == "running" and _alive(part["pid"]) for part in state.values()):
                return
            time.sleep(0.05)
        raise Unavailable("The hub under test does not run.", advice=f"See {self.folder / 'serve.log'}.")

    def kill(self, name: str) -> None:
        """End a part at once, as a crash does, and wait until it is there again."""
        pid = self.part(name)
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + START_SECONDS
        while self.part(name) == pid and time.monotonic() < end:
            time.sleep(0.02)
        self.wait_healthy()

    def _state(self) -> dict[str, dict[str, object]]:
        try:
            parts: dict[str, dict[str, object]] = json.loads((self.settings.run / "state.json").read_text())["parts"]
        except (OSError, ValueError, KeyError):
            return {}
        return parts


@contextmanager
def served(folder: Path) -> Iterator[ServedHub]:
    """A hub that keeps everything below `folder`, until the block ends."""
    (folder / "tmp").mkdir()
    settings = Settings(data=folder / "data", port=_free_port(), worker_seconds=WORKER_SECONDS, watch="alert")
    environment = os.environ | {
        "TMPDIR": str(folder / "tmp"),
        "LIMEN_WORKER_SECONDS": str(WORKER_SECONDS),
    }
    command = [sys.executable, "-m", "limen", "serve", "--data", str(settings.data), "--port", str(settings.port)]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603
    hub = ServedHub(folder, process, settings)
    try:
        hub.wait_healthy()
        yield hub
    finally:
        process.terminate()
        process.wait(30)


def _alive(pid: object) -> bool:
    return Path(f"/proc/{pid}").exists()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
