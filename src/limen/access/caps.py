"""How much may be asked in a minute, an hour and a day: searches of an officer, a device and a country, and what one
officer reads, changes and deletes of their country's records over HTTP.

Counts are kept in the front's memory by the minute, and written down by the hour (`flush`), so that a restart does not
give the day's allowance anew. They say who asked how often, and nothing of what was asked.
"""

from __future__ import annotations

import enum
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from limen.access.tables import Allowance, Use
from limen.errors import BadInput, Refused

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Kind(enum.StrEnum):
    """What is counted: whose searches, and what an officer does with records."""

    PERSON = "person"  # an officer at the pages
    OFFICER = "officer"  # an officer's key: a program, possibly a whole post's gateway
    DEVICE = "device"
    COUNTRY = "country"
    READS = "reads"
    CHANGES = "changes"  # records put in, replaced, moved, suspended
    DELETIONS = "deletions"
    BULK = "bulk"  # a country's records deleted without a second person, where a hub asks for one

    @property
    def what(self) -> str:
        """What is counted, in words."""
        return _COUNTED.get(self, "searches")

    @property
    def whose(self) -> str:
        """Of whom."""
        return "country" if self is Kind.BULK else "officer" if self in _COUNTED else self.value


_COUNTED = {
    Kind.READS: "records read",
    Kind.CHANGES: "records changed",
    Kind.DELETIONS: "records deleted",
    Kind.BULK: "records deleted without a second person",
}
ALONE = 10  # records of a country within a day: deleting more takes two people


@dataclass(frozen=True)
class Cap:
    """At most so many; 0 is none at all. hours: of the day in UTC, from and until, in which they are usual."""

    minute: int
    hour: int
    day: int
    hours: tuple[int, int] | None = None

    def usual(self, now: float) -> bool:
        """Whether this is one of the hours in which searches are expected."""
        if self.hours is None:
            return True
        begin, end = self.hours
        hour = int(now % DAY) // HOUR
        return begin <= hour < end if begin <= end else hour >= begin or hour < end


DEFAULTS: Mapping[Kind, Cap] = {  # a person compares faces and waits for answers; a gateway may serve a whole airport
    Kind.PERSON: Cap(30, 600, 3_000),
    Kind.OFFICER: Cap(1_500, 20_000, 100_000),
    Kind.DEVICE: Cap(1_500, 20_000, 100_000),
    Kind.COUNTRY: Cap(3_000, 60_000, 1_000_000),  # the whole of INTERPOL's hub expects a million a day
    # An NCB's own system keeps up with some hundred changes a day; a first load goes by `limen records import`. Many
    # read are an export, many deleted a bulk deletion, and these take two people.
    Kind.READS: Cap(200, 500, 5_000),  # half of what the vault opens for a front in an hour: hits need the rest
    Kind.CHANGES: Cap(600, 5_000, 20_000),
    Kind.DELETIONS: Cap(200, 500, 1_000),
    Kind.BULK: Cap(ALONE, ALONE, ALONE),
}
Who = tuple[Kind, str]


class TooMany(Refused):
    """A cap is reached. Attribute `who`: whose."""

    code = "too-many-searches"

    def __init__(self, who: Who, unit: str, most: int) -> None:
        super().__init__(
            f"More than {most} {who[0].what} {unit} are not allowed for this {who[0].whose}.",
            advice="Wait, or have two people allow it: limen records withdraw, or limen access cap --of bulk."
            if who[0] is Kind.BULK
            else "Wait, or ask your National Central Bureau for a higher allowance.",
        )
        self.who = who


class Usage:
    """Counts of one front. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._caps: dict[Who, Cap] = {}
        self._minutes: defaultdict[Who, list[int]] = defaultdict(lambda: [0, 0])  # which minute, how many in it
        self._hours: defaultdict[Who, dict[int, int]] = defaultdict(dict)
        self._unwritten: defaultdict[tuple[Who, int], int] = defaultdict(int)

    def cap(self, who: Who) -> Cap:
        """What is in force for somebody."""
        return self._caps.get(who, DEFAULTS[who[0]])

    def spend(self, askers: Iterable[Who], now: float) -> None:
        """Count one for each of these, unless it is one too many for any of them: then `TooMany`."""
        minute, hour = int(now) // MINUTE, int(now) // HOUR
        askers = list(askers)
        with self._lock:
            for who in askers:
                self._check(who, minute, hour)
            for who in askers:
                self._minutes[who][1] += 1
                self._hours[who][hour] = self._hours[who].get(hour, 0) + 1
                self._unwritten[who, hour] += 1

    def _check(self, who: Who, minute: int, hour: int) -> None:
        cap = self.cap(who)
        if self._minutes[who][0] != minute:
            self._minutes[who] = [minute, 0]
        hours = self._hours[who]
        for old in [each for each in hours if each <= hour - 24]:
            del hours[old]
        if self._minutes[who][1] >= cap.minute:
            raise TooMany(who, "a minute", cap.minute)
        if hours.get(hour, 0) >= cap.hour:
            raise TooMany(who, "an hour", cap.hour)
        if sum(hours.values()) >= cap.day:
            raise TooMany(who, "a day", cap.day)

    def load(self, session: Session, now: float) -> None:
        """Take over allowances, and what was counted elsewhere: before a restart, by other fronts and by commands."""
        caps = {(Kind(row.kind), row.name): _cap(row) for row in session.scalars(select(Allowance))}
        hours = 24 if not self._hours else 2  # earlier ones change no more
        rows = session.scalars(select(Use).where(Use.hour > int(now) // HOUR - hours)).all()
        with self._lock:
            self._caps = caps
            for row in rows:
                who = (Kind(row.kind), row.name)
                self._hours[who][row.hour] = row.count + self._unwritten.get((who, row.hour), 0)

    def flush(self, session: Session, now: float) -> None:
        """Write down what was counted since the last time, and delete what is older than a day."""
        with self._lock:
            fresh, self._unwritten = self._unwritten, defaultdict(int)
        try:
            for (who, hour), count in fresh.items():
                note(session, who, count, now=hour * HOUR)
            session.execute(delete(Use).where(Use.hour <= int(now) // HOUR - 24))
            session.flush()
        except BaseException:
            with self._lock:
                for pair, count in fresh.items():
                    self._unwritten[pair] += count
            raise


def used(session: Session, who: Who, *, now: float) -> int:
    """How many were written down for somebody within the last day."""
    query = select(func.sum(Use.count)).where(Use.kind == who[0].value, Use.name == who[1])
    return session.scalar(query.where(Use.hour > int(now) // HOUR - 24)) or 0


def note(session: Session, who: Who, count: int, *, now: float) -> None:
    """Write so many down for somebody, where no front counts: a command on the hub's machine."""
    key = {"kind": who[0].value, "name": who[1], "hour": int(now) // HOUR}
    row = session.get(Use, key)
    if row is None:
        session.add(Use(**key, count=count))
    else:
        row.count += count


def allow(
    session: Session, who: Who, *, minute: int | None, hour: int | None, day: int | None, hours: str = ""
) -> None:
    """Give somebody another allowance than the default; all None and no hours: the default again.

    Raises:
        BadInput: a number is negative, or the hours are not as in `6-18`.
    """
    if any(value is not None and value < 0 for value in (minute, hour, day)):
        raise BadInput("An allowance cannot be negative.")
    parse_hours(hours)
    session.execute(delete(Allowance).where(Allowance.kind == who[0].value, Allowance.name == who[1]))
    if hours or any(value is not None for value in (minute, hour, day)):
        session.add(Allowance(kind=who[0].value, name=who[1], minute=minute, hour=hour, day=day, hours=hours))


def parse_hours(text: str) -> tuple[int, int] | None:
    """From and until, of `6-18`; None if empty."""
    if not text:
        return None
    begin, _, end = text.partition("-")
    if not (begin.isdigit() and end.isdigit() and int(begin) < 24 and int(end) <= 24):
        raise BadInput(f"'{text[:20]}' are no hours of the day.", advice="Write 6-18 (UTC).")
    return int(begin), int(end)


def _cap(row: Allowance) -> Cap:
    usual = DEFAULTS[Kind(row.kind)]
    minute, hour, day = (
        default if value is None else value
        for value, default in ((row.minute, usual.minute), (row.hour, usual.hour), (row.day, usual.day))
    )
    return Cap(minute, hour, day, parse_hours(row.hours))
