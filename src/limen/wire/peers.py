"""Which process is which part of the hub, as the supervisor says: the kernel tells who connected, this what it is.

Known only to the parts that must know (vault, matcher), from the pipe that the supervisor holds; nobody else can write
to it. Where a part runs without a supervisor, as in tests, nothing is known and every process of the user is taken.
"""

from __future__ import annotations

import json
import os
import threading

_MAX_LINE = 4096  # bytes; four names and numbers

_pids: dict[str, int] = {}
_uids: dict[str, int] = {}


def learn(pids: dict[str, int]) -> None:
    """Take over what the supervisor says: process id by part; 0 for one that is not there now."""
    _pids.clear()
    _pids.update(pids)


def know_users(uids: dict[str, int]) -> None:
    """Take over which user each part runs as; nothing where all share one."""
    _uids.clear()
    _uids.update(uids)


def uids(part: str = "") -> set[int]:
    """User ids of the parts, or of the named one; this process's own where all share one."""
    if not _uids:
        return {os.geteuid()}
    return {_uids[part]} if part else set(_uids.values())


def is_one_of(pid: int, parts: tuple[str, ...]) -> bool:
    """Whether a process is one of these parts; also true if none of them is supervised."""
    known = [_pids[part] for part in parts if part in _pids]
    return not known or pid in known


def is_part(pid: int, parts: tuple[str, ...]) -> bool:
    """Whether a process is known to be one of these parts."""
    return any(_pids.get(part) == pid for part in parts)


def learn_from(descriptor: int) -> None:
    """Learn from lines of JSON on a pipe, in a thread of its own, as long as the pipe is open."""
    threading.Thread(target=_follow, args=(descriptor,), name="peers", daemon=True).start()


def _follow(descriptor: int) -> None:
    pending = b""
    while data := os.read(descriptor, _MAX_LINE):
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            learn(json.loads(line))
