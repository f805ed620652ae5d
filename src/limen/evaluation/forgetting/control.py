"""The positive control: a worker is stopped again and again while it works, and its memory looked through."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from limen.evaluation.forgetting.scan import Scanner, children

TICK = 1.0 / os.sysconf("SC_CLK_TCK")  # seconds of processor time that the kernel counts in
STEP = 4  # ticks that a worker runs between two looks


def watch_worker(opener: int, scanner: Scanner, search: Callable[[], object]) -> set[int]:
    """Make a search, and stop the worker that does it every few hundredths of a second of its time to look into it.

    Args:
        opener: process id of the zygote.
        scanner: of what the search sends and becomes.
        search: makes the search; runs in a thread of its own.

    Returns:
        Numbers of the windows that were seen in the worker.
    """
    seen: set[int] = set()
    before = {pid: ticks(pid) for pid in children(opener)[1:]}
    thread = threading.Thread(target=search)
    thread.start()
    while thread.is_alive():
        for pid in children(opener)[1:]:
            spent = ticks(pid)
            if spent >= before.setdefault(pid, spent) + STEP:
                seen |= _look(pid, scanner)
                before[pid] = ticks(pid)
        time.sleep(0.002)
    thread.join()
    return seen


def _look(pid: int, scanner: Scanner) -> set[int]:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        try:
            return scanner.process(pid).found
        finally:
            os.kill(pid, signal.SIGCONT)
    return set()


def ticks(pid: int) -> int:
    """Processor time of a process so far; 0 if it has ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[11]) + int(words[12])
