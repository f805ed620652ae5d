"""A disk of its own for a hub under test, which can be looked at raw: below the file system, deleted files included."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limen.evaluation.forgetting.needles import WINDOW, Needles, Thing
from limen.evaluation.forgetting.scan import BLOCK, Scanner, Trace

SIZE = 2 << 30  # bytes; sparse: only what is written takes room
_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS, <linux/sched.h>
_TOOLS = ("mkfs.ext4", "mount", "umount")


class Disk:
    """An ext4 file system in a file, mounted at `folder`."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder

    def scan(self, scanner: Scanner) -> Trace:
        """Every block that was ever written, as it is on the disk now."""
        os.sync()
        trace = Trace()
        with self.image.open("rb") as file:
            for start, end in _written(file.fileno(), self.image.stat().st_size):
                for at in range(start, end, BLOCK):
                    data = os.pread(file.fileno(), min(BLOCK, end - at) + WINDOW, at)
                    trace.size += min(len(data), BLOCK)
                    trace.found |= scanner.search(data)
        return trace

    def control(self) -> tuple[int, int]:
        """Write random bytes to a file and delete it: how many windows it had, how many the raw disk shows still."""
        content = os.urandom(1 << 16)
        file = self.folder / "deleted"
        with file.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        file.unlink()
        needles = Needles.cut([Thing("deleted", content)])
        return len(needles), len(self.scan(Scanner(needles)).found)


_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _missing() -> str:
    """What stands in the way of making and mounting a file system; empty: nothing that is known before."""
    if os.geteuid() != 0:
        return "only root may mount"
    tools = [tool for tool in _TOOLS if not shutil.which(tool, path=_PATH)]
    return f"{', '.join(tools)} not installed" if tools else ""


@contextmanager
def disk(folder: Path) -> Iterator[tuple[Disk | None, str]]:
    """A disk below `folder` until the block ends; None, and why, where there can be none."""
    if why := _missing():
        yield None, why
        return
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE)
    why = ""
    try:  # a signal may end the drill at any line, also between the mount and whoever uses it
        try:
            _mounts_of_our_own()
            _run("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=1", str(image))
            _run("mount", "-o", "loop,nodiscard", str(image), str(place))
        except subprocess.CalledProcessError as error:
            why = f"{error.cmd[0]}: {error.stderr.decode(errors='replace').strip()[:200]}"
        except OSError as error:
            why = f"{error.strerror}: {error.filename or 'a mount namespace of its own'}"
        yield (None, why) if why else (Disk(image, place), "")
    finally:
        if place.is_mount():
            _run("umount", "--lazy", str(place))


def _mounts_of_our_own() -> None:
    """Leave the machine's mount namespace, so that what is mounted here ends with this process, however that ends."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS):
        raise OSError(ctypes.get_errno(), "unshare")
    _run("mount", "--make-rprivate", "/")


def _run(*command: str) -> None:
    environment = os.environ | {"PATH": _PATH}
    subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: S603


def _written(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of a sparse file that hold data."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:  # nothing but holes from here
            return
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, at
