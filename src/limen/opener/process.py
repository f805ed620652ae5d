"""The opener process: a zygote that accepts, connects, hands over, and never reads a byte of what passes."""

from __future__ import annotations

import functools
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable

import structlog

from limen.errors import LimenError
from limen.opener import tools, worker
from limen.opener.face_models import FaceModels
from limen.opener.pool import Life, Pool, Worker
from limen.opener.worker import Kind
from limen.settings import Settings
from limen.wire import send
from limen.wire.messages import Failed
from limen.wire.sockets import check_peer, connect, listen

MOST_WAITING = 64  # connections that wait for a worker; the front gives up after ten seconds anyway
MOST_SILENT = 64  # connections whose job has not come; the oldest is dropped for a new one
REFILL_AFTER = 0.02  # seconds of quiet before an idle worker is forked
CONNECT_SECONDS = 1.0

_SILENT = object()  # marks them in the selector

log = structlog.get_logger("opener")


def main(settings: Settings, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM.

    Args:
        settings: of this hub.
        ready: called once, when the models are warm, workers idle, and both sockets take connections.

    Raises:
        NotFound, Damaged: a model in use is gone, or its file is missing or changed.
    """
    warm = tools.load(settings)
    life = functools.partial(worker.live, tools=warm)
    Zygote(settings, life, FaceModels(settings, warm)).serve(ready)


class Zygote:
    """Accepts requesters and matches them with workers."""

    def __init__(self, settings: Settings, life: Life, models: FaceModels | None = None) -> None:
        """life: what a forked worker does, `worker.live` with its tools; models: those tools' face models."""
        self._settings = settings
        self._models = models
        self._selector = selectors.DefaultSelector()
        self._pool = Pool(settings, life, self._selector)
        self._waiting: dict[Kind, deque[socket.socket]] = {kind: deque() for kind in Kind}
        self._silent: dict[socket.socket, Kind] = {}
        self._stopping = False

    def serve(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT."""
        self._watch_signals()
        while self._pool.fill():
            pass
        for kind in Kind:
            server = listen(self._settings.socket(f"opener-{kind.name.lower()}"))
            self._selector.register(server, selectors.EVENT_READ, kind)
        ready()
        try:
            refill = False
            while not self._stopping:
                events = self._selector.select(self._patience(refill))
                for key, _ in events:
                    self._heard(key)
                self._pool.kill_late()
                if self._models and self._models.changed():
                    self._pool.end_idle()  # they were forked with the models of before
                self._match()
                refill = self._pool.fill() if not events else True
        finally:
            self._pool.end()

    def _watch_signals(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._signals = (ours, theirs)
        self._selector.register(ours, selectors.EVENT_READ, None)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _patience(self, refill: bool) -> float | None:
        deadline = self._pool.next_deadline()
        if refill:
            return REFILL_AFTER if deadline is None else min(REFILL_AFTER, deadline)
        return deadline

    def _heard(self, key: selectors.SelectorKey) -> None:
        if isinstance(key.data, Kind):
            self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
        elif isinstance(key.data, Worker):
            self._pool.heard(key.data)
        elif key.data is _SILENT and key.fileobj in self._silent:  # not dropped a moment ago
            self._queue(*self._speaks(key.fileobj))
        elif key.fileobj is self._signals[0]:
            self._signals[0].recv(64)

    def _accept(self, server: socket.socket, kind: Kind) -> None:
        """A new requester stays silent until its job is there: one that only looks whether we listen costs nothing."""
        requester, _ = server.accept()
        try:
            check_peer(requester)
        except LimenError:
            requester.close()
            return
        self._silent[requester] = kind
        self._selector.register(requester, selectors.EVENT_READ, _SILENT)
        if len(self._silent) > MOST_SILENT:
            self._speaks(next(iter(self._silent)))[1].close()

    def _speaks(self, requester: socket.socket) -> tuple[Kind, socket.socket]:
        self._selector.unregister(requester)
        return self._silent.pop(requester), requester

    def _queue(self, kind: Kind, requester: socket.socket) -> None:
        """A requester has sent its job, or hung up."""
        if _hung_up(requester) or len(self._waiting[kind]) >= MOST_WAITING:
            requester.close()
        else:
            self._waiting[kind].append(requester)

    def _match(self) -> None:
        """Give every waiting requester a worker, as far as there are any."""
        for kind, waiting in self._waiting.items():
            while waiting:
                idle = self._pool.take(kind)
                if idle is None:
                    break
                with waiting.popleft() as requester:
                    self._introduce(idle, requester)

    def _introduce(self, idle: Worker, requester: socket.socket) -> None:
        """Connect for a worker, which cannot itself, and hand all connections over."""
        names = ["matcher-probe", "vault-opener"] if idle.kind is Kind.PROBE else ["vault-opener"]
        connections = [requester]
        try:
            for name in names:
                connections.append(connect(self._settings.socket(name), timeout=CONNECT_SECONDS))
            self._pool.start(idle, connections)
        except LimenError as error:
            log.warning("a part does not answer", socket=names[len(connections) - 1])
            _refuse(requester, error)
        finally:
            for connection in connections[1:]:
                connection.close()


def _refuse(requester: socket.socket, error: LimenError) -> None:
    requester.settimeout(CONNECT_SECONDS)
    try:
        send(requester, Failed.of(error))
    except LimenError:
        log.info("a requester hung up")


def _hung_up(requester: socket.socket) -> bool:
    """Whether the other end was closed; what it may have sent stays unread."""
    try:
        return requester.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
