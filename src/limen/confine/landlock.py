"""Landlock: this process gives up files, and (as far as the kernel is new enough) TCP and foreign processes.

https://docs.kernel.org/userspace-api/landlock.html. A worker gives up all of them; the matcher and the vault keep the
few folders that they need; the front gives up starting programs. Descriptors that are open already stay usable; that is
how a worker speaks to its few counterparts.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from limen.confine.process import libc

# <asm-generic/unistd.h>: the same numbers on all architectures
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION_FLAG = 1
#: Rights on files that each version knows: bits 0 to n - 1 (LANDLOCK_ACCESS_FS_*).
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NET_RIGHTS = 0b11  # version 4: bind and connect TCP
_SCOPES = 0b11  # version 6: abstract Unix sockets and signals outside


_READ = 0b1100  # LANDLOCK_ACCESS_FS_READ_FILE, _READ_DIR
_EXECUTE = 0b1  # LANDLOCK_ACCESS_FS_EXECUTE
_OF_FILES = 0b100_0000_0000_0111  # what may be allowed of a file: execute, write, read, truncate
_PATH_BENEATH = 1  # LANDLOCK_RULE_PATH_BENEATH
_ADD_RULE = 445


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def version() -> int:
    """ABI version of the running kernel; 0 where Landlock is not built in or not enabled."""
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)))


def deny_all() -> bool:
    """Give up all files for good; False where the kernel has no Landlock. Needs `new_privileges_never` before."""
    return allow_only()


def allow_only(read: Iterable[Path] = (), write: Iterable[Path] = ()) -> bool:
    """Give up all files but those below some folders, TCP, abstract sockets and signals to others, for good.

    Args:
        read: may be read; one that is not there is left out.
        write: may be read and written, and files and sockets made and removed there.

    Returns:
        False where the kernel has no Landlock. Needs `new_privileges_never` before.
    """
    known = version()
    if not known:
        return False
    every = (1 << _FILE_RIGHTS[min(known, max(_FILE_RIGHTS))]) - 1
    rules = _Ruleset(files=every)
    size = 8
    if known >= 4:
        rules.net, size = _NET_RIGHTS, 16
    if known >= 6:
        rules.scoped, size = _SCOPES, 24
    with _ruleset(rules, size) as ruleset:
        for folders, rights in ((read, _READ), (write, every & ~_EXECUTE)):
            for folder in folders:
                _allow(ruleset, folder, rights)
    return True


def deny_programs() -> bool:
    """Give up starting programs, for good; False where the kernel has no Landlock."""
    if not version():
        return False
    with _ruleset(_Ruleset(files=_EXECUTE), 8):
        pass
    return True


@contextmanager
def _ruleset(rules: _Ruleset, size: int) -> Iterator[int]:
    """A ruleset to be added to; in force when the block ends."""
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock refused the ruleset")
    try:
        yield ruleset
        if libc.syscall(_RESTRICT_SELF, ruleset, 0):
            raise OSError(ctypes.get_errno(), "Landlock refused to restrict")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, folder: Path, rights: int) -> None:
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = _Beneath(rights if directory else rights & _OF_FILES, descriptor)
        if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0):
            raise OSError(ctypes.get_errno(), "Landlock refused a rule")
    finally:
        os.close(descriptor)
