"""The drill's own folder, which ends with it; what a drill left that was killed is put away by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "limen-drill-"
LOCK = "in-use"  # file in the folder, locked for as long as its drill lives: the kernel lets go of it, however it ends


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder for one drill, until the block ends.

    A killed drill (SIGKILL, power) leaves its folder, and nothing else: its hub is bound to its life, and what it had
    mounted is seen by those processes alone and ends with them.
    """
    clear_left()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:  # from here on: a signal may end the drill at any line
        with (folder / f"{LOCK}.new").open("x") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / f"{LOCK}.new").rename(folder / LOCK)  # no other drill sees it before it is locked
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_left() -> list[Path]:
    """Delete the folders of drills that are no more; returns them. Others' folders, and anything mounted, stay."""
    gone = []
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
            gone.append(folder)
    return gone


def _is_left(folder: Path) -> bool:
    """Whether it is our own, its drill has ended, and nothing is mounted in it."""
    with suppress(OSError):
        ours = not folder.is_symlink() and folder.stat().st_uid == os.geteuid()
        if not ours or any(part.is_mount() for part in folder.iterdir()):
            return False
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        finally:
            os.close(lock)
    return False
