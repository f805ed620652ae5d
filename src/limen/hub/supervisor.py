"""The supervisor: starts the parts, notes when they are ready, restarts one that dies, stops all together."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from limen.errors import LimenError, Unavailable
from limen.hub import logs, standing, users
from limen.hub.checks import missing_protections
from limen.hub.part import PARTS, Part
from limen.settings import Settings
from limen.vault.custody import read_secret
from limen.vault.files import replace_private

START_SECONDS = 120.0  # models load in seconds; a busy machine may need many times that
STOP_SECONDS = 5.0  # from SIGTERM to SIGKILL
LARGEST_LOG = 16 << 20  # bytes; at start a longer log becomes `limen.jsonl.1`


class Hub:
    """A running hub, supervised by a thread of this process.

    with Hub(settings) as hub:
        ...  # all four parts are ready

    The parts die with this process, however it ends.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Iterable[str] = PARTS,
        *,
        log_file: BinaryIO | None = None,
        passphrase: bytes = b"",
    ) -> None:
        """Nothing starts before `start` or `with`.

        Args:
            settings: of the hub; its data folder is created.
            parts: names of the parts to run.
            log_file: where the parts' logs go; default DATA/log/limen.jsonl.
            passphrase: of the keys, where no file holds it; kept here so that the vault can be started again.
        """
        self.settings = settings
        self.parts = {name: Part(name) for name in PARTS if name in set(parts)}
        self._log_file = log_file
        self._passphrase = passphrase
        self._users: users.Users | None = None
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._lock: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by part; 0 while a part is not there."""
        return {name: part.pid for name, part in self.parts.items()}

    @property
    def healthy(self) -> bool:
        """Whether all parts are ready."""
        return all(part.state == "running" for part in self.parts.values())

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start all parts and wait until they are ready.

        Raises:
            Unavailable: another hub runs on this data folder, or a part cannot start; its own words say why. In
                production also if the machine lacks a protection.
        """
        if self.settings.production and (missing := missing_protections()):
            raise Unavailable(
                f"In production the hub needs protections that are missing: {', '.join(missing)}.",
                advice="Run `limen doctor` for what to do.",
            )
        data = self.settings.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _hold(data)
        self._users = users.of(self.settings)
        if self._users is not None:
            users.prepare(self.settings, self._users)
            if self.settings.custody == "passphrase" and self.settings.passphrase_file and not self._passphrase:
                self._passphrase = read_secret(Path(self.settings.passphrase_file), "passphrase")  # root's to read
        if self._log_file is None:
            self._log_file = _open_log(data / "log")
        self._log = logs.logger("hub", self._log_file)
        self._thread.start()
        try:
            self.wait_healthy(seconds)
            if self.settings.production:
                self._insist()
        except LimenError:
            self.stop()
            raise

    def _insist(self) -> None:
        """In production every part must stand as it should; the machine could, and it was not done."""
        parts = {name: part.described() for name, part in self.parts.items()}
        lacking = [f"{one.name}: {', '.join(one.lacking)}" for one in standing.of(self.settings, parts) if one.lacking]
        if lacking:
            raise Unavailable(
                f"In production the hub's processes must be confined, and are not: {'; '.join(lacking)}.",
                advice="Run `limen doctor` for what to do.",
            )

    def wait_healthy(self, seconds: float = START_SECONDS) -> None:
        """Wait until all parts are ready; `Unavailable` if one does not get there."""
        with self._changed:
            self._changed.wait_for(lambda: self.healthy or self._failed() is not None, timeout=seconds)
        failed = self._failed()
        if failed is not None:
            raise Unavailable(
                f"The {failed.name} process cannot start: {failed.error or 'it ended without a word.'}",
                advice=failed.advice or f"See {self.settings.data / 'log' / 'limen.jsonl'}.",
            )
        if not self.healthy:
            late = ", ".join(part.name for part in self.parts.values() if part.state != "running")
            raise Unavailable(f"The hub is not ready after {seconds:.0f} seconds: {late}.")

    def stop(self) -> None:
        """Stop all parts, the front first; returns when they are gone."""
        self._stopping.set()
        self._wake.send(b"x")
        if self._thread.is_alive():
            self._thread.join()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _failed(self) -> Part | None:
        """A part that ended before it was ever ready."""
        return next((p for p in self.parts.values() if p.state == "waiting" and (p.error or p.restarts > 2)), None)

    def _run(self) -> None:
        """The supervising thread. Parts are started here alone: they die with the thread that started them."""
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            while not self._stopping.is_set():
                self._start_due()
                for key, _ in self._selector.select(self._patience()):
                    if isinstance(key.data, Part):
                        self._heard(key.data, restart=True)
        finally:
            self._end_all()

    def _start_due(self) -> None:
        """Start what is not there and due; all but the vault wait for the vault, which they need from the first."""
        vault = self.parts.get("vault")
        for part in self.parts.values():
            first = part.state == "stopped" and (part is vault or vault is None or vault.state == "running")
            if first or (part.state == "waiting" and part.again <= time.monotonic()):
                part.start(self.settings, self._log_file, self._passphrase, self._users)
                assert part.process is not None and part.process.stdout is not None
                self._selector.register(part.process.stdout, selectors.EVENT_READ, part)
                self._introduce()
                self._note()

    def _introduce(self) -> None:
        """Tell the parts who is who now, so that nobody can speak in another's place."""
        for part in self.parts.values():
            part.tell_peers(self.pids)

    def _heard(self, part: Part, *, restart: bool) -> None:
        """A part has said a line, or has ended."""
        assert part.process is not None and part.process.stdout is not None
        pipe = part.process.stdout
        line = pipe.readline()
        if line:
            part.heard(line)
        else:
            self._selector.unregister(pipe)
            pipe.close()
            status = part.ended(restart=restart)
            if restart:
                with contextlib.suppress(OSError):  # as for `_note`
                    self._log.error("a part ended", name=part.name, status=status)
        self._note()

    def _patience(self) -> float | None:
        waits = [part.again - time.monotonic() for part in self.parts.values() if part.state == "waiting"]
        return max(0.0, min(waits)) if waits else None

    def _end_all(self) -> None:
        """Front first, vault last: nobody is left asking somebody who is gone."""
        for part in reversed(self.parts.values()):
            part.ask_to_end()
            deadline = time.monotonic() + STOP_SECONDS
            while part.process is not None:
                part_left = deadline - time.monotonic()
                if part_left <= 0:
                    part.kill()
                for key, _ in self._selector.select(max(0.05, part_left)):
                    if isinstance(key.data, Part):
                        self._heard(key.data, restart=False)
                    elif key.fileobj is self._woken:
                        self._woken.recv(64)
        self._note()

    def _note(self) -> None:
        """Write `run/state.json` for the health page and `limen doctor`, and wake who waits."""
        state = {
            "version": 1,
            "pid": os.getpid(),
            "url": self.settings.url,
            "parts": {name: part.described() for name, part in self.parts.items()},
        }
        with contextlib.suppress(OSError):  # a full disk must not end the supervision
            self.settings.run.mkdir(mode=0o700, exist_ok=True)
            replace_private(self.settings.run / "state.json", json.dumps(state, indent=1).encode())
            if self._users is not None:  # the front's health page reads it
                os.chown(self.settings.run / "state.json", 0, self._users.gid)
                (self.settings.run / "state.json").chmod(0o640)
        with self._changed:
            self._changed.notify_all()


def running(settings: Settings) -> bool:
    """Whether a hub (or temporary parts of one) runs on this data folder."""
    if not settings.data.is_dir():
        return False
    try:
        os.close(_hold(settings.data))
    except Unavailable:
        return True
    return False


def _hold(data: Path) -> int:
    lock = os.open(data / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Unavailable(
            f"A hub runs on {data} already.", advice="Use it, or stop it first; each data folder has one hub."
        ) from None
    return lock


def _open_log(folder: Path) -> BinaryIO:
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / "limen.jsonl"
    if file.exists() and file.stat().st_size > LARGEST_LOG:
        file.replace(folder / "limen.jsonl.1")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)
