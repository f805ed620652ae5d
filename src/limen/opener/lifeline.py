"""A worker that computes does not look at its connection; the kernel does, and kills it when nobody waits any more.

fcntl(2), "Managing signals": with O_ASYNC, whatever happens on the requester's connection raises the signal that
F_SETSIG names. While a worker computes, all that can happen there is that the requester hangs up.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from limen.errors import Unavailable


@contextmanager
def dying_with(requester: socket.socket) -> Iterator[None]:
    """Until the block ends, be killed as soon as the requester hangs up; `Unavailable` if it has done so before."""
    flags = fcntl.fcntl(requester, fcntl.F_GETFL)
    fcntl.fcntl(requester, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(requester, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(requester, fcntl.F_SETFL, flags | os.O_ASYNC)
    try:
        if requester.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
            raise Unavailable("The requester has hung up.")
    except BlockingIOError:
        pass  # nothing to read: it is there and waits
    yield
    fcntl.fcntl(requester, fcntl.F_SETFL, flags)
