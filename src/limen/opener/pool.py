"""The zygote's workers: idle ones kept ready, busy ones watched until they are dead."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import time
from dataclasses import dataclass
from typing import NoReturn, Protocol

import structlog

from limen.opener.intake import UPLOAD_SECONDS
from limen.opener.worker import WORKING, Kind, hand_off
from limen.settings import Settings

ENROL_PATIENCE = 6  # times `worker_seconds` a sample: an import may run beside much else, and no one waits for it
MOST_SAMPLES = 100  # of a file, for a bound on the time that it may take

log = structlog.get_logger("opener")


class Life(Protocol):
    """What a forked worker does (`worker.live`)."""

    def __call__(self, control: socket.socket, kind: Kind, *, zygote: int, cpu_seconds: int) -> NoReturn: ...


@dataclass(eq=False)
class Worker:
    """A living worker, as the zygote sees it.

    Attributes:
        pid: of the process.
        kind: what it is for.
        control: the zygote's end of the socket pair.
        busy: it has its connections.
        working: its capture is complete and it works on it.
        deadline: monotonic seconds when it is killed; None while it is idle.
        late: it was killed for being late.
    """

    pid: int
    kind: Kind
    control: socket.socket
    busy: bool = False
    working: bool = False
    deadline: float | None = None
    late: bool = False


class Pool:
    """Forks, hands off, watches, kills and buries workers. Refills after answers, so as not to slow them down."""

    def __init__(self, settings: Settings, life: Life, selector: selectors.BaseSelector) -> None:
        self._settings, self._life, self._selector = settings, life, selector
        self._ready = {Kind.PROBE: max(1, settings.workers), Kind.ENROL: 1}
        self._workers: set[Worker] = set()

    def __len__(self) -> int:
        return len(self._workers)

    def fill(self) -> bool:
        """Fork one worker if idle ones are missing and nobody is working; True if more are missing still."""
        if any(worker.working for worker in self._workers):
            return False
        for kind in Kind:
            if self._idle(kind) < self._ready[kind] and len(self._workers) < self._most(kind):
                self._fork(kind)
                return True
        return False

    def take(self, kind: Kind) -> Worker | None:
        """An idle worker, forked now if there is none; None while as many as may be are alive."""
        idle = next((worker for worker in self._workers if worker.kind is kind and not worker.busy), None)
        if idle is None and len(self._workers) < self._most(kind):
            idle = self._fork(kind)
        return idle

    def start(self, worker: Worker, connections: list[socket.socket]) -> bool:
        """Give a worker its connections; False if it died in the meantime."""
        try:
            hand_off(worker.control, worker.kind, connections)
        except OSError:
            return False
        worker.busy = True
        worker.deadline = time.monotonic() + self._settings.offer_seconds + UPLOAD_SECONDS
        return True

    def heard(self, worker: Worker) -> None:
        """A worker's control socket is readable: it says that it works now, or it has died."""
        try:
            word = worker.control.recv(1)
        except ConnectionError:
            word = b""
        if word == WORKING and worker.busy and (not worker.working or worker.kind is Kind.ENROL):
            worker.working = True  # said once by a probe worker, for each sample of a file by an enrolment worker
            worker.deadline = time.monotonic() + self._patience(worker.kind)
        elif not word:
            self._bury(worker)

    def kill_late(self) -> None:
        """Kill every worker that is past its deadline; its death is heard of like any other."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.deadline is not None and worker.deadline <= now and not worker.late:
                worker.late = True
                os.kill(worker.pid, signal.SIGKILL)

    def next_deadline(self) -> float | None:
        """Seconds until the next worker is late; None if none has a deadline."""
        deadlines = [w.deadline for w in self._workers if w.deadline is not None and not w.late]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def end_idle(self) -> None:
        """Kill the workers that have nothing to do yet, so that new ones are forked."""
        for worker in [worker for worker in self._workers if not worker.busy]:
            os.kill(worker.pid, signal.SIGKILL)
            self._bury(worker)

    def end(self) -> None:
        """Kill all workers and wait until they are gone."""
        for worker in list(self._workers):
            os.kill(worker.pid, signal.SIGKILL)
            self._bury(worker)

    def _idle(self, kind: Kind) -> int:
        return sum(worker.kind is kind and not worker.busy for worker in self._workers)

    def _most(self, kind: Kind) -> int:
        """Enrolment leaves room for probes: an import must not keep officers waiting."""
        reserve = self._ready[Kind.PROBE] if kind is Kind.ENROL else 0
        return max(self._settings.max_workers - reserve, sum(w.kind is not kind for w in self._workers) + 1)

    def _patience(self, kind: Kind) -> float:
        """Seconds of the clock; the processor time that a worker may use is limited besides."""
        return self._settings.worker_seconds * (1 if kind is Kind.PROBE else ENROL_PATIENCE)

    def _cpu_seconds(self, kind: Kind) -> int:
        return self._settings.worker_seconds * (1 if kind is Kind.PROBE else MOST_SAMPLES)

    def _fork(self, kind: Kind) -> Worker:
        ours, theirs = socket.socketpair()
        zygote = os.getpid()
        gc.freeze()  # what exists now is shared by all forks; the collector would touch and thereby copy it
        pid = os.fork()
        if pid == 0:
            try:
                self._life(theirs, kind, zygote=zygote, cpu_seconds=self._cpu_seconds(kind))
            finally:
                os._exit(1)  # whatever happened: a worker never becomes a second zygote
        theirs.close()
        worker = Worker(pid, kind, ours)
        self._workers.add(worker)
        self._selector.register(ours, selectors.EVENT_READ, worker)
        return worker

    def _bury(self, worker: Worker) -> None:
        self._selector.unregister(worker.control)
        worker.control.close()
        self._workers.discard(worker)
        _, status, used = os.wait4(worker.pid, 0)
        if status and worker.busy:
            why = "late" if worker.late else f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "error"
            spent = round(used.ru_utime + used.ru_stime, 1)  # a late one that had little is the busy machine's fault
            log.warning("a worker died", kind=worker.kind.name.lower(), working=worker.working, why=why, cpu=spent)
