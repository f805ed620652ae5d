"""The feed's socket: changes of the gallery from the front, each connection with a thread of its own.

A whole gallery passes here at every start, so there is no asyncio on its way: a batch is received where the one before
it stood, and opened there (decision 0600).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

import structlog

from limen.errors import BadMessage, LimenError, NotAllowed, Unavailable
from limen.matcher.heap import keep_no_blocks
from limen.matcher.holding import Holding
from limen.vault.sealmany import Room
from limen.wire import send
from limen.wire.bulk import Inlet
from limen.wire.frame import Message
from limen.wire.messages import Failed, GalleryAgain, GalleryBatch, GalleryMark, GalleryReset, StatusAsk
from limen.wire.sockets import check_peer

FROM_FEED: tuple[type[Message], ...] = (GalleryBatch, GalleryReset, GalleryAgain, GalleryMark, StatusAsk)

_ENDS = "The matcher ends."
RETRY_SECONDS = 0.2  # until a connection is taken again, when none could be

log = structlog.get_logger("matcher")
T = TypeVar("T")


class Feeding:
    """Serves connections of the front, from threads, for the loop in which the gallery lives."""

    def __init__(self, holding: Holding, loop: asyncio.AbstractEventLoop) -> None:
        self._holding, self._loop = holding, loop

    def serve(self, listener: socket.socket) -> None:
        """Take connections from now on, until the process ends."""
        threading.Thread(target=self._accept, args=(listener,), name="feeds", daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError as error:  # no more descriptors: without a feed nothing would ever be ruled out again
                log.warning("no feed is taken now", why=error.strerror)
                time.sleep(RETRY_SECONDS)
                continue
            threading.Thread(target=self._talk, args=(line,), name="feed", daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        keep_no_blocks()
        with line:
            try:
                check_peer(line, "front")
                inlet, rooms = Inlet(line), itertools.cycle((Room(), Room()))  # one is put while the other is filled
                first = inlet.receive(*FROM_FEED)  # who only connects and says nothing feeds nobody
                self._in_loop(self._holding.begin(line))
                self._take(first, line, next(rooms))
                while True:
                    self._take(inlet.receive(*FROM_FEED), line, next(rooms))
            except (BadMessage, NotAllowed) as error:  # a peer that breaks the protocol is cut off
                log.warning("a peer was cut off", socket="matcher-feed", why=error.code)
                with contextlib.suppress(LimenError, OSError):
                    send(line, Failed.of(error))
            except (Unavailable, OSError):
                pass
            finally:
                with contextlib.suppress(Unavailable):
                    self._in_loop(self._holding.lose(line))

    def _take(self, message: Message, line: socket.socket, room: Room) -> None:
        match message:
            case GalleryBatch():
                opened = self._holding.open(message, room)
                self._in_loop(self._holding.change(opened, message.count, line))
            case GalleryAgain():
                self._in_loop(self._holding.fed_again(message, line))
            case GalleryReset():
                self._in_loop(self._holding.reset(line))
            case GalleryMark():
                self._in_loop(self._holding.mark(message, line))
                send(line, message)
            case StatusAsk():
                send(line, self._in_loop(self._holding.status()))

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of it; `Unavailable` if the process ends."""
        try:
            doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop is closed
            work.close()
            raise Unavailable(_ENDS) from None
        try:
            return doing.result()
        except CancelledError:
            raise Unavailable(_ENDS) from None
