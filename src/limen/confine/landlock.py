"""Landlock: this process gives up every file, and (as far as the kernel is new enough) TCP and foreign processes.

https://docs.kernel.org/userspace-api/landlock.html. A ruleset that handles all rights and allows none. Descriptors
that are open already stay usable; that is how a worker speaks to its few counterparts.
"""

from __future__ import annotations

import ctypes
import os

from limen.confine.process import libc

# <asm-generic/unistd.h>: the same numbers on all architectures
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION_FLAG = 1
#: Rights on files that each version knows: bits 0 to n - 1 (LANDLOCK_ACCESS_FS_*).
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_RIGHTS = 0b11  # version 4: bind and connect TCP
_SCOPES = 0b11  # version 6: abstract Unix sockets and signals outside


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def version() -> int:
    """ABI version of the running kernel; 0 where Landlock is not built in or not enabled."""
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)))


def deny_all() -> bool:
    """Give up all files for good; False where the kernel has no Landlock. Needs `new_privileges_never` before."""
    known = version()
    if not known:
        return False
    rules = _Ruleset(files=(1 << _FILE_RIGHTS[min(known, max(_FILE_RIGHTS))]) - 1)
    size = 8
    if known >= 4:
        rules.net, size = _NET_RIGHTS, 16
    if known >= 6:
        rules.scoped, size = _SCOPES, 24
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock refused the ruleset")
    try:
        if libc.syscall(_RESTRICT_SELF, ruleset, 0):
            raise OSError(ctypes.get_errno(), "Landlock refused to restrict")
    finally:
        os.close(ruleset)
    return True
