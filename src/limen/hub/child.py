"""One part in a process of its own: `python -m limen.hub.child NAME`, started by the supervisor alone.

The supervisor writes the settings as one line of JSON on standard input, and then who is who (`wire.peers`). The part
answers on standard output with `{"ready": true, "given_up": [...]}` (`hub.profiles`), or with `{"error": ...,
"advice": ...}` before it ends. Its log goes to standard error.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import structlog

from limen import confine
from limen.errors import LimenError
from limen.hub import logs
from limen.hub.part import PARTS, TOLD
from limen.hub.profiles import confined
from limen.settings import Settings
from limen.wire import peers

SEE_LOG = "See the part's log in the hub's data folder."
_ADVICE = {
    errno.ENOSPC: "The disk of the data folder is full: make room.",
    errno.EDQUOT: "The quota of the data folder is used up: make room.",
    errno.EROFS: "The disk of the data folder can only be read: check it, and mount it again.",
    errno.EIO: "The disk fails: look at the system's log, and restore a backup onto another.",
    errno.EACCES: "The data folder is not this user's: start the hub as the user that it belongs to.",
    errno.EPERM: "The data folder is not this user's: start the hub as the user that it belongs to.",
    errno.EMFILE: "Too many files are open: raise the limit (ulimit -n).",
}


def main(name: str, supervisor: int, module: str = "") -> None:
    """Run one part until it ends; another module in its place where a drill plays one that was taken over."""
    confine.die_with_parent(supervisor)
    confine.keep_private()
    confine.new_privileges_never()
    logs.configure(name)
    content = json.loads(_first_line())
    peers.know_users(content.pop("users", {}))
    secret = {"passphrase": bytes.fromhex(content.pop("passphrase"))} if "passphrase" in content else {}
    settings = Settings(**content | {"data": Path(content["data"])})
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is log, never an answer
    try:
        given_up = confined(name, settings)
        if name in TOLD:  # in a thread, which gives up what this one has
            peers.learn_from(0)
        importlib.import_module(module or PARTS[name]).main(
            settings, lambda: _answer(answers, {"ready": True, "given_up": given_up}), **secret
        )
    except LimenError as error:
        _answer(answers, {"error": error.message, "advice": error.advice, "code": error.code})
        raise _stopped(name, error.code) from None
    except OSError as error:  # a disk that is full or gone, a folder of somebody else's
        advice = _ADVICE.get(error.errno or 0, SEE_LOG)
        _answer(answers, {"error": f"{error.strerror}{_where(error)}.", "advice": advice})
        raise _stopped(name, error.strerror or "") from None


def _stopped(part: str, why: str) -> SystemExit:
    """Logged after it was said: the log lies on the disk that may be full."""
    with suppress(OSError):
        structlog.get_logger(part).error("stopped", why=why)
    return SystemExit(1)


def _where(error: OSError) -> str:
    """The file that it is about; names of a hub's files say nothing of anyone."""
    return f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""


def _first_line() -> bytes:
    """Read byte by byte, so that what follows stays in the pipe."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _answer(answers: TextIO, content: dict[str, object]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
