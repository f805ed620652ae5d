"""What this kernel offers, found by asking it, without changing this process."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

from limen.confine import landlock, seccomp
from limen.confine.process import libc

_CAP_IPC_LOCK, _CAP_SYS_RESOURCE = 14, 24  # <linux/capability.h>
_LEAST_LOCK = 8 << 30  # bytes: the address space of a warm worker and one capture counts, used or not
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def landlock_version() -> int:
    """Landlock's ABI version; 0 where there is none."""
    return landlock.version()


def seccomp_filters() -> bool:
    """Whether system calls can be filtered here, and the filter knows this processor."""
    return seccomp.available()


def memory_can_be_locked() -> bool:
    """Whether `lock_memory` will succeed: by capability, or by a large enough limit."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    return _capable(_CAP_IPC_LOCK) or limit == resource.RLIM_INFINITY or limit >= _LEAST_LOCK


def others_can_lock_memory() -> bool:
    """Whether processes of other users, which have no capability, will: this one must be able to lift their limit."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    return _capable(_CAP_SYS_RESOURCE) or limit == resource.RLIM_INFINITY or limit >= _LEAST_LOCK


def _capable(number: int) -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(effective >> number & 1)


def clock_is_synchronised() -> bool:
    """Whether the kernel believes so (an NTP client has told it)."""
    timex = ctypes.create_string_buffer(512)  # struct timex, with modes 0: only read
    state = libc.adjtimex(timex)
    return 0 <= state < _TIME_ERROR


def in_force() -> list[str]:
    """What a worker has given up on this machine before it sees a capture, in words for receipts."""
    offered = {
        "no files (Landlock)": bool(landlock_version()),
        "few system calls (seccomp)": seccomp_filters(),
        "memory locked": memory_can_be_locked(),
    }
    always = ["one process a capture", "no core dumps", "not traceable", "no new privileges", "time and memory limited"]
    return always + [name for name, there in offered.items() if there]
