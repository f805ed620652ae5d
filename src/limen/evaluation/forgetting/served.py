"""A hub under test: `limen serve` in processes of its own, so that nothing of the tester's memory is in it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from limen.client import trust
from limen.errors import Unavailable
from limen.evaluation.forgetting.scan import children
from limen.settings import Settings

START_SECONDS = 180.0  # models load in seconds; a busy machine may need many times that
STOP_SECONDS = 30.0  # from SIGTERM to SIGKILL
WORKER_SECONDS = 120  # a worker that is stopped and looked into must not be late
ASK_SECONDS = 30.0  # for one answer about its health
POLL = 0.25  # seconds; asking takes the hub processor time that it starts with
LOG = 600  # characters of the hub's last words
#: Becomes `limen ...` and is killed with the process that started it, so that no hub outlives a drill that was killed.
BOUND = (
    "import os, sys; from limen.confine import die_with_parent; die_with_parent(int(sys.argv[1])); "
    "os.execv(sys.executable, [sys.executable, '-m', 'limen', *sys.argv[2:]])"
)


class ServedHub:
    """A running hub.

    Attributes:
        settings: its own; the tester reaches its database and sockets through them.
        folder: where it keeps everything: `data`, and `tmp` for temporary files.
        environment: for commands that are to speak of this hub: nothing that is set for another one reaches them.
        authority: file of the authority that its certificate is by; None where it speaks plain HTTP.
    """

    def __init__(
        self, folder: Path, process: subprocess.Popen[bytes], settings: Settings, environment: Mapping[str, str]
    ) -> None:
        self.folder, self.settings, self._process, self.environment = folder, settings, process, environment
        self.authority = settings.data / "tls" / "ca.pem" if settings.over_tls else None

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

    def wait_healthy(self, seconds: float = START_SECONDS, *, records: int = 0) -> None:
        """Wait until all parts serve, and the whole gallery is in the matcher's memory; `Unavailable` if they do not.

        Args:
            seconds: how long.
            records: how many records the gallery must hold at least.
        """
        lacks = "it was never looked at"
        for _ in range(
            int(seconds / POLL)
        ):  # looks, not the clock: it runs on while a machine holds hub and drill still
            if self._process.poll() is not None:
                lacks = "it has ended"
                break
            if not (lacks := self._lacks(records)):
                return
            time.sleep(POLL)
        said = (self.folder / "serve.log").read_text(errors="replace").strip()[-LOG:]
        raise Unavailable(f"The hub under test is not ready: {lacks}.", advice=f"It said last: {said or 'nothing'}")

    def kill(self, name: str) -> None:
        """End a part at once, as a crash does, and wait until its process is gone."""
        pid = self.part(name)
        os.kill(pid, signal.SIGKILL)
        for _ in range(int(START_SECONDS / POLL)):
            if not _alive(pid):
                break
            time.sleep(POLL)

    def _lacks(self, records: int) -> str:
        """What is missing until all parts serve and the matcher holds all records, at least so many; else empty."""
        state = self._state()
        gone = [name for name, part in state.items() if part["state"] != "running" or not _alive(part["pid"])]
        if gone or not state:
            return f"{', '.join(gone) or 'every part'} does not run"
        verify = trust.context(self.settings.url, self.authority) if _exists(self.authority) else True
        try:
            token = (self.settings.run / "metrics.token").read_text().strip()
            with httpx.Client(base_url=self.settings.url, verify=verify, trust_env=False, timeout=ASK_SECONDS) as ask:
                if (health := ask.get("/health").json())["status"] != "ok":
                    return f"its health is {json.dumps(health)}"
                said = ask.get("/metrics", headers={"authorization": f"Bearer {token}"}).raise_for_status().text
                held = int(_gauge(said, 'limen_gallery{of="records"}'))
        except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
            return f"it does not answer ({type(error).__name__})"
        return "" if held >= records else f"the gallery holds {held} of {records} records"

    def _state(self) -> dict[str, dict[str, object]]:
        try:
            parts: dict[str, dict[str, object]] = json.loads((self.settings.run / "state.json").read_text())["parts"]
        except (OSError, ValueError, KeyError):
            return {}
        return parts


@contextmanager
def served(folder: Path, *, tls: bool = False) -> Iterator[ServedHub]:
    """A hub that keeps everything below `folder`, until the block ends, or this process, however it does.

    Args:
        folder: an empty one.
        tls: whether it speaks TLS, with a certificate by its own authority.
    """
    (folder / "tmp").mkdir()
    environment = {name: text for name, text in os.environ.items() if not name.startswith("LIMEN_")}
    environment |= {"TMPDIR": str(folder / "tmp"), "LIMEN_DATA": str(folder / "data")}
    settings = _written(folder / "data", tls)
    command = [sys.executable, "-c", BOUND, str(os.getpid()), "serve", "--data", str(settings.data)]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603
    hub = ServedHub(folder, process, settings, environment)
    try:
        hub.wait_healthy()
        yield hub
    finally:
        _stop(process)


def _written(data: Path, tls: bool) -> Settings:
    """The hub's settings, in its file, where it and all commands read them."""
    data.mkdir(mode=0o700)
    settings = Settings(
        data,
        port=_free_port(),
        tls="on" if tls else "off",
        worker_seconds=WORKER_SECONDS,
        watch="alert",  # the drill asks more than an officer does
    )
    names = ("port", "tls", "worker_seconds", "watch")
    lines = (f"{name} = {json.dumps(getattr(settings, name))}\n" for name in names)  # JSON's words are TOML's here
    (data / "limen.toml").write_text("".join(lines))
    return settings


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the hub; its parts end with the supervisor."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _gauge(text: str, name: str) -> float:
    """A value in Prometheus's text format; `ValueError` if it is not there."""
    for line in text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise ValueError(name)


def _exists(file: Path | None) -> bool:
    return file is not None and file.exists()


def _alive(pid: object) -> bool:
    """Whether a process is there and not a corpse that nobody has buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
