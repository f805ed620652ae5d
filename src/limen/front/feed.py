"""The gallery feeder: keeps the matcher's gallery equal to the database.

A new matcher is fed whole; one that was fed by an earlier front goes on from the last change that is in force. Then
changes follow within `POLL_SECONDS`; where a country's key has come back, its records alone are fed once more. The
matcher answers `gallery-incomplete` until a mark says `complete`.

It has a thread and a blocking socket of its own: asyncio copies what the kernel does not take at once, and a whole
gallery passes here (decision 0600).
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from limen import countries
from limen.errors import Unavailable
from limen.wire import receive, send
from limen.wire.bulk import send_pieces
from limen.wire.messages import GalleryAgain, GalleryMark, GalleryReset, Status, StatusAsk
from limen.wire.rows import Loose
from limen.wire.sockets import connect

POLL_SECONDS = 0.2
RETRY_SECONDS = 0.2
BATCH = 2048  # changes read at a time, 2.6 MB: what is done once a batch weighs little

OfCountries = Callable[[Collection[str], int, int, int], tuple[Sequence[Loose], int]]
Changes = Callable[[int, int], tuple[Sequence[Loose], int]]

log = structlog.get_logger()


class Feeder:
    """Feeds one matcher.

    Attributes:
        sent: number of the last change that was sent.
        in_force: number of the last change that the matcher said is in force.
        complete: whether the first full feed of this connection is in force.
    """

    def __init__(self, path: str, changes: Changes, of_countries: OfCountries) -> None:
        """What reads the database, in threads: as `records.feed.batches` does, and `batches_of`."""
        self._path = path
        self._changes, self._of_countries = changes, of_countries
        self._line: socket.socket | None = None
        self._ending = threading.Event()
        self._reading = ThreadPoolExecutor(1, "feed-reading")
        self.sent = 0
        self.in_force = 0
        self.complete = False

    async def run(self) -> None:
        """Feed for ever; ends only by cancellation."""
        thread = threading.Thread(target=self._run, name="feed", daemon=True)
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._ending.set()
            if (line := self._line) is not None:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)  # whatever it waits for
            await asyncio.to_thread(thread.join)
            self._reading.shutdown()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._serve()
            except Exception as error:  # whatever it was: without its feed the matcher can tell nobody anything
                if self._line is not None and not self._ending.is_set():
                    log.warning("feed-lost", error=getattr(error, "code", type(error).__name__))
            self._line, self.complete = None, False
            self._ending.wait(RETRY_SECONDS)

    def _serve(self) -> None:
        with connect(self._path, timeout=RETRY_SECONDS) as line:  # soon, so that it can end
            self._line = line
            if self._ending.is_set():  # and nobody will hang up
                return
            began = time.monotonic()
            again = self._begin(line)
            self._send_changes(line)
            send(line, GalleryMark(self.sent, 1))
            log.info("gallery-fed", change=self.sent, seconds=round(time.monotonic() - began, 3))
            echoes = select.poll()  # unlike select(), for descriptors of any number
            echoes.register(line, select.POLLIN)
            while not self._ending.is_set():
                if again is not None:
                    self._send_again(line, again)
                    again = None
                if echoes.poll(1000 * POLL_SECONDS):
                    match receive(line, GalleryMark, Status):
                        case GalleryMark(sequence):
                            self.in_force, self.complete = sequence, True
                        case Status() as again:
                            pass
                if self._send_changes(line):
                    send(line, GalleryMark(self.sent, 1))

    def _begin(self, line: socket.socket) -> Status | None:
        """Find out where to go on: after the last change that is in force, or from the start with an empty gallery.

        Returns:
            What the matcher says, if some countries' records are to be sent once more.
        """
        send(line, StatusAsk())
        status = receive(line, Status)
        if status.sequence:
            _, upto = self._changes(status.sequence, 1)
            if upto >= status.sequence:  # else the database is another one
                self.sent = status.sequence
                return status if any(status.again) else None
        send(line, GalleryReset())
        self.sent = 0
        return None

    def _send_again(self, line: socket.socket, asked: Status) -> None:
        """Send all that is in force of some countries, and changes meanwhile; the rest of the gallery stays."""
        owners, after, upper = countries.listed(asked.again) or countries.ORDER, 0, self.sent
        log.info("feeding-again", countries=len(owners))
        while after < upper:
            batches, after = self._of_countries(owners, after, upper, BATCH)
            for batch in batches:
                send_pieces(line, batch.pieces())
            if self._send_changes(line):
                send(line, GalleryMark(self.sent, 1))
        send(line, GalleryAgain(asked.round))
        send(line, GalleryMark(self.sent, 1))

    def _send_changes(self, line: socket.socket) -> bool:
        """Send all changes that there are, reading the next while some are on their way; whether there were any."""
        changed, reading = False, self._read(self.sent)
        while True:
            batches, upto = reading.result()
            if self._ending.is_set():  # no mark follows: what was sent is not all
                raise Unavailable("The front ends.")
            if upto <= self.sent:
                return changed
            changed, reading = True, self._read(upto)
            for batch in batches:
                send_pieces(line, batch.pieces())
            self.sent = upto

    def _read(self, after: int) -> Future[tuple[Sequence[Loose], int]]:
        return self._reading.submit(self._changes, after, BATCH)
