"""Stands at the door of every search, and of records over HTTP: caps, usual hours, canaries, and what the matcher
noticed (`access.watch`).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.access import canaries, policy, watch
from limen.access.caps import Kind, TooMany, Usage, Who
from limen.access.policy import Policy
from limen.access.tables import Rule as RuleRow
from limen.access.watch import Rule
from limen.errors import BadInput, LimenError
from limen.matcher.again import country_of
from limen.records.database import Database
from limen.search.open import Searcher
from limen.wire.parts import Match

REFRESH_SECONDS = 5.0  # until a changed allowance or rule is in force
MAX_ASKERS = 100_000  # made-up names that are remembered: a bound on memory

T = TypeVar("T")
log = structlog.get_logger("front")


class Guard:
    """One front's guard. `run` keeps it informed; everything else works from memory."""

    def __init__(self, database: Database, *, suspends: bool = True, two_people: bool = False) -> None:
        """Nothing is read yet.

        Args:
            suspends: whether what is noticed suspends, or only raises alerts.
            two_people: whether a country's deletions beyond `caps.ALONE` a day need two people's allowance.
        """
        self._database, self._suspends, self._two_people = database, suspends, two_people
        self._usage = Usage()
        self._key = secrets.token_bytes(32)  # the matcher learns names that mean nothing elsewhere or tomorrow
        self._askers: dict[bytes, str] = {}
        self._rules: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def admit(self, searcher: Searcher, *, person: bool, device: str | None = None) -> None:
        """Count a search that is about to begin.

        Args:
            searcher: who asks.
            person: whether they sit at the pages; else a program asks in their name.
            device: name of the registered device that it comes from.

        Raises:
            TooMany: a cap is reached.
        """
        now, name = time.time(), str(searcher)
        officer: Who = (Kind.PERSON if person else Kind.OFFICER, name)
        askers = [officer, (Kind.COUNTRY, searcher.country), *([(Kind.DEVICE, device)] if device else [])]
        if not all(self._usage.cap((kind, named)).usual(now) for kind, named in askers):
            self._notice(Rule.OFF_HOURS, name)
        try:
            self._usage.spend(askers, now)
        except TooMany as error:
            if error.who[0] is not Kind.COUNTRY:  # nobody alone is to blame for a country's cap
                self._notice(Rule.BURST, error.who[1], device=error.who[0] is Kind.DEVICE)
            raise

    def records(self, searcher: Searcher, kind: Kind) -> None:
        """Count a record that is about to be read, changed or deleted over HTTP.

        Raises:
            TooMany: a cap is reached; going on suspends.
        """
        askers: list[Who] = [(kind, str(searcher))]
        if kind is Kind.DELETIONS and self._two_people:
            askers.append((Kind.BULK, searcher.country))
        try:
            self._usage.spend(askers, time.time())
        except TooMany:
            self._notice(Rule.BULK, str(searcher))
            raise

    def asker(self, searcher: Searcher) -> bytes:
        """A made-up name for the matcher, 16 bytes."""
        name = str(searcher)
        made_up = hashlib.blake2b(name.encode(), key=self._key, digest_size=16).digest()
        if len(self._askers) >= MAX_ASKERS:
            self._askers.clear()
        self._askers[made_up] = name
        return made_up

    def noticed(self, asker: bytes, count: int) -> None:
        """The matcher noticed that somebody, or a country, nearly finds the same record again and again."""
        if (name := self._askers.get(asker) or country_of(asker)) is not None:
            self._notice(Rule.SAME_TARGET, name, count=count)

    async def found(self, searcher: Searcher, matches: Sequence[Match]) -> None:
        """Look at what a search found: a canary suspends whoever found it."""

        def look() -> None:
            handles = [match.record for match in matches]
            with self._database.reading() as session:
                sung = canaries.any_of(session, handles)
            if sung:
                self._write(lambda session: watch.notice(session, Rule.CANARY, str(searcher), suspends=self._suspends))

        try:
            await asyncio.to_thread(look)
        except LimenError as error:  # the officer must hear of a hit all the same
            log.error("canary-check-failed", error=error.code)

    def foreign_device(self, name: str, *, retired: bool) -> None:
        """A good signature by a device that may not be used any more."""
        self._notice(Rule.RETIRED_DEVICE if retired else Rule.SUSPENDED_DEVICE, name, device=True)

    async def run(self) -> None:
        """Take over what administrators change, and write counts down; ends only by cancellation."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Do so once."""
        try:
            await asyncio.to_thread(self._refresh)
        except LimenError as error:
            log.warning("guard-not-refreshed", error=error.code)

    async def close(self) -> None:
        """Finish what is under way, and write the counts down."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.refresh()

    def _refresh(self) -> None:
        now = time.time()
        with self._database.reading() as session:
            self._usage.load(session, now)
            rules = {row.name: row.text for row in session.scalars(select(RuleRow))}
        if rules != self._rules:
            try:
                policy.put_in_force(Policy(rules))
            except BadInput:  # it was checked when it was set: somebody changed the database, or the release
                log.error("rules-not-in-force")
            else:
                self._rules = rules
        self._write(lambda session: self._usage.flush(session, now))

    def _notice(self, rule: Rule, name: str, *, device: bool = False, count: int | None = None) -> None:
        """In the background: nobody waits for it."""

        def noted(session: Session) -> None:
            watch.notice(session, rule, name, device=device, count=count, suspends=self._suspends)

        async def write() -> None:
            try:
                await asyncio.to_thread(self._write, noted)
            except LimenError as error:
                log.error("alert-not-written", rule=rule.value, error=error.code)

        task = asyncio.get_running_loop().create_task(write())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _write(self, work: Callable[[Session], T]) -> T:
        with self._database.writing() as session:
            return work(session)
