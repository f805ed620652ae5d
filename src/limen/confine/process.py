"""Limits that a process sets for itself: no core dump, no debugger, no privileges, no swap, no more than its share."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path

# <linux/prctl.h>
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
# <asm-generic/mman.h>; ONFAULT locks pages as they come into use, without copying those shared with the parent
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4

libc = ctypes.CDLL(None, use_errno=True)


def keep_private() -> None:
    """No core dumps, and no reading of this process's memory by others of the same user (debuggers, /proc/PID/mem)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def new_privileges_never() -> None:
    """No program that this process starts gets privileges that it has not (set-user-id, file capabilities)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(parent: int) -> None:
    """Be killed as soon as the parent (the thread that forked this process) ends; end now if it is gone already."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def lock_memory() -> bool:
    """Keep all memory out of swap, now and later; False where RLIMIT_MEMLOCK forbids it."""
    return bool(libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)


def give_back_memory() -> None:
    """Return what the heap has free to the kernel: a fork then starts on fresh pages, not on copies of stale ones."""
    if hasattr(libc, "malloc_trim"):  # glibc only
        libc.malloc_trim(0)


def limit(*, more_memory: int, cpu_seconds: int, descriptors: int) -> None:
    """Set hard limits; exceeding memory fails an allocation, exceeding time kills.

    Args:
        more_memory: bytes of address space beyond what is mapped now.
        cpu_seconds: of processor time in all.
        descriptors: highest number of open descriptors.
    """
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more_memory,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _prctl(option: int, value: int) -> None:
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
