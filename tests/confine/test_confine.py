"""What a confined process cannot do any more, tried in forked children."""

from __future__ import annotations

import ctypes
import errno
import faulthandler
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from limen import confine
from limen.confine import landlock, probe, seccomp

needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not seccomp.available(), reason="this kernel has no seccomp filters")


def in_child(action: Callable[[], int | None]) -> int:
    """Exit status of a forked child that does this; negative: the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = action() or 0
        except OSError as error:
            status = error.errno or 98
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@needs_landlock
@pytest.mark.parametrize(
    "attempt",
    [
        lambda: os.open("/etc/passwd", os.O_RDONLY),
        lambda: os.open("/tmp/limen-left-behind", os.O_WRONLY | os.O_CREAT),
        lambda: next(Path("/").iterdir()),
        lambda: Path("/tmp/limen-left-behind").mkdir(),
        lambda: socket.socket().connect(("127.0.0.1", 1)),
    ],
    ids=["read", "write", "list", "make", "tcp"],
)
def test_landlock_bars_from_files_and_tcp(attempt: Callable[[], object]) -> None:
    def child() -> None:
        confine.new_privileges_never()
        assert confine.deny_all()
        attempt()

    assert in_child(child) == errno.EACCES
    assert not Path("/tmp/limen-left-behind").exists()


@needs_landlock
def test_open_descriptors_stay_usable() -> None:
    ours, theirs = socket.socketpair()

    def child() -> None:
        confine.new_privileges_never()
        confine.deny_all()
        confine.allow_little()
        theirs.settimeout(5)
        theirs.sendall(theirs.recv(4)[::-1])

    ours.sendall(b"ping")
    assert in_child(child) == 0
    assert ours.recv(4) == b"gnip"


def confined() -> None:
    confine.new_privileges_never()
    assert confine.allow_little()


@needs_seccomp
@pytest.mark.parametrize(
    "attempt",
    [
        lambda: os.fork(),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: socket.socket(),
        lambda: os.kill(os.getppid(), 0),
        lambda: Path("/nonexistent").unlink(),
        lambda: ctypes.CDLL(None).ptrace(0, 0, 0, 0),
        lambda: ctypes.CDLL(None).process_vm_readv(os.getppid(), None, 0, None, 0, 0),
        lambda: ctypes.CDLL(None).syscall(0x40000000 + 39),  # getpid of the x32 ABI
        lambda: os.setuid(0),
        lambda: os.memfd_create("left-behind"),
    ],
    ids=["fork", "exec", "socket", "kill", "unlink", "ptrace", "read-others", "x32", "setuid", "memfd"],
)
def test_seccomp_kills_who_asks_for_more(attempt: Callable[[], object]) -> None:
    def child() -> int:
        confined()
        attempt()
        return 97

    assert in_child(child) == -signal.SIGSYS


@needs_seccomp
def test_seccomp_refuses_files_without_killing() -> None:
    def child() -> None:
        confined()
        os.open("/etc/passwd", os.O_RDONLY)

    assert in_child(child) == errno.EACCES


@needs_seccomp
def test_computing_goes_on() -> None:
    import numpy as np

    square = np.random.default_rng(1).random((300, 300))

    def child() -> int:
        confined()
        return 0 if np.isfinite(np.sort(square, axis=0)).all() and os.urandom(4) and time.time() else 1

    assert in_child(child) == 0


def test_memory_time_and_files_have_limits() -> None:
    def much_memory() -> int:
        confine.limit(more_memory=64 << 20, cpu_seconds=5, descriptors=64)
        try:
            bytearray(128 << 20)
        except MemoryError:
            return 11
        return 0

    def much_time() -> None:
        confine.limit(more_memory=64 << 20, cpu_seconds=1, descriptors=64)
        while True:
            pass

    def a_file() -> int:
        confine.limit(more_memory=64 << 20, cpu_seconds=1, descriptors=64)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open("/tmp/limen-left-behind", "wb") as file:  # noqa: PTH123
            file.write(b"x")
        return 0

    assert in_child(much_memory) == 11
    assert in_child(much_time) == -signal.SIGKILL
    assert in_child(a_file) == errno.EFBIG
    Path("/tmp/limen-left-behind").unlink()


def test_a_private_process_dumps_no_core(tmp_path: Path) -> None:
    def child() -> None:
        os.chdir(tmp_path)
        faulthandler.disable()
        confine.keep_private()
        os.abort()

    assert in_child(child) == -signal.SIGABRT
    assert not list(tmp_path.iterdir())


def test_a_process_dies_with_its_parent() -> None:
    reading, writing = os.pipe()

    def parent() -> None:
        me = os.getpid()
        if os.fork() == 0:
            confine.die_with_parent(me)
            os.write(writing, str(os.getpid()).encode())
            time.sleep(60)
        time.sleep(0.3)

    assert in_child(parent) == 0
    pid = int(os.read(reading, 20))
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not probe.memory_can_be_locked(), reason="RLIMIT_MEMLOCK is small here")
def test_memory_can_be_locked() -> None:
    def child() -> int:
        assert confine.lock_memory()
        locked = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmLck"))
        return 0 if int(locked.split()[1]) > 1000 else 1

    assert in_child(child) == 0


@pytest.mark.parametrize(
    ("capabilities", "limit", "can"),
    [(1 << 24, 0, True), (1 << 14, 0, False), (0, probe.resource.RLIM_INFINITY, True), (0, 1 << 20, False)],
)
def test_what_other_users_may_lock_depends_on_the_limit(
    monkeypatch: pytest.MonkeyPatch, capabilities: int, limit: int, can: bool
) -> None:
    """CAP_IPC_LOCK of the one who starts them does not help them; CAP_SYS_RESOURCE lifts their limit."""
    monkeypatch.setattr(probe.resource, "getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr(probe, "_capable", lambda number: bool(capabilities >> number & 1))
    assert probe.others_can_lock_memory() is can
