"""One part as the supervisor sees it: its process, its state, when to start it again."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from limen import matcher, opener
from limen.hub.users import Users
from limen.settings import Settings

#: Module of each part's `main(settings, ready)`, in the order in which they start.
PARTS = {
    "vault": "limen.vault.process",
    "opener": "limen.opener.process",
    "matcher": "limen.matcher.process",
    "front": "limen.front.process",
}
TOLD = ("vault", "matcher")  # parts that check who is who (`wire.peers`)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0  # seconds before a restart; doubles with every death in a row
STABLE_SECONDS = 60.0  # a part that lived so long starts anew with the shortest pause


@dataclass
class Part:
    """A part of the hub.

    Attributes:
        name: vault, opener, matcher or front.
        state: starting, running, waiting (to be started again), stopped.
        restarts: how often it was started again.
        since: Unix seconds when it came into this state.
        error, advice: what it said when it could not start; empty otherwise.
        given_up: what the kernel keeps from it, as `hub.profiles` says.
        program: module that is run as the part's process.
    """

    name: str
    state: str = "stopped"
    restarts: int = 0
    since: float = 0.0
    error: str = ""
    advice: str = ""
    process: subprocess.Popen[bytes] | None = None
    again: float = 0.0
    given_up: tuple[str, ...] = ()
    program: str = "limen.hub.child"
    _pause: float = FIRST_PAUSE
    _started: float = field(default=0.0, repr=False)

    @property
    def pid(self) -> int:
        """Process id, 0 while there is none."""
        return self.process.pid if self.process else 0

    def start(
        self,
        settings: Settings,
        errors: IO[bytes] | int | None,
        passphrase: bytes = b"",
        users: Users | None = None,
    ) -> None:
        """Start the process. To be called from the one thread that lives as long as the part is to live.

        Args:
            settings: of the hub.
            errors: where its log goes.
            passphrase: of the keys; told to the vault alone, on its standard input.
            users: whose process this and the others are to be; None: the supervisor's own.
        """
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", self.program, self.name, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_environment(self.name),
            start_new_session=True,  # Ctrl-C reaches the supervisor, which stops the parts in order
            user=users.uids[self.name] if users else None,
            group=users.gid if users else None,
            extra_groups=[] if users else None,
        )
        self._started = time.monotonic()
        secret = {"passphrase": passphrase.hex()} if self.name == "vault" and passphrase else {}
        who = {"users": users.uids} if users else {}
        self._tell(dataclasses.asdict(settings) | {"data": str(settings.data)} | secret | who)
        self._enter("starting")

    def tell_peers(self, pids: dict[str, int]) -> None:
        """Tell the part which process is which other part, if it wants to know."""
        if self.name in TOLD:
            self._tell(pids)

    def _tell(self, content: dict[str, Any]) -> None:
        """A line on the part's standard input; one that has just ended is heard of soon."""
        if self.process and self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.write(json.dumps(content).encode() + b"\n")
                self.process.stdin.flush()

    def heard(self, line: bytes) -> None:
        """A line of the part's standard output."""
        answer = json.loads(line)
        self.error, self.advice = answer.get("error", ""), answer.get("advice", "")
        self.given_up = tuple(answer.get("given_up", ()))
        if answer.get("ready"):
            self._enter("running")

    def ended(self, *, restart: bool) -> int:
        """The process has ended: wait for it, and decide when to start it again. Returns its exit status."""
        assert self.process is not None
        status = self.process.wait()
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process = None
        if not restart:
            self._enter("stopped")
            return status
        if time.monotonic() - self._started > STABLE_SECONDS:
            self._pause = FIRST_PAUSE
        self.again = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self.restarts += 1
        self._enter("waiting")
        return status

    def ask_to_end(self) -> None:
        """SIGTERM."""
        if self.process:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process:
            self.process.kill()

    def described(self) -> dict[str, object]:
        """What `state.json` says of it."""
        return {
            "pid": self.pid,
            "state": self.state,
            "restarts": self.restarts,
            "since": int(self.since),
            "error": self.error,
            "given_up": list(self.given_up),
        }

    def _enter(self, state: str) -> None:
        self.state, self.since = state, time.time()


def _environment(part: str) -> dict[str, str]:
    """One thread a process: workers fork, and two cores are shared by all. Parts that see probes set up their heaps.

    The front sees plain captures on their way, and claimed names, the vault what is held of a hit: what they free is
    overwritten too.
    """
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    wiped = dict.fromkeys(("matcher", "front", "vault"), matcher.ENVIRONMENT)
    own = {"opener": opener.ENVIRONMENT} | wiped
    return os.environ | threads | own.get(part, {})
