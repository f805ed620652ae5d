"""The matcher process: holds the gallery, takes probes from the opener's workers, answers the front.

It reads no image and has no network. What it knew of a probe is overwritten when the search ends; the copies that are
made on the way are overwritten as they are freed (`limen.matcher.ENVIRONMENT`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from limen import models
from limen.confine import lock_memory
from limen.countries import ORDER
from limen.errors import BadMessage, BadTemplate, Damaged, KeyUnavailable, LimenError, NotAllowed, Unavailable
from limen.face.template import FaceTemplate
from limen.matcher import ENVIRONMENT, steps
from limen.matcher.again import Again
from limen.matcher.decision import Policy
from limen.matcher.gallery import Gallery
from limen.matcher.heap import keep_no_blocks
from limen.matcher.keys import Keys
from limen.matcher.opening import known_face, open_reference
from limen.matcher.search import Outcome, Probe, identify
from limen.matcher.unsolved import leads
from limen.matcher.watch import Watch, kind_of
from limen.reasons import Reason, to_mask
from limen.ridge.template import RidgeTemplate
from limen.settings import Settings
from limen.terms import Answer, Modality, Position
from limen.vault.client import VaultClient
from limen.wire.frame import Message, read
from limen.wire.messages import (
    MAX_SAMPLES,
    Decision,
    Done,
    EvidenceAsk,
    Expect,
    Failed,
    Forget,
    GalleryMark,
    GalleryPut,
    GalleryReset,
    GalleryWithdraw,
    Noticed,
    ProbeBegin,
    ProbeTemplate,
    Status,
    StatusAsk,
    UnsolvedAsk,
    UnsolvedFound,
    Verdict,
)
from limen.wire.parts import pack_matches
from limen.wire.sockets import check_peer, listen

PROBE_SECONDS = 10.0  # a worker sends its templates in milliseconds; longer means that it hangs
EARLY_SECONDS = 10.0  # how long a probe may come before the front says that it is expected
DECISION_SECONDS = 60.0  # for which a worker may be left waiting; its own deadline is shorter
RETRY_SECONDS = 0.2  # between attempts to reach the vault
RECHECK_SECONDS = 2.0  # between questions to the vault whether each country's key still serves; 10 s are promised
MAX_EXPECTED = 4096  # searches announced at once: a bound on memory

SPEAKERS = {"matcher-probe": "opener", "matcher-front": "front"}  # which part may speak on each socket

log = structlog.get_logger("matcher")
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def main(settings: Settings, ready: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM.

    Args:
        settings: of this hub.
        ready: called once, when both sockets take requests.
    """
    if not all(os.environ.get(name) == value for name, value in ENVIRONMENT.items()):
        log.warning("freed memory is not overwritten", advice="start the matcher through the hub")
    if not lock_memory():
        log.warning("memory is not locked", advice="raise RLIMIT_MEMLOCK, or templates may reach the swap")
    keep_no_blocks()
    models.look_in(models.folder_of(settings.data))
    asyncio.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[], None] | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    matcher = Matcher(settings)
    for name, talk in (("matcher-probe", matcher.take_probe), ("matcher-front", matcher.serve_front)):
        await asyncio.start_unix_server(_handler(name, talk), sock=listen(settings.socket(name)))
    watch = asyncio.create_task(matcher.watch_keys())
    if ready is not None:
        ready()
    await stop.wait()
    watch.cancel()


@dataclass
class Expected:
    """An announced search: for whom, and where the decision goes."""

    country: str
    asker: bytes
    writer: asyncio.StreamWriter
    deadline: asyncio.TimerHandle


FROM_FRONT: tuple[type[Message], ...] = (
    Expect,
    Forget,
    GalleryPut,
    GalleryWithdraw,
    GalleryReset,
    GalleryMark,
    StatusAsk,
    EvidenceAsk,
    UnsolvedAsk,
)


class Matcher:
    """State of the process: the gallery, searches that are expected, probes that came before their announcement."""

    def __init__(self, settings: Settings) -> None:
        self._policy = Policy(settings.fpir_refer, settings.fpir_hit, face_hits=settings.face_hits)
        self._keys = Keys(lambda: VaultClient.connect(settings, "vault-matcher"))
        self._gallery = Gallery()
        self._gallery_lock = asyncio.Lock()  # a search sees the gallery as it was when it began
        self._searching = ThreadPoolExecutor(
            1, "search", initializer=keep_no_blocks
        )  # the kernels let the loop run meanwhile
        self._expected: dict[bytes, Expected] = {}
        self._early: dict[bytes, Probe] = {}
        self._verdicts: dict[bytes, asyncio.Future[Verdict | None]] = {}
        self._feeds: set[asyncio.StreamWriter] = set()
        self._watch = Watch()
        self._again = Again()
        self._sequence = self._rejected = 0
        self._complete = False
        self._tasks: set[asyncio.Task[None]] = set()

    # --- probes ---

    async def take_probe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation with a worker: ProbeBegin, its templates, Done; when it is decided, whether to hold."""
        async with asyncio.timeout(PROBE_SECONDS):
            begin = await read(reader, ProbeBegin)
            if begin.count > MAX_SAMPLES:
                raise BadMessage("A probe has too many templates.")
            probe = Probe.of([_sample(await read(reader, ProbeTemplate)) for _ in range(begin.count)])
        writer.write(Done().pack())
        await writer.drain()
        verdict = self._verdicts[begin.search] = asyncio.get_running_loop().create_future()
        try:
            if begin.search in self._expected:
                self._start(begin.search, probe)
            elif len(self._early) < MAX_EXPECTED:
                self._early[begin.search] = probe
                asyncio.get_running_loop().call_later(EARLY_SECONDS, self._forget, begin.search)
            if (word := await asyncio.wait_for(verdict, DECISION_SECONDS)) is not None:
                writer.write(word.pack())
                await writer.drain()
        finally:
            if self._verdicts.get(begin.search) is verdict:
                del self._verdicts[begin.search]

    def _start(self, search: bytes, probe: Probe) -> None:
        expected = self._expected.pop(search)
        expected.deadline.cancel()
        task = asyncio.create_task(self._search(search, probe, expected))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _search(self, search: bytes, probe: Probe, expected: Expected) -> None:
        kind = kind_of(faces=bool(probe.faces), prints=bool(probe.prints))
        noticed, began = 0, time.monotonic()
        try:
            async with self._gallery_lock:
                outcome = await asyncio.get_running_loop().run_in_executor(
                    self._searching,
                    lambda: identify(self._gallery, probe, expected.country, self._policy, complete=self._complete),
                )
            decision = _decision(search, outcome)
            self._watch.count(kind, outcome.strongest)
            noticed = self._again.count(expected.asker, outcome.nearest, outcome.strongest)
        except Exception as error:  # whatever went wrong, somebody waits for an answer
            log.error("a search failed", exc_info=error)
            mask = to_mask((Reason.GALLERY_INCOMPLETE,))
            decision = Decision(search, Answer.CANNOT_TELL.wire, 0, mask, 0, 0, 0, b"")
        finally:
            probe.wipe()
        await asyncio.sleep(steps.wait(time.monotonic() - began))
        found = decision.answer in (Answer.HIT.wire, Answer.REFER.wire)
        self._say(search, Verdict(int(found), expected.country.encode("ascii")))
        with contextlib.suppress(ConnectionError):
            expected.writer.write(decision.pack())
            if noticed:
                expected.writer.write(Noticed(expected.asker, noticed).pack())
            await expected.writer.drain()

    def _say(self, search: bytes, word: Verdict | None) -> None:
        """Tell the worker of a search whether its capture is to be held; None: nobody waits for a decision any more."""
        verdict = self._verdicts.get(search)
        if verdict is not None and not verdict.done():
            verdict.set_result(word)

    def _forget(self, search: bytes) -> None:
        if search in self._expected or search in self._early:
            self._say(search, None)
        expected, probe = self._expected.pop(search, None), self._early.pop(search, None)
        if expected is not None:
            expected.deadline.cancel()
        if probe is not None:
            probe.wipe()

    # --- the front ---

    async def serve_front(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the front: searches, gallery feed, status; until it closes."""
        try:
            while True:
                message: Message = await read(
                    reader,
                    Expect,
                    Forget,
                    GalleryPut,
                    GalleryWithdraw,
                    GalleryReset,
                    GalleryMark,
                    StatusAsk,
                    EvidenceAsk,
                    UnsolvedAsk,
                )
                await self._serve_one(message, writer)
        finally:
            if writer in self._feeds:  # from now on changes may be missed
                self._feeds.discard(writer)
                self._complete = False

    async def _serve_one(self, message: Message, writer: asyncio.StreamWriter) -> None:
        match message:
            case Expect():
                self._expect(message, writer)
            case Forget():
                self._forget(message.search)
            case StatusAsk():
                writer.write(self._status().pack())
                await writer.drain()
            case EvidenceAsk():
                writer.write(self._watch.published().pack())
                await writer.drain()
            case GalleryMark():
                self._sequence, self._complete = message.sequence, bool(message.complete)
                if self._complete:
                    self._keys.done()
                self._feeds.add(writer)  # a front that restarted goes on from the mark, without a reset
                writer.write(message.pack())
                await writer.drain()
            case GalleryPut():
                await self._put(message)
            case UnsolvedAsk():
                writer.write((await self._unsolved(GalleryPut.unpack(message.tail))).pack())
                await writer.drain()
            case GalleryWithdraw():
                async with self._gallery_lock:
                    self._gallery.withdraw(message.record, message.sample)
            case GalleryReset():
                async with self._gallery_lock:
                    self._gallery, self._rejected, self._complete = Gallery(), 0, False
                    self._sequence = 0
                self._keys.ahead = True
                self._feeds.add(writer)

    def _expect(self, message: Expect, writer: asyncio.StreamWriter) -> None:
        country = message.country.decode("ascii", "replace")
        if country not in ORDER:
            raise BadMessage("A search for an unknown country.")
        if len(self._expected) >= MAX_EXPECTED:
            raise BadMessage("Too many searches are announced.")
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(message.timeout_ms / 1000, self._forget, message.search)
        self._expected[message.search] = Expected(country, message.asker, writer, deadline)
        if (probe := self._early.pop(message.search, None)) is not None:
            self._start(message.search, probe)

    async def _put(self, message: GalleryPut) -> None:
        """Open and keep one reference. One that does not open replaces and removes what was there under its handle."""
        while True:
            try:
                reference = open_reference(message, self._keys)
            except (KeyUnavailable, Damaged, BadTemplate) as error:
                self._rejected += 1
                if (
                    message.owner.decode("ascii", "replace") not in self._keys.missing
                ):  # it is said once, by its country
                    log.warning("a reference was rejected", why=error.code)
                reference = None
            except Unavailable:  # the vault is restarting; the feed waits, so that nothing is missed
                await asyncio.sleep(RETRY_SECONDS)
                continue
            break
        async with self._gallery_lock:
            try:
                if reference is None:
                    self._gallery.withdraw(message.record, message.sample)
                else:
                    self._gallery.put(reference)
            except BadTemplate as error:
                self._rejected += 1
                log.warning("a reference was rejected", why=error.code)

    async def _unsolved(self, put: GalleryPut) -> UnsolvedFound:
        """Leads from a reference that is new; none from one that does not open."""
        try:
            reference = open_reference(put, self._keys)
            async with self._gallery_lock:
                found = await asyncio.get_running_loop().run_in_executor(
                    self._searching, lambda: leads(self._gallery, reference)
                )
        except (KeyUnavailable, Damaged, BadTemplate):  # counted and logged when it was put
            found = ()
        return UnsolvedFound(put.sample, len(found), pack_matches(list(found)))

    def _status(self) -> Status:
        gallery = self._gallery
        return Status(
            records=gallery.records,
            faces=gallery.count(Modality.FACE),
            fingers=gallery.count(Modality.FINGER),
            palms=gallery.count(Modality.PALM),
            marks=gallery.count(Modality.MARK),
            rejected=self._rejected,
            memory=gallery.memory,
            sequence=self._sequence,
        )

    # --- keys ---

    async def watch_keys(self) -> None:
        """Drop what belongs to a country that took its key back; ask for the whole feed when a key comes."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                lost, came = self._keys.recheck()
            except LimenError:  # the vault is restarting; what it handed out stays good until it says otherwise
                continue
            async with self._gallery_lock:
                dropped = sum(self._gallery.drop(country) for country in lost)
            if lost:
                log.warning("keys were taken back", countries=sorted(lost), records=dropped)
            if came:
                self._sequence = 0  # nothing to go on from
                for writer in list(self._feeds):  # the front connects again and feeds everything
                    writer.close()


def _handler(name: str, talk: Conversation) -> Conversation:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(Unavailable, ConnectionError, TimeoutError):
            try:
                check_peer(writer.get_extra_info("socket"), SPEAKERS[name])
                await talk(reader, writer)
            except (BadMessage, BadTemplate, NotAllowed) as error:  # a peer that breaks the protocol is cut off
                log.warning("a peer was cut off", socket=name, why=error.code)
                writer.write(Failed.of(error).pack())
                await writer.drain()
        writer.close()

    return serve


def _sample(message: ProbeTemplate) -> tuple[Modality, int, FaceTemplate | RidgeTemplate]:
    try:
        modality, position = Modality(message.modality), int(Position(message.position))
    except ValueError:
        raise BadTemplate("A probe's template has an unknown modality or position.") from None
    if modality is Modality.FACE:
        return modality, position, known_face(FaceTemplate.unpack(message.tail))
    return modality, position, RidgeTemplate.unpack(message.tail)


def _decision(search: bytes, outcome: Outcome) -> Decision:
    return Decision(
        search=search,
        answer=outcome.answer.wire,
        count=len(outcome.matches),
        reasons=to_mask(tuple(outcome.reasons)),
        records=outcome.records,
        samples=outcome.samples,
        micros=round(1e6 * outcome.seconds),
        tail=pack_matches(list(outcome.matches)),
    )
