"""How the hub is: what the supervisor wrote last, and what the parts say when asked now."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Literal

from pydantic import BaseModel

from limen import __version__
from limen.errors import LimenError
from limen.front.parts import Parts

ASK_SECONDS = 2.0
NAMES = ("front", "opener", "matcher", "vault")


class ProcessHealth(BaseModel):
    """One of the four processes. Restarts and times are for those who are signed in."""

    state: Literal["up", "down", "starting"]
    restarts: int | None = None
    up_for: str | None = None


class GalleryHealth(BaseModel):
    """The gallery's size; never anything about single records."""

    complete: bool
    records: int
    faces: int
    fingers: int
    palms: int
    marks: int
    rejected: int


class Health(BaseModel):
    """`ok`: all work; `degraded`: searches work, or will in a moment; `down`: searches are not possible."""

    status: Literal["ok", "degraded", "down"]
    version: str = __version__
    processes: dict[str, ProcessHealth]
    gallery: GalleryHealth | None = None
    problem: str | None = None  # what keeps the hub from serving anyone, where it knows, and what to do
    without_key: list[str] | None = None  # countries that took their key back or whose token is gone: not searched


async def summary(parts: Parts, *, details: bool) -> Health:
    """The hub's health; with details for those who are signed in."""
    opener, matcher, vault = await asyncio.gather(_opener(parts), _matcher(parts), _vault(parts))
    states = {"front": True, "opener": opener, "matcher": matcher is not None, "vault": vault}
    supervised = _supervised(parts)
    processes = {name: _process(states[name], supervised.get(name, {}), details) for name in NAMES}
    clock = parts.clock.problem
    able = all(states.values()) and clock is None
    status: Literal["ok", "degraded", "down"] = "down" if not able else "ok" if parts.feeder.complete else "degraded"
    gallery = without_key = None
    if details and vault:
        with contextlib.suppress(LimenError):
            without_key = sorted(country for country, held in (await parts.vault.countries()).items() if not held)
    if details and matcher is not None:
        gallery = GalleryHealth(complete=parts.feeder.complete, **matcher)
    problem = None if clock is None else f"{clock.message} {clock.advice}"
    return Health(status=status, processes=processes, problem=problem, gallery=gallery, without_key=without_key)


async def _opener(parts: Parts) -> bool:
    """Whether somebody listens; connecting and hanging up costs no worker."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            _, writer = await asyncio.open_unix_connection(parts.settings.socket("opener-enrol"))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _matcher(parts: Parts) -> dict[str, int] | None:
    try:
        status = await parts.matcher.status()
    except LimenError:
        return None
    names = ("records", "faces", "fingers", "palms", "marks", "rejected")
    return {name: getattr(status, name) for name in names}


async def _vault(parts: Parts) -> bool:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await parts.vault.identity()
    except (LimenError, TimeoutError):
        return False
    return True


def _supervised(parts: Parts) -> dict[str, dict[str, object]]:
    """What the supervisor last wrote; empty where the front runs without one."""
    try:
        found = json.loads((parts.settings.run / "state.json").read_text())["parts"]
    except (OSError, ValueError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


def _process(up: bool, supervised: dict[str, object], details: bool) -> ProcessHealth:
    starting = not up and supervised.get("state") in ("starting", "waiting")
    state: Literal["up", "down", "starting"] = "up" if up else "starting" if starting else "down"
    if not details or not supervised:
        return ProcessHealth(state=state)
    since, restarts = supervised.get("since"), supervised.get("restarts")
    return ProcessHealth(
        state=state,
        restarts=restarts if isinstance(restarts, int) else None,
        up_for=_for_people(time.time() - since) if up and isinstance(since, int) else None,
    )


def _for_people(seconds: float) -> str:
    """A span in its two largest units: `3 h 12 min`."""
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    named = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    first = next((at for at, (count, _) in enumerate(named) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in named[first : first + 2] if count) or "0 s"
