"""The pages that a worker will touch, fetched before its capture comes.

A fork shares its zygote's memory until it writes, and maps a library's pages only when it reads them: each first touch
is a fault, some 2,000 in a search, a fifth of the time that a face takes. Which pages those are hardly changes from one
worker to the next. So the zygote has one fork rehearse and look up which pages it came to have (/proc/self/pagemap),
and every worker fetches just these while it waits: the same work, in fewer steps, and nobody waits for it.

What is fetched in vain costs its copy and nothing else; a range that is not there any more is passed over.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from limen import confine

PAGE = os.sysconf("SC_PAGE_SIZE")
JOINED = 1  # pages: ranges as near as this are fetched as one, since a call costs about as much as a page
_POPULATE_READ, _POPULATE_WRITE = (
    22,
    23,
)  # <asm-generic/mman-common.h>, Linux 5.14; older ones refuse, and fetch nothing
# /proc/PID/pagemap, as Documentation/admin-guide/mm/pagemap.rst in Linux has it
_EXCLUSIVE, _OF_FILE, _PRESENT = (np.uint64(1 << bit) for bit in (56, 61, 63))
_MAP_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r\S*p) ")  # readable and private; what is shared is not a fork's own

_libc = ctypes.CDLL(None)
_libc.madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int


def learn(rehearse: Callable[[], object]) -> np.ndarray:
    """Which pages a fork of this process touches in a rehearsal.

    Args:
        rehearse: what workers do; it is done in a fork, which then ends.

    Returns:
        int64 (n, 3): ranges of neighbouring pages, each its address, its bytes, and 1 if a worker writes it, 0 if it
        reads it from a file. Of no length where the kernel does not tell, or the rehearsal fails.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ours)
            rehearse()
            with os.fdopen(theirs, "wb") as told:
                told.write(_touched().tobytes())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as told:
        found = np.frombuffer(told.read(), np.int64).reshape(-1, 3)
    os.waitpid(pid, 0)
    return found


def fetch(ranges: np.ndarray) -> None:
    """Have these pages: own copies of those that will be written, mappings of those that will be read."""
    for start, size, written in ranges.tolist():
        _libc.madvise(start, size, _POPULATE_WRITE if written else _POPULATE_READ)


def _touched() -> np.ndarray:
    """The ranges that this process has for itself, and those that it has mapped of files; as `learn` has them."""
    found = [np.zeros((0, 3), np.int64)]
    confine.let_itself_look()
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
        for start, end, rights in _MAP_LINE.findall(Path("/proc/self/maps").read_text()):
            first, last, writable = int(start, 16), int(end, 16), "w" in rights
            entries = np.frombuffer(
                os.pread(pagemap.fileno(), (last - first) // PAGE * 8, first // PAGE * 8), np.uint64
            )
            there, of_file = (entries & _PRESENT) != 0, (entries & _OF_FILE) != 0
            own = there & ~of_file & ((entries & _EXCLUSIVE) != 0)
            runs = _runs(own if writable else there & of_file)
            rows = np.column_stack(
                (first + runs[:, 0] * PAGE, (runs[:, 1] - runs[:, 0]) * PAGE, runs[:, 0] * 0 + writable)
            )
            found.append(rows)
    return np.concatenate(found).astype(np.int64)


def _runs(pages: np.ndarray) -> np.ndarray:
    """Where runs of pages begin and end, int64 (runs, 2); pages: bool (n,)."""
    at = np.flatnonzero(pages)
    if not len(at):
        return np.zeros((0, 2), np.int64)
    breaks = np.flatnonzero(np.diff(at) > 1 + JOINED)
    return np.column_stack((at[np.r_[0, breaks + 1]], at[np.r_[breaks, len(at) - 1]] + 1))
