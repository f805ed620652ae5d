"""Seccomp: this process gives up every system call but those that its work needs.

https://docs.kernel.org/userspace-api/seccomp_filter.html. Written as classic BPF here rather than through a library:
libseccomp's Python bindings are not on the package index, its wrappers there are unmaintained, and an allow-list is
one comparison a call.

`allow_little` is for workers, which read strangers' bytes. Three kinds of calls: allowed; those that ask for files,
which fail with "permission denied" (libraries try a file now and then and go on without); and all others, which kill
the process: nothing that works properly makes them.

`allow_service` is for the long-lived parts. What is not allowed fails with "operation not permitted": tracing and
reading other processes, mounting, modules, bpf, keyrings, namespaces, userfaultfd, io_uring, starting programs. Four
kinds of calls depend on their arguments: sockets of the families that the part uses, clone for threads alone, signals
and limits for itself alone, ioctl for sockets and "are you a terminal?".
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from limen.confine import calls
from limen.confine.calls import Calls
from limen.confine.process import libc

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _MODE_FILTER = 21, 22, 2
# <linux/bpf_common.h>: load word absolute, jump if equal, if greater or equal, if any of these bits is set, return
_LOAD, _EQUAL, _GREATER_EQUAL, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_FIRST, _SECOND = 16, 24  # offsets of the lower halves of the first two arguments
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_X32 = 0x40000000  # calls of the x32 ABI carry this bit on x86-64
_THREAD = 0x00010000  # CLONE_THREAD, <linux/sched.h>

_IOCTL_WORKER = (0x5421, 0x541B)  # FIONBIO: timeouts; FIONREAD: how much there is to read
#: TCGETS, TIOCGWINSZ: are you a terminal, and how wide; FIONCLEX, FIOCLEX: closed by exec or not
_IOCTL_SERVICE = (*_IOCTL_WORKER, 0x5401, 0x5413, 0x5450, 0x5451)


@dataclass(frozen=True)
class _Machine:
    column: int
    audit: int  # AUDIT_ARCH_*, <linux/audit.h>


_MACHINES = {"x86_64": _Machine(0, 0xC000003E), "aarch64": _Machine(1, 0xC00000B7)}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def available() -> bool:
    """Whether this kernel filters calls, and this filter knows its architecture."""
    return platform.machine() in _MACHINES and libc.prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) >= 0


def allow_little() -> bool:
    """Put a worker's filter in force for good; False where there is none. Needs `new_privileges_never` before."""
    return _enforce(_worker)


def allow_service(families: Iterable[int], *, children: bool = False, devices: bool = False) -> bool:
    """Put a service's filter in force for good; False where there is none. Needs `new_privileges_never` before.

    To be called before the process has a second thread: a filter holds for the thread that sets it and those it starts.

    Args:
        families: of the sockets that it may make (AF_UNIX, AF_INET, ...).
        children: it may fork, and signal others; it starts programs no more than the rest.
        devices: it may speak to devices of any kind (ioctl), as the library of a token may have to.
    """
    return _enforce(lambda machine: _service(machine, sorted(families), children=children, devices=devices))


def _enforce(program_of: Callable[[_Machine], list[bytes]]) -> bool:
    if not available():
        return False
    code = b"".join(program_of(_MACHINES[platform.machine()]))
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp refused the filter")
    return True


def _worker(machine: _Machine) -> list[bytes]:
    refused = calls.FILES_READ | {"prlimit64": calls.PRLIMIT}
    return [
        *_start(machine),
        *_each(machine, calls.WORKER, _ALLOW),
        *_each(machine, refused, _ERRNO | errno.EACCES),
        *_only(machine, calls.IOCTL, _SECOND, _IOCTL_WORKER, _ERRNO | errno.EACCES),  # such as "are you a terminal?"
        _instruction(_RETURN, _KILL),
    ]


def _service(machine: _Machine, families: list[int], *, children: bool, devices: bool) -> list[bytes]:
    allowed = calls.WORKER | calls.FILES_READ | calls.SERVICE
    if children:
        allowed |= {"clone": calls.CLONE, "fork": calls.FORK, "kill": calls.KILL}
    if devices:
        allowed |= {"ioctl": calls.IOCTL}
    no = _ERRNO | errno.EPERM
    return [
        *_start(machine),
        *_each(machine, allowed, _ALLOW),
        *_only(machine, calls.SOCKET, _FIRST, families, _ERRNO | errno.EAFNOSUPPORT),
        *_only(machine, calls.SOCKETPAIR, _FIRST, families, _ERRNO | errno.EAFNOSUPPORT),
        *_only(machine, calls.KILL, _FIRST, (os.getpid(),), no),
        *_only(machine, calls.TGKILL, _FIRST, (os.getpid(),), no),
        *_only(machine, calls.PRLIMIT, _FIRST, (0, os.getpid()), no),
        *_only(machine, calls.IOCTL, _SECOND, _IOCTL_SERVICE, no),
        *_threads(machine, no),
        _instruction(_GREATER_EQUAL, calls.RECENT, no=1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),  # clone3 among them: its arguments cannot be looked at
        _instruction(_RETURN, no),
    ]


def _start(machine: _Machine) -> list[bytes]:
    """The right architecture and ABI, or death; then the call's number is loaded."""
    return [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, machine.audit, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
        _instruction(_GREATER_EQUAL, _X32, no=1),
        _instruction(_RETURN, _KILL),
    ]


def _each(machine: _Machine, named: Calls, action: int) -> list[bytes]:
    """The same action for each of these calls."""
    code = []
    for numbers in named.values():
        number = numbers[machine.column]
        if number is not None:
            code += [_instruction(_EQUAL, number, no=1), _instruction(_RETURN, action)]
    return code


def _only(
    machine: _Machine, call: tuple[int, int | None], argument: int, values: Iterable[int], otherwise: int
) -> list[bytes]:
    """A call that is allowed with these values of an argument alone."""
    block = [_instruction(_LOAD, argument)]
    for value in values:
        block += [_instruction(_EQUAL, value, no=1), _instruction(_RETURN, _ALLOW)]
    return _case(machine, call, [*block, _instruction(_RETURN, otherwise)])


def _threads(machine: _Machine, otherwise: int) -> list[bytes]:
    """New threads of this process, and no other processes."""
    block = [
        _instruction(_LOAD, _FIRST),
        _instruction(_BITS, _THREAD, no=1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, otherwise),
    ]
    return _case(machine, calls.CLONE, block)


def _case(machine: _Machine, call: tuple[int, int | None], block: list[bytes]) -> list[bytes]:
    """A block for one call; it ends with a return, and the number is still loaded where it is passed by."""
    number = call[machine.column]
    return [] if number is None else [_instruction(_EQUAL, number, no=len(block)), *block]


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    """struct sock_filter: code, jumps in instructions, operand."""
    return struct.pack("=HBBI", code, yes, no, operand)
