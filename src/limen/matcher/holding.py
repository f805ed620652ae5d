"""The gallery as the process keeps it: fed by the front, opened with keys of the vault, given up with them.

A load passes through in two steps at once: while one batch of changes is put into the gallery, by native code, the next
is received and opened by the feed's own thread (`limen.matcher.feeding`). Searches take their turns between batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import structlog

from limen.countries import ORDER, bitmap
from limen.errors import LimenError, Unavailable
from limen.matcher.gallery import Gallery
from limen.matcher.heap import keep_no_blocks
from limen.matcher.keys import Keys
from limen.matcher.opening import Opened, open_batch
from limen.matcher.unsolved import leads
from limen.terms import Modality
from limen.vault.sealmany import Room
from limen.wire.messages import GalleryAgain, GalleryBatch, GalleryMark, GalleryPut, Status, UnsolvedFound
from limen.wire.parts import pack_matches

RETRY_SECONDS = 0.2  # between attempts to reach the vault
RECHECK_SECONDS = 2.0  # between questions to the vault whether each country's key still serves; 10 s are promised
FEW = 256  # changes: so few are in force before anything else is done
DROPPED_AT_ONCE = 4096  # records of a country that took its key back: searches wait for one step, 0.1 s

log = structlog.get_logger("matcher")


class Holding:
    """The gallery and how far it is fed.

    Attributes:
        gallery: to be read and changed under `lock` alone.
        lock: a search sees the gallery as it was when it began.
        searching: the thread for searches; the kernels let the loop run meanwhile.
        complete: whether all that should be there is.
    """

    def __init__(self, keys: Keys) -> None:
        self.gallery = Gallery()
        self.lock = asyncio.Lock()
        self.searching = ThreadPoolExecutor(1, "search", initializer=keep_no_blocks)
        self.complete = False
        self._loading = ThreadPoolExecutor(2, "load", initializer=keep_no_blocks)
        self._keys = keys
        self._feed: socket.socket | None = None  # who feeds: of several connections the one that began last
        self._again: set[str] = set()  # countries whose keys came back, and whose records are to be fed again
        self._owed: set[str] = set()  # those of them that the hub had lost: until they are there nothing is ruled out
        self._round = 0
        self._sequence = 0
        self._rejected: Counter[str] = Counter()  # templates that did not open or are unfit, by owner
        self._putting: asyncio.Task[None] | None = None
        self._ending = threading.Event()

    @property
    def whole(self) -> bool:
        """Whether all is there that should be searched. What a country took back should not; what only the hub cannot
        open should, and nobody is told `no-hit` without it."""
        return self.complete and not self._keys.failing and not self._owed

    def end(self) -> None:
        """Let nobody wait for the vault any more: the process ends, which waits for its threads."""
        self._ending.set()

    # --- the feed ---

    def open(self, batch: GalleryBatch, room: Room | None = None) -> Opened:
        """Open a batch (`open_batch`), in the thread of its feed.

        While the vault is restarting the feed waits, so that nothing is missed.

        Raises:
            BadMessage: it is none.
            Unavailable: the process ends.
        """
        self._keys.ahead = batch.count > FEW
        while True:
            try:
                return open_batch(batch, self._keys, room)
            except Unavailable:
                if self._ending.wait(RETRY_SECONDS):
                    raise

    async def begin(self, line: socket.socket) -> None:
        """This connection feeds from now on. Another that did is cut off: what it had on its way is older."""
        before, self._feed, self.complete = self._feed, line, False
        if before is not None:
            with contextlib.suppress(OSError):
                before.shutdown(socket.SHUT_RDWR)

    async def change(self, opened: Opened, count: int, line: socket.socket) -> None:
        """Put in what was opened of so many changes; many may be on their way when this returns (`settle`).

        Raises:
            Unavailable: another connection feeds now.
        """
        try:
            await self._settle_for(line)
        except BaseException:
            opened.room.wipe()
            raise
        self._putting = asyncio.create_task(self._put(opened))
        if count <= FEW:
            await self.settle()

    async def settle(self) -> None:
        """Wait until every change that came is in force."""
        while (putting := self._putting) is not None:
            try:
                await putting
            finally:
                if self._putting is putting:
                    self._putting = None

    async def _settle_for(self, line: socket.socket) -> None:
        await self.settle()
        if line is not self._feed:
            raise Unavailable("Another connection feeds the gallery now.")

    async def reset(self, line: socket.socket) -> None:
        """Begin anew with nothing, fed by this connection; `Unavailable` if another feeds now."""
        await self._settle_for(line)
        async with self.lock:
            self.gallery, self._rejected, self.complete, self._sequence = Gallery(), Counter(), False, 0
        self._again, self._owed = set(), set()  # all is fed now

    async def mark(self, message: GalleryMark, line: socket.socket) -> None:
        """All changes up to here were sent; return when they are in force. `Unavailable` if another feeds now."""
        await self._settle_for(line)
        self._sequence, self.complete = message.sequence, bool(message.complete)
        if self.complete:
            self._keys.done()

    async def fed_again(self, message: GalleryAgain, line: socket.socket) -> None:
        """All of this round's countries was sent; return when it is in force. `Unavailable` if another feeds now."""
        await self._settle_for(line)
        if message.round == self._round:  # else a country's key went and came again meanwhile
            self._again, self._owed = set(), set()

    async def lose(self, line: socket.socket) -> None:
        """A connection ended: if it fed, changes may be missed from now on."""
        if line is self._feed:
            self._feed, self.complete = None, False

    async def _put(self, opened: Opened) -> None:
        async with self.lock:
            try:
                await asyncio.get_running_loop().run_in_executor(self._loading, self._apply, opened)
            finally:
                opened.room.wipe()

    def _apply(self, opened: Opened) -> None:
        """Of what did not open, or whose country took its key back meanwhile, nothing stays."""
        for record, sample in opened.withdrawn:
            self.gallery.withdraw(record, sample)
        references = opened.references
        missing = [ORDER.index(country) for country in self._keys.missing if country in ORDER]
        if missing:
            gone = np.isin(references.owners, missing)
            for row in np.flatnonzero(gone).tolist():
                self.gallery.withdraw(int(references.records[row]), int(references.samples[row]))
            references = references.only(np.flatnonzero(~gone))
        went = self.gallery.put_many(references)
        unfit = Counter(ORDER[owner] for owner in references.owners[~went].tolist())
        self._rejected += unfit
        for owner, count in opened.rejected.items():
            self._rejected[owner.decode("ascii", "replace")] += count
        for why, count in (*opened.refused.items(), ("bad-template", unfit.total())):
            if count:
                log.warning("references were rejected", why=why, count=count)

    # --- questions ---

    async def unsolved(self, put: GalleryPut) -> UnsolvedFound:
        """Leads from a reference that is new; none from one that does not open."""
        loop = asyncio.get_running_loop()
        opened = await loop.run_in_executor(self._loading, self.open, GalleryBatch.of([put]))
        if not len(opened.references):  # counted and logged when it was put
            return UnsolvedFound(put.sample, 0, b"")
        reference = opened.references.one(0)
        async with self.lock:
            found = await loop.run_in_executor(self.searching, lambda: leads(self.gallery, reference))
        return UnsolvedFound(put.sample, len(found), pack_matches(list(found)))

    async def status(self) -> Status:
        """How large the gallery is, and how far it is fed."""
        async with self.lock:
            gallery = self.gallery
            return Status(
                records=gallery.records,
                faces=gallery.count(Modality.FACE),
                fingers=gallery.count(Modality.FINGER),
                palms=gallery.count(Modality.PALM),
                marks=gallery.count(Modality.MARK),
                rejected=self._rejected.total(),
                memory=gallery.memory,
                sequence=self._sequence,
                again=bitmap(self._again),
                round=self._round,
            )

    # --- keys ---

    async def _drop(self, country: str) -> int:
        """Wipe a country's records: none is found from now on, and other searches go on between the steps."""
        async with self.lock:
            self.gallery.hide(country)
        dropped, gone = 0, DROPPED_AT_ONCE
        while gone == DROPPED_AT_ONCE:
            async with self.lock:
                work = functools.partial(self.gallery.drop, country, DROPPED_AT_ONCE)
                gone = await asyncio.get_running_loop().run_in_executor(self._loading, work)
            dropped += gone
        return dropped

    async def watch_keys(self) -> None:
        """Drop what belongs to a country that took its key back; when a key comes, ask for its country's records."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                lost, came, owed = self._keys.recheck()
            except LimenError:  # the vault is restarting; what it handed out stays good until it says otherwise
                continue
            self._again, self._owed = (self._again - lost) | came, (self._owed - lost) | owed
            self._round += bool(came)
            for country in came:
                del self._rejected[country]
            for country in sorted(lost):
                log.warning("a key was taken back", country=country, records=await self._drop(country))
            if came:
                await self._tell_feed()

    async def _tell_feed(self) -> None:
        """Say what is to be fed again; who does not take it is cut off, and asks when it connects again."""
        said = (await self.status()).pack()
        if (line := self._feed) is None:
            return
        try:
            sent = line.send(said, socket.MSG_DONTWAIT)
        except OSError:
            sent = 0
        if sent < len(said):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
