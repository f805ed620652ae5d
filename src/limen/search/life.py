"""The life of a probe on one screen."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import structlog

from limen.errors import BadInput, LimenError, NotAllowed, Unavailable
from limen.hits.keep import Asked, Capture
from limen.hits.view import RecordView
from limen.reasons import Reason
from limen.search import offer, relay
from limen.search.admit import Request
from limen.search.answer import SearchAnswer, compose
from limen.search.forget import forget, release
from limen.search.identify import Matcher, decided
from limen.search.narrow import Narrow, narrowed
from limen.search.open import OpenSearch, OpenSearches, Searcher, State
from limen.settings import Settings
from limen.terms import Answer, Purpose
from limen.wire.messages import Decision, FacesSeen, Offer, Report
from limen.wire.parts import Match, unpack_matches

SHOWN_SECONDS = 600  # how long a hit's portraits may be looked at: the time it takes to compare and to call
NOT_OPENED = 3  # a report's outcome: the capture is no capture for this search
NOT_SERVED = 4  # a report's outcome: it asks for what the hub does not do
TO_MATCHER = 1  # a report's outcome: templates went to the matcher

log = structlog.get_logger()


class Hits(Protocol):
    """What follows a hit (`limen.hits`)."""

    async def follow(
        self, asked: Asked, matches: list[Match], answer: Answer, held: Capture | None = None
    ) -> list[RecordView]:
        """Keep the hit, and show the records as far as the searcher's country may see them, strongest first."""


class Receipts(Protocol):
    """Says, signed, how a search ended (`search.receipt`)."""

    async def write(self, search: OpenSearch, answer: SearchAnswer, worker_ended: bool) -> dict[str, object] | None:
        """The receipt; None if it cannot be signed now."""


class Ledger(Protocol):
    """Puts searches on record (`search.ledger`)."""

    async def admitted(self, search: bytes, searcher: Searcher, purpose: Purpose) -> None:
        """On disk before this returns; `Unavailable` if that cannot be."""

    def not_begun(self, search: bytes, purpose: Purpose) -> None: ...
    def answered(self, search: OpenSearch, answer: Answer) -> None: ...
    def forgotten(self, search: OpenSearch) -> None: ...


class Guard(Protocol):
    """Notices who asks too much (`front.guard`)."""

    def asker(self, searcher: Searcher) -> bytes:
        """A made-up name for the matcher to count by, 16 bytes."""

    async def found(self, searcher: Searcher, matches: list[Match]) -> None:
        """Look at what a search found."""


class Searches:
    """Every search that passes through this front."""

    def __init__(
        self,
        settings: Settings,
        matcher: Matcher,
        hits: Hits,
        receipts: Receipts,
        ledger: Ledger | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._settings = settings
        self._matcher = matcher
        self._hits = hits
        self._receipts = receipts
        self._ledger = ledger
        self._guard = guard
        self.open = OpenSearches()

    async def begin(self, searcher: Searcher, request: Request) -> OpenSearch:
        """Open an admitted search: take a worker, and hand out the worker's offer.

        Raises:
            Refused: one too many of this officer.
            Unavailable: opener, matcher or vault cannot serve now, or the search cannot be put on record (`no-ledger`);
                nothing was captured yet.
        """
        self.open.room_for(searcher)
        if not self._matcher.up:
            raise Unavailable(
                "No search can be made just now.", advice="Try again in a few seconds.", code="no-matcher"
            )
        search_id = offer.search_id()
        worker, offered = await self._admitted(search_id, searcher, request.purpose)
        search = OpenSearch(offered.search, searcher, request.purpose, request.claim, offered, worker)
        self.open.add(search, offered.expires - time.time(), self._forget)
        return search

    async def _admitted(self, search: bytes, searcher: Searcher, purpose: Purpose) -> tuple[offer.Worker, Offer]:
        """A worker and its offer, while the search is put on record; neither is of use without the other."""
        socket, seconds = self._settings.socket("opener-probe"), self._settings.offer_seconds
        taking = asyncio.create_task(offer.take(socket, search, seconds))
        try:
            if self._ledger:
                await self._ledger.admitted(search, searcher, purpose)
            try:
                return await taking
            except LimenError:
                if self._ledger:
                    self._ledger.not_begun(search, purpose)
                raise
        except BaseException:  # also a caller who hung up: the worker would wait for a capture in vain
            taking.add_done_callback(_not_wanted)
            taking.cancel()
            raise

    async def run(
        self, search_id: bytes, searcher: Searcher, capture: relay.Capture, wanted: Narrow | None = None
    ) -> SearchAnswer:
        """Take the search's one capture and answer it; whatever happens, the probe is forgotten.

        Args:
            wanted: which matches were asked about; others are neither told nor kept.

        Raises:
            NotFound, Refused: no such open search of this searcher, or its capture has come already.
            BadInput: a capture that cannot be opened, is too large, too slow or empty; nothing was processed.
        """
        search = self.open.take(search_id, searcher)
        keep = False
        try:
            report, decision, missing, faces = await self._identify(search, capture)
            if decision is not None and wanted is not None:
                decision = await narrowed(decision, wanted)
            views = await self._hits_of(search, decision)
            answer = compose(
                search.id,
                report=report,
                decision=decision,
                views=views,
                claim=search.claim,
                sealed=capture.sealed,
                missing=missing,
                faces=faces,
            )
            if self._ledger:
                self._ledger.answered(search, Answer(answer.answer))
            worker_ended = await search.worker.ended()
            release(search, self._matcher)
            answer.receipt = await self._receipts.write(search, answer, worker_ended)
            keep = any(view.portrait for view in views)
            if keep:
                search.views, search.state = views, State.SHOWN
                self.open.extend(search, SHOWN_SECONDS, self._forget)
            return answer
        finally:
            if not keep:
                self._forget(search)

    def shown(self, search_id: bytes, searcher: Searcher, number: int) -> RecordView | None:
        """A matched record that this searcher may still look at; `NotFound` if the search is gone."""
        views = self.open.shown(search_id, searcher).views
        return views[number] if 0 <= number < len(views) else None

    def close(self, search_id: bytes, searcher: Searcher) -> None:
        """End a search that its searcher is done with; `NotFound` if it is gone."""
        self._forget(self.open.own(search_id, searcher))

    def finish(self, search: OpenSearch) -> None:
        """End a search, whether it is still there or not."""
        self._forget(search)

    def end(self) -> None:
        """Forget all, as the front stops."""
        for search in self.open:
            self._forget(search)

    async def _identify(
        self, search: OpenSearch, capture: relay.Capture
    ) -> tuple[Report | None, Decision | None, Reason | None, tuple[FacesSeen, ...]]:
        """Report and decision, or why one is missing; and where several faces are."""
        seconds = relay.UPLOAD_SECONDS + self._settings.worker_seconds
        asker = self._guard.asker(search.searcher) if self._guard else bytes(16)
        try:
            future = self._matcher.expect(search.id, search.searcher.country, search.purpose, seconds, asker)
        except Unavailable:
            return None, None, Reason.GALLERY_INCOMPLETE, ()
        try:
            relayed = await relay.relay(search.worker, capture, self._settings.worker_seconds)
        except relay.WorkerLate:
            log.warning("worker-late")
            return None, None, Reason.TOOK_TOO_LONG, ()
        except relay.WorkerDied:
            log.warning("worker-died")
            return None, None, Reason.DECODER_DIED, ()
        except relay.MatcherUnreached:
            return None, None, Reason.GALLERY_INCOMPLETE, ()
        report, search.head = relayed.report, relayed.head
        if report.outcome == NOT_OPENED:
            raise _not_opened(capture.form)
        if report.outcome == NOT_SERVED:
            raise NotAllowed(
                "The request has no images, or templates, references, encrypted parts or filters beside them.",
                advice="Send images, and no filter but biometricType.",
            )
        if report.outcome != TO_MATCHER:
            return report, None, None, relayed.faces
        try:
            return report, await decided(future, self._settings.worker_seconds), None, relayed.faces
        except Unavailable:
            return report, None, Reason.GALLERY_INCOMPLETE, relayed.faces

    async def _hits_of(self, search: OpenSearch, decision: Decision | None) -> list[RecordView]:
        if decision is None or Answer.from_wire(decision.answer) not in (Answer.HIT, Answer.REFER):
            return []
        matches = unpack_matches(decision.tail, decision.count)
        if self._guard:
            await self._guard.found(search.searcher, matches)
        who = search.searcher
        asked = Asked(search.id, who.country, who.officer_id, who.device_id, search.purpose)
        held = await relay.held(search.worker)
        kept = Capture(held.epoch, held.tail) if held else None
        search.held = kept is not None
        return await self._hits.follow(asked, matches, Answer.from_wire(decision.answer), kept)

    def _forget(self, search: OpenSearch) -> None:
        was_open = any(other is search for other in self.open)
        try:
            forget(search, self.open, self._matcher)
            if self._ledger and was_open:
                self._ledger.forgotten(search)
        except LimenError as error:
            log.warning("forget-failed", error=error.code)


def _not_wanted(taking: asyncio.Task[tuple[offer.Worker, Offer]]) -> None:
    """Send away the worker that was taken, if one was."""
    if not taking.cancelled() and taking.exception() is None:
        taking.result()[0].close()


def _not_opened(form: relay.Form) -> BadInput:
    if form in (relay.Form.FILE, relay.Form.SEALED_FILE):
        return BadInput(
            "The file is no ANSI/NIST-ITL file, or is damaged.",
            advice="Look into it with `limen exchange check FILE`.",
            code="bad-file",
        )
    if form in (relay.Form.OSIA, relay.Form.OSIA_VERIFY):
        return BadInput(
            "The body is not as OSIA has it, or an image in it is no base64.",
            advice="Check it against OSIA's description, version 1.6.0.",
        )
    return BadInput(
        "The capture could not be opened: it was changed on its way, or sealed for another search.",
        advice="Open a new search and capture again.",
        code="capture-does-not-open",
    )
