"""Unix sockets between the processes: private to the hub's user, on both ends.

The socket's file has mode 0600 in a folder of mode 0700, and each server asks the kernel who connected (SO_PEERCRED).
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from pathlib import Path

from limen.errors import NotAllowed, Unavailable
from limen.wire.peers import is_one_of, is_part, uids

BACKLOG = 512
RETRY_SECONDS = 0.01
_PEER = struct.Struct("iII")  # struct ucred: pid, uid, gid


def listen(path: str) -> socket.socket:
    """A listening socket; one that an ended process left behind is replaced."""
    folder = Path(path).absolute().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    Path(path).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177 if len(uids()) == 1 else 0o117)  # parts with users of their own share a group
    try:
        server.bind(path)
    finally:
        os.umask(before)
    server.listen(BACKLOG)
    return server


def connect(path: str, *, timeout: float = 5.0) -> socket.socket:
    """A connected socket in blocking mode; `Unavailable` if no process serves it.

    Args:
        timeout: seconds for connecting (a full backlog waits).
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    sock.setblocking(False)
    deadline = time.monotonic() + timeout
    try:
        while True:
            try:
                sock.connect(path)
                break
            except BlockingIOError:  # the backlog is full; the kernel offers no way to wait with a limit
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)
    except OSError:
        sock.close()
        name = Path(path).stem.split("-")[0]
        raise Unavailable(f"The {name} process does not answer.", advice="It may be restarting; try again.") from None
    sock.setblocking(True)
    try:
        check_server(sock, path)
    except NotAllowed:
        sock.close()
        raise
    return sock


async def open_stream(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection for asyncio to whoever may serve this socket; `NotAllowed` if it is somebody else, or `OSError`."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        check_server(writer.get_extra_info("socket"), path)
    except NotAllowed:
        writer.close()
        raise
    return reader, writer


def check_server(sock: socket.socket, path: str) -> None:
    """`NotAllowed` if another user than its part's serves it."""
    if len(uids()) > 1 and peer(sock)[1] not in uids(Path(path).stem.split("-")[0]):
        raise NotAllowed("Somebody else serves a socket of the hub.")


def peer(sock: socket.socket) -> tuple[int, int]:
    """Process and user id of who connected, as the kernel saw them then."""
    pid, uid, _ = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return pid, uid


def check_peer(sock: socket.socket, *parts: str, never: tuple[str, ...] = ()) -> None:
    """`NotAllowed` unless the other end runs as a user of the hub's (or root) and, if named, is one of these parts.

    Args:
        sock: of the connection.
        parts: who may speak here; nobody named: anybody but
        never: those.
    """
    pid, uid = peer(sock)
    if uid not in uids() | ({0} if len(uids()) > 1 else set()) or not is_one_of(pid, parts) or is_part(pid, never):
        raise NotAllowed("Only the hub's own processes may speak here.")
