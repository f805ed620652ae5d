"""Searches as they pass through the process: announced by the front, sent by a worker, decided, forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

import structlog

from limen.countries import ORDER
from limen.errors import BadMessage, BadTemplate
from limen.face.template import FaceTemplate
from limen.matcher import steps
from limen.matcher.again import NOBODY, Again, country_asker
from limen.matcher.decision import Policy
from limen.matcher.holding import Holding
from limen.matcher.opening import known_face
from limen.matcher.search import Outcome, Probe, identify
from limen.matcher.watch import Watch, kind_of
from limen.reasons import Reason, to_mask
from limen.ridge.template import RidgeTemplate
from limen.terms import Answer, Modality, Position
from limen.wire.frame import read
from limen.wire.messages import (
    MAX_SAMPLES,
    Decision,
    Done,
    EvidenceCounts,
    Expect,
    Noticed,
    ProbeBegin,
    ProbeTemplate,
    Verdict,
)
from limen.wire.parts import pack_matches

PROBE_SECONDS = 10.0  # a worker sends its templates in milliseconds; longer means that it hangs
EARLY_SECONDS = 10.0  # how long a probe may come before the front says that it is expected
DECISION_SECONDS = 60.0  # for which a worker may be left waiting; its own deadline is shorter
ENDING_SECONDS = 0.5  # a worker that is let go ends within a hundredth of that; the front looks itself, too
MAX_EXPECTED = 4096  # searches announced at once: a bound on memory

log = structlog.get_logger("matcher")


@dataclass
class Expected:
    """An announced search: for whom, and where the decision goes."""

    country: str
    asker: bytes
    writer: asyncio.StreamWriter
    deadline: asyncio.TimerHandle


@dataclass
class Waiting:
    """A worker that waits for its word; gone: its connection has ended, and so its memory was freed before."""

    verdict: asyncio.Future[Verdict | None]
    gone: asyncio.Event


class Probing:
    """Searches that are expected, and probes that came before their announcement."""

    def __init__(self, holding: Holding, policy: Policy) -> None:
        self._holding, self._policy = holding, policy
        self._expected: dict[bytes, Expected] = {}
        self._early: dict[bytes, Probe] = {}
        self._waiting: dict[bytes, Waiting] = {}
        self._watch = Watch()
        self._again, self._together = Again(), Again.of_countries()
        self._tasks: set[asyncio.Task[None]] = set()

    async def take_probe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One conversation with a worker: ProbeBegin, its templates, Done; when it is decided, whether to hold."""
        async with asyncio.timeout(PROBE_SECONDS):
            begin = await read(reader, ProbeBegin)
            if begin.count > MAX_SAMPLES:
                raise BadMessage("A probe has too many templates.")
            probe = Probe.of([_sample(await read(reader, ProbeTemplate)) for _ in range(begin.count)])
        writer.write(Done().pack())
        await writer.drain()
        waiting = self._waiting[begin.search] = Waiting(asyncio.get_running_loop().create_future(), asyncio.Event())
        try:
            if begin.search in self._expected:
                self._start(begin.search, probe)
            elif len(self._early) < MAX_EXPECTED:
                self._early[begin.search] = probe
                asyncio.get_running_loop().call_later(EARLY_SECONDS, self.forget, begin.search)
            if (word := await asyncio.wait_for(waiting.verdict, DECISION_SECONDS)) is not None:
                writer.write(word.pack())
                await writer.drain()
                if not word.keep:
                    await asyncio.wait_for(reader.read(1), ENDING_SECONDS)
        finally:
            waiting.gone.set()
            if self._waiting.get(begin.search) is waiting:
                del self._waiting[begin.search]

    def expect(self, message: Expect, writer: asyncio.StreamWriter) -> None:
        """A search is announced; its decision goes to this connection.

        Raises:
            BadMessage: for an unknown country, or one too many.
        """
        country = message.country.decode("ascii", "replace")
        if country not in ORDER:
            raise BadMessage("A search for an unknown country.")
        if len(self._expected) >= MAX_EXPECTED:
            raise BadMessage("Too many searches are announced.")
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(message.timeout_ms / 1000, self.forget, message.search)
        self._expected[message.search] = Expected(country, message.asker, writer, deadline)
        if (probe := self._early.pop(message.search, None)) is not None:
            self._start(message.search, probe)

    def forget(self, search: bytes) -> None:
        """Nobody waits for a search any more."""
        if search in self._expected or search in self._early:
            self._say(search, None)
        expected, probe = self._expected.pop(search, None), self._early.pop(search, None)
        if expected is not None:
            expected.deadline.cancel()
        if probe is not None:
            probe.wipe()

    def evidence(self) -> EvidenceCounts:
        """How strong the strongest candidates were (`limen.matcher.watch`)."""
        return self._watch.published()

    def _start(self, search: bytes, probe: Probe) -> None:
        expected = self._expected.pop(search)
        expected.deadline.cancel()
        task = asyncio.create_task(self._search(search, probe, expected))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _search(self, search: bytes, probe: Probe, expected: Expected) -> None:
        kind = kind_of(faces=bool(probe.faces), prints=bool(probe.prints))
        noticed, began, holding = list[Noticed](), time.monotonic(), self._holding
        try:
            async with holding.lock:
                outcome = await asyncio.get_running_loop().run_in_executor(
                    holding.searching,
                    lambda: identify(holding.gallery, probe, expected.country, self._policy, complete=holding.whole),
                )
            decision = _decision(search, outcome)
            self._watch.count(kind, outcome.strongest)
            noticed = self._count(expected, outcome)
        except Exception as error:  # whatever went wrong, somebody waits for an answer
            log.error("a search failed", exc_info=error)
            mask = to_mask((Reason.GALLERY_INCOMPLETE,))
            decision = Decision(search, Answer.CANNOT_TELL.wire, 0, mask, 0, 0, 0, b"")
        finally:
            probe.wipe()
        found = decision.answer in (Answer.HIT.wire, Answer.REFER.wire)
        word = Verdict(int(found), expected.country.encode("ascii"))
        if not found:
            await self._let_go(search, word)
        await asyncio.sleep(steps.wait(time.monotonic() - began))
        if found:
            self._say(search, word)
        with contextlib.suppress(ConnectionError):
            expected.writer.write(decision.pack())
            for one in noticed:
                expected.writer.write(one.pack())
            await expected.writer.drain()

    def _count(self, expected: Expected, outcome: Outcome) -> list[Noticed]:
        """What is to be told of who asks for the same record again and again: the asker, and their whole country."""
        if expected.asker == NOBODY:
            return []
        together = country_asker(expected.country)
        counts = (
            (expected.asker, self._again.count(expected.asker, outcome.nearest, outcome.strongest)),
            (together, self._together.count(together, outcome.nearest, outcome.strongest)),
        )
        return [Noticed(asker, count) for asker, count in counts if count]

    async def _let_go(self, search: bytes, word: Verdict) -> None:
        """Have the worker end before the decision leaves: how long that takes is then hidden in the step as well."""
        waiting = self._waiting.get(search)
        self._say(search, word)
        if waiting is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiting.gone.wait(), ENDING_SECONDS)

    def _say(self, search: bytes, word: Verdict | None) -> None:
        """Tell the worker of a search whether its capture is to be held; None: nobody waits for a decision any more."""
        waiting = self._waiting.get(search)
        if waiting is not None and not waiting.verdict.done():
            waiting.verdict.set_result(word)


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
