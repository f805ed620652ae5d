"""What a long-lived part cannot do any more, and what it still can, tried in forked children."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from limen import confine
from limen.confine import seccomp
from limen.confine.process import DAC_OVERRIDE, IPC_LOCK

from .test_confine import in_child

pytestmark = pytest.mark.skipif(not seccomp.available(), reason="this kernel has no seccomp filters")

libc = ctypes.CDLL(None, use_errno=True)


def called(result: int) -> None:
    """What a call into the C library came to, as Python says it."""
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def after(attempt: Callable[[], object], **options: bool) -> int:
    """What an attempt comes to in a process confined as a service with Unix sockets."""

    def child() -> int:
        confine.new_privileges_never()
        assert confine.allow_service({socket.AF_UNIX}, **options)
        attempt()
        return 0

    return in_child(child)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: called(libc.ptrace(16, os.getppid(), 0, 0)),  # PTRACE_ATTACH
        lambda: called(libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)),
        lambda: called(libc.process_vm_writev(os.getppid(), None, 0, None, 0, 0)),
        lambda: called(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
        lambda: called(libc.syscall(321, 0, None, 0)),  # bpf
        lambda: called(libc.syscall(323, 0)),  # userfaultfd
        lambda: called(libc.syscall(250, 0, 0, 0, 0, 0)),  # keyctl
        lambda: called(libc.syscall(246, 0, 0, None, 0)),  # kexec_load
        lambda: called(libc.syscall(313, 0, b"", 0)),  # finit_module
        lambda: called(libc.syscall(298, None, 0, -1, -1, 0)),  # perf_event_open
        lambda: called(libc.unshare(0x10000000)),  # CLONE_NEWUSER
        lambda: called(libc.setns(0, 0)),
        lambda: called(libc.chroot(b"/")),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: subprocess.run(["/bin/true"]),
        os.fork,
        lambda: os.kill(os.getppid(), 0),
        lambda: signal.pidfd_send_signal(0, 0) if hasattr(signal, "pidfd_send_signal") else os.fork(),
        lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
        lambda: os.setuid(12345),
        lambda: os.mknod("/tmp/limen-left-behind"),
        lambda: os.memfd_create("left-behind"),
    ],
    ids=[
        *("ptrace", "read-others", "write-others", "mount", "bpf", "userfaultfd", "keyctl", "kexec", "module", "perf"),
        *("unshare", "setns", "chroot", "exec", "subprocess", "fork", "kill", "pidfd-signal", "limits-of-others"),
        *("setuid", "mknod", "memfd"),
    ],
)
def test_what_a_service_never_needs_is_refused(attempt: Callable[[], object]) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers of the calls here are those of x86-64")
    assert after(attempt) in (errno.EPERM, errno.ENOSYS)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET])
def test_sockets_of_other_families_are_refused(family: int) -> None:
    assert after(lambda: socket.socket(family, socket.SOCK_RAW)) == errno.EAFNOSUPPORT


def test_what_services_do_goes_on() -> None:
    def work() -> None:
        done = []
        thread = threading.Thread(target=lambda: done.append(os.getpid()))
        thread.start()
        thread.join()
        assert done == [os.getpid()], "threads, and only threads"
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{folder}/socket")
            server.listen()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(f"{folder}/socket")
                server.accept()[0].close()
        ours, theirs = socket.socketpair()
        ours.sendall(b"ping")
        assert theirs.recv(4) == b"ping"
        signal.signal(signal.SIGTERM, lambda *_: done.append(0))
        signal.raise_signal(signal.SIGTERM)
        assert done[-1] == 0, "its own signals"

    assert after(work) == 0


def test_a_part_with_children_forks_and_ends_them_and_starts_no_program() -> None:
    def work() -> None:
        child = os.fork()
        if child == 0:
            confine.allow_little()
            signal.pause()
        os.kill(child, signal.SIGKILL)
        assert os.waitpid(child, 0)[1] in (signal.SIGKILL, signal.SIGSYS)
        with pytest.raises(PermissionError):
            subprocess.run(["/bin/true"])

    assert after(work, children=True) == 0


def test_threads_that_come_later_are_confined_as_well() -> None:
    def child() -> None:
        confine.new_privileges_never()
        confine.keep_capabilities(())
        confine.allow_service({socket.AF_UNIX})
        thread = threading.Thread(target=signal.sigwait, args=({signal.SIGTERM},), daemon=True)
        thread.start()
        for task in Path("/proc/self/task").iterdir():
            status = (task / "status").read_text()
            assert "Seccomp:\t2" in status
            assert "CapEff:\t0000000000000000" in status

    assert in_child(child) == 0


def test_root_keeps_what_it_names_and_nothing_else() -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user has no capabilities to give up")

    def child() -> None:
        confine.keep_capabilities({DAC_OVERRIDE, IPC_LOCK})
        status = Path("/proc/self/status").read_text()
        for kind in ("CapEff", "CapPrm"):
            assert f"{kind}:\t0000000000004002" in status, status
        assert "CapBnd:\t0000000000000000" in status
        os.chown("/proc/self/comm", 1, 1)

    assert in_child(child) == errno.EPERM


def test_who_has_no_capabilities_gives_none_up() -> None:
    """As every worker of an unprivileged zygote does: it must come back at once."""

    def child() -> None:
        for _ in range(2):
            confine.keep_capabilities(())
        assert "CapEff:\t0000000000000000" in Path("/proc/self/status").read_text()

    assert in_child(child) == 0
