"""Seccomp: this process gives up every system call but the few that computing and talking on open sockets need.

https://docs.kernel.org/userspace-api/seccomp_filter.html. Written as classic BPF here rather than through a library:
libseccomp's Python bindings are not on the package index, its wrappers there are unmaintained, and an allow-list is
one comparison a call.

Three kinds of calls: allowed; those that ask for files, which fail with "permission denied" (libraries try a file now
and then and go on without); and all others, which kill the process: nothing that works properly makes them.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

from limen.confine.process import libc

_PR_GET_SECCOMP, _PR_SET_SECCOMP, _MODE_FILTER = 21, 22, 2
# <linux/bpf_common.h>: load word absolute, jump if equal, jump if greater or equal, return
_LOAD, _EQUAL, _GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_REQUEST = 24  # offset of the second argument's lower half: the request of ioctl
_IOCTL = (16, 29)
_IOCTL_REQUESTS = (0x5421, 0x541B)  # FIONBIO: timeouts; FIONREAD: how much there is to read
_X32 = 0x40000000  # calls of the x32 ABI carry this bit on x86-64

_Calls = dict[str, tuple[int, int | None]]

#: name: (x86-64, 64-bit ARM); None where the architecture has no such call. <asm/unistd.h>
_ALLOWED: _Calls = {
    # memory
    "brk": (12, 214), "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226),
    "madvise": (28, 233), "mincore": (27, 232),
    # open descriptors
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "close": (3, 57), "lseek": (8, 62),
    "fstat": (5, 80), "fcntl": (72, 25), "dup": (32, 23),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "recvfrom": (45, 207), "recvmsg": (47, 212), "sendto": (44, 206), "sendmsg": (46, 211), "shutdown": (48, 210),
    "getsockopt": (55, 209), "setsockopt": (54, 208), "getsockname": (51, 204), "getpeername": (52, 205),
    # time and chance
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "getrandom": (318, 278),
    # this process and its end
    "futex": (202, 98), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getpid": (39, 172),
    "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177),
    "getrusage": (98, 165), "getcpu": (309, 168), "sysinfo": (99, 179), "uname": (63, 160), "rseq": (334, 293),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "set_robust_list": (273, 99), "restart_syscall": (219, 128), "exit": (60, 93), "exit_group": (231, 94),
}  # fmt: skip
_REFUSED: _Calls = {
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "stat": (4, None), "lstat": (6, None),
    "newfstatat": (262, 79), "statx": (332, 291), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78), "getcwd": (79, 17),
    "prlimit64": (302, 261),
}  # fmt: skip


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
    """Put the filter in force for good; False where there is none. Needs `new_privileges_never` before."""
    if not available():
        return False
    code = _program(_MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp refused the filter")
    return True


def _program(machine: _Machine) -> bytes:
    """The filter: right architecture, then one comparison a call."""
    code = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, machine.audit, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
        _instruction(_GREATER_EQUAL, _X32, no=1),
        _instruction(_RETURN, _KILL),
    ]
    for calls, action in ((_ALLOWED, _ALLOW), (_REFUSED, _ERRNO | errno.EACCES)):
        for numbers in calls.values():
            number = numbers[machine.column]
            if number is not None:
                code += [_instruction(_EQUAL, number, no=1), _instruction(_RETURN, action)]
    code += [_instruction(_EQUAL, _IOCTL[machine.column], yes=1), _instruction(_RETURN, _KILL)]
    code.append(_instruction(_LOAD, _REQUEST))
    for request in _IOCTL_REQUESTS:
        code += [_instruction(_EQUAL, request, no=1), _instruction(_RETURN, _ALLOW)]
    code.append(_instruction(_RETURN, _ERRNO | errno.EACCES))  # such as "are you a terminal?"
    return b"".join(code)


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    """struct sock_filter: code, jumps in instructions, operand."""
    return struct.pack("=HBBI", code, yes, no, operand)
