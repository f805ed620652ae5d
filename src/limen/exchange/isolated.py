"""Hostile bytes in a child process that may die of them: no files, no network, bounded time and memory.

For the command line, which has no opener. The child is forked with everything imported, gives up all it can
(`limen.confine`) and sends what it finds as CBOR messages through a pipe.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2

from limen import confine
from limen.errors import BadFile, LimenError
from limen.reasons import Reason

SECONDS = 60  # of processor time and of waiting; a palm of 24 megapixels takes under 2
MEMORY = 2 << 30  # bytes beyond what the parent maps: three copies of the largest file and its largest image
MAX_OUTPUT = 1 << 30  # bytes that the child may send in all
_LENGTH = struct.Struct(">I")

Message = dict[str, object]
Emit = Callable[[Message], None]


class Died(BadFile):
    """The child died of what it read: killed by a signal, out of memory or out of time."""

    code = Reason.DECODER_DIED.slug


def run(work: Callable[[Emit], None], *, seconds: int = SECONDS, memory: int = MEMORY) -> Iterator[Message]:
    """What `work` emits, as it comes; it runs in a confined child.

    Raises:
        Died: the child ended otherwise than by returning; what it sent before has been yielded.
        LimenError: what `work` raised, by message (as `BadFile`).
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(work, writing, parent, seconds, memory)
    os.close(writing)
    ended = False
    try:
        for message in _messages(reading, time.monotonic() + seconds):
            if "failed" in message:
                raise BadFile(str(message["failed"]), advice=str(message["advice"]), code=str(message["code"]))
            ended = "end" in message
            if not ended:
                yield message
    finally:
        os.close(reading)
        status = _bury(child, ended)
    if not ended:
        raise Died(_how(status), advice="The file may be damaged or hostile.")


def _child(work: Callable[[Emit], None], writing: int, parent: int, seconds: int, memory: int) -> None:
    """Runs in the child and never returns."""
    code = 1
    try:
        faulthandler.disable()  # it would answer a memory fault with calls that the filter forbids
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 2)  # libraries print about bad files; nothing of a file belongs on a terminal
        confine.die_with_parent(parent)
        confine.keep_private()
        confine.new_privileges_never()
        confine.limit(more_memory=memory, cpu_seconds=seconds, descriptors=64)
        confine.deny_all()
        confine.allow_little()

        def emit(message: Message) -> None:
            data = cbor2.dumps(message)
            _write(writing, _LENGTH.pack(len(data)) + data)

        try:
            work(emit)
        except LimenError as error:
            emit({"failed": error.message, "advice": error.advice, "code": error.code})
        emit({"end": True})
        code = 0
    finally:
        os._exit(code)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _messages(descriptor: int, deadline: float) -> Iterator[Message]:
    """Whole messages until the child closes the pipe, sends too much, or time is up."""
    buffer, total = bytearray(), 0
    while (left := deadline - time.monotonic()) > 0 and select.select([descriptor], [], [], left)[0]:
        chunk = os.read(descriptor, 1 << 20)
        total += len(chunk)
        if not chunk or total > MAX_OUTPUT:
            return
        buffer += chunk
        while len(buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
            if len(buffer) < end:
                break
            yield cbor2.loads(bytes(buffer[_LENGTH.size : end]))
            del buffer[:end]


def _bury(child: int, ended: bool) -> int:
    """Wait for the child, which is killed if it has not ended; its wait status."""
    if not ended:
        for _ in range(50):  # let a child that is dying say of what
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        if name in ("SIGKILL", "SIGXCPU"):
            return "Reading the file took too long, and was stopped."
        return f"Reading the file killed the process that did it ({name})."
    return "Reading the file failed badly, or took too much memory."


def read_file(path: Path, limit: int) -> bytes:
    """Bytes of a regular file of at most `limit` bytes; `BadFile` says why not."""
    try:
        if not path.is_file():
            raise BadFile(f"There is no file {path}.")
        size = path.stat().st_size
        if size > limit:
            raise BadFile(f"{path} has {size} bytes; at most {limit} are read.", code="too-large")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from None
