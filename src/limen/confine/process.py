"""Limits that a process sets for itself: no core dump, no debugger, no privileges, no swap, no more than its share."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path

# <linux/prctl.h>
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
# <asm-generic/mman.h>; ONFAULT locks pages as they come into use, without copying those shared with the parent
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4

# <linux/capability.h>
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITY_WORDS = 2  # of 32 bits, each with an effective, a permitted and an inheritable set
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
_CAPABILITIES = 64  # in two words
DAC_OVERRIDE, FOWNER, NET_BIND_SERVICE, IPC_LOCK = 1, 3, 10, 14

libc = ctypes.CDLL(None, use_errno=True)


def keep_private() -> None:
    """No core dumps, and no reading of this process's memory by others of the same user (debuggers, /proc/PID/mem)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def let_itself_look() -> None:
    """Undo a part of `keep_private`, in a fork that holds nothing: else only root may read its own /proc/self/pagemap.

    It still leaves no core dump.
    """
    _prctl(_PR_SET_DUMPABLE, 1)


def new_privileges_never() -> None:
    """No program that this process starts gets privileges that it has not (set-user-id, file capabilities)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def keep_capabilities(wanted: Iterable[int]) -> None:
    """Give up all of root's capabilities but these, for good; an ordinary user has none to give up.

    Holds for the calling thread and those it starts: to be called before there is a second one.
    """
    kept = sum(1 << capability for capability in wanted)
    for number in range(_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # fails for who may not, or where the kernel does not know it
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * (3 * _CAPABILITY_WORDS))()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for at in range(len(sets)):
        sets[at] &= kept >> 32 * (at // 3) & 0xFFFFFFFF if at % 3 < 2 else 0
    if libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


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
