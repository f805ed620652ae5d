"""A worker: one fork of the zygote, one capture, then death.

It waits on its control socket for descriptors: a probe worker for the front's connection, one to the matcher and one to
the vault; an enrolment worker for the requester's and one to the vault. It has nothing else to speak to, and by then
has given up whatever it does not need (`limen.confine`).
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from contextlib import suppress
from enum import Enum
from typing import NoReturn

from limen import confine
from limen.confine.process import IPC_LOCK
from limen.errors import LimenError
from limen.opener import enrol, pages, probe
from limen.opener.tools import Tools
from limen.vault.client import VaultClient
from limen.wire import send
from limen.wire.messages import MIB, Failed

#: Address space for one capture beyond the zygote's own: 24 megapixels in colour, float copies of a part of them, and
#: the networks' activations (`ridge.network`: below 1 GB).
MORE_MEMORY = 2048 * MIB
DESCRIPTORS = 16  # three connections, control, the standard three, and a few while they are handed over
CONTROL = 3  # descriptor of the control socket in a worker
WORKING = b"W"  # worker to zygote: the capture is complete, my time runs from now


class Kind(Enum):
    """What a worker is for; the value goes with the descriptors."""

    PROBE = b"P"
    ENROL = b"E"

    @property
    def descriptors(self) -> int:
        """How many connections it gets."""
        return 3 if self is Kind.PROBE else 2


def hand_off(control: socket.socket, kind: Kind, connections: list[socket.socket]) -> None:
    """Zygote: give a worker its connections. The caller closes its own copies."""
    socket.send_fds(control, [kind.value], [connection.fileno() for connection in connections])


def live(control: socket.socket, kind: Kind, *, tools: Tools, zygote: int, cpu_seconds: int) -> NoReturn:
    """The worker's life, from just after the fork to its end.

    Args:
        control: the worker's end of its socket pair.
        kind: what it is for.
        tools: warm, inherited.
        zygote: process id of the parent, whose death is the worker's.
        cpu_seconds: of processor time that it may use.
    """
    status = 1
    connections: list[socket.socket] = []
    try:
        _strip(control, zygote)
        pages.fetch(tools.touched)
        _confine(cpu_seconds)
        _serve(socket.socket(fileno=CONTROL), kind, tools, connections)
        status = 0
    finally:
        os._exit(status)  # no handlers, no flushing, no traceback: nothing of the capture is written anywhere


def _strip(control: socket.socket, zygote: int) -> None:
    """Drop everything that was inherited but the control socket."""
    confine.die_with_parent(zygote)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # libraries complain about images on standard error
        os.dup2(null, descriptor)
    os.dup2(control.detach(), CONTROL)
    os.closerange(CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    gc.disable()


def _confine(cpu_seconds: int) -> None:
    """Give up all that the rest of this life does not need. What the kernel lacks, `limen doctor` names."""
    confine.keep_private()
    confine.new_privileges_never()
    confine.keep_capabilities({IPC_LOCK})  # root's, where it is root
    confine.limit(more_memory=MORE_MEMORY, cpu_seconds=cpu_seconds, descriptors=DESCRIPTORS)
    confine.lock_memory()
    confine.deny_all()
    confine.allow_little()


def _serve(control: socket.socket, kind: Kind, tools: Tools, connections: list[socket.socket]) -> None:
    """Serve whom the zygote hands over.

    The requester's connection is kept in `connections` and never closed here: at the end of a process the kernel frees
    its memory before it closes its descriptors, so a requester that sees its connection end knows that all is gone.
    """
    tag, descriptors, _, _ = socket.recv_fds(control, 1, kind.descriptors)
    if tag != kind.value or len(descriptors) != kind.descriptors:
        return  # the zygote has ended, or has no use for this worker
    connections += [socket.socket(fileno=descriptor) for descriptor in descriptors]
    requester, *others = connections
    tools.face.mirrored = kind is Kind.ENROL

    def working() -> None:
        control.send(WORKING)

    try:
        if kind is Kind.PROBE:
            probe.serve(requester, others[0], VaultClient(others[1]), tools, working)
        else:
            enrol.serve(requester, VaultClient(others[0]), tools, working)
    except LimenError as error:
        with suppress(LimenError):  # it may have hung up, which is how most such lives end
            send(requester, Failed.of(error))
