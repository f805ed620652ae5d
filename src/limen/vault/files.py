"""Private files that are there whole or not at all, and that leave as little as a file can when they go."""

from __future__ import annotations

import os
from pathlib import Path


def create_private(path: Path, content: bytes) -> None:
    """Create a file of mode 0600, on disk before this returns; `FileExistsError` if it is there already."""
    write_private(path.with_name(path.name + ".new"), content)
    os.link(path.with_name(path.name + ".new"), path)
    path.with_name(path.name + ".new").unlink()
    sync_folder(path.parent)


def replace_private(path: Path, content: bytes, *, erase: bool = False) -> None:
    """Replace a file by one of mode 0600 with this content, atomically, on disk before this returns.

    Args:
        path: of the file, which need not be there yet.
        content: new content.
        erase: overwrite what the old file held, where it lay, once the new one is in place.
    """
    old = _open_old(path) if erase else None
    new = path.with_name(path.name + ".new")
    write_private(new, content)
    new.replace(path)
    sync_folder(path.parent)
    if old is not None:
        _overwrite(old)


def wipe(path: Path) -> None:
    """Overwrite a file's content and remove it. What the disk itself keeps aside (flash, snapshots) is out of reach."""
    old = _open_old(path)
    if old is not None:
        _overwrite(old)
        path.unlink()
        sync_folder(path.parent)


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 through to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on disk before this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_old(path: Path) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def _overwrite(descriptor: int) -> None:
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
