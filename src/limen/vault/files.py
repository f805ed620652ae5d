"""Private files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def create_private(path: Path, content: bytes) -> None:
    """Create a file of mode 0600, on disk before this returns; `FileExistsError` if it is there already."""
    write_private(path.with_name(path.name + ".new"), content)
    os.link(path.with_name(path.name + ".new"), path)
    path.with_name(path.name + ".new").unlink()
    _sync_folder(path.parent)


def replace_private(path: Path, content: bytes) -> None:
    """Replace a file by one of mode 0600 with this content, atomically, on disk before this returns."""
    new = path.with_name(path.name + ".new")
    write_private(new, content)
    new.replace(path)
    _sync_folder(path.parent)


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 through to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
