"""Tiles and entry bundles as files (C2SP tlog-tiles): durable, private, there whole or not at all."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

from limen.errors import Damaged
from limen.ledger.tree import HASH, HEIGHT, WIDTH
from limen.vault.files import replace_private

ASIDE = "aside"  # folder of leftovers; nothing reads it


def number(index: int) -> str:
    """A tile's index as a path: 1234067 is `x001/x234/067`."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))


def tile_path(level: int | str, index: int, width: int) -> str:
    """Path of a tile below the log's folder; level "entries" for a bundle."""
    return f"tile/{level}/{number(index)}" + ("" if width == WIDTH else f".p/{width}")


def pack_bundle(entries: list[bytes]) -> bytes:
    """Entries with their lengths."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def unpack_bundle(data: bytes) -> list[bytes]:
    """Entries of a bundle; `Damaged` if it is cut off."""
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        if at + 2 + length > len(data):
            raise Damaged("An entry bundle of the ledger is cut off.", code="ledger-damaged")
        entries.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return entries


class Folder:
    """A log's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tile(self, level: int, index: int, width: int) -> bytes:
        """A tile's first `width` hashes; `Damaged` if they are not there."""
        data = self._read(level, index, width)
        if len(data) < width * HASH:
            raise Damaged("A tile of the ledger is cut off.", code="ledger-damaged")
        return data[: width * HASH]

    def bundle(self, index: int, width: int) -> list[bytes]:
        """A bundle's first `width` entries; `Damaged` if they are not there."""
        entries = unpack_bundle(self._read("entries", index, width))
        if len(entries) < width:
            raise Damaged("An entry bundle of the ledger is cut off.", code="ledger-damaged")
        return entries[:width]

    def write(self, name: str, content: bytes) -> None:
        """Write a file, and its folders, through to the disk."""
        path = self.path / name
        make(path.parent)
        replace_private(path, content)

    def drop_partials(self, level: int | str, index: int) -> None:
        """Delete the partial tiles that a full one replaces."""
        shutil.rmtree(self.path / f"{tile_path(level, index, WIDTH)}.p", ignore_errors=True)

    def beyond(self, size: int) -> list[int]:
        """Sizes of the tree that partial entry bundles beyond `size` entries claim."""
        index, width = divmod(size, WIDTH)
        found = []
        while True:
            place = self.path / "tile/entries" / f"{number(index)}.p"
            widths = [int(path.name) for path in place.iterdir() if path.name.isdigit()] if place.is_dir() else []
            found += [index * WIDTH + more for more in widths if more > width]
            if not (self.path / tile_path("entries", index, WIDTH)).exists() and not widths:
                return sorted(found)
            index, width = index + 1, 0

    def set_aside(self, size: int) -> None:
        """Move away what a batch left that was never published: tiles and bundles beyond a tree of `size` leaves."""
        for folder in list((self.path / "tile").glob("*")):
            level = 0 if folder.name == "entries" else int(folder.name)
            index, width = divmod(size >> HEIGHT * level, WIDTH)
            partials = folder / f"{number(index)}.p"
            for path in list(partials.iterdir()) if partials.is_dir() else ():
                if path.name.isdigit() and int(path.name) > width:
                    self._move(path)
            while (full := folder / number(index)).exists() or (Path(f"{full}.p").is_dir() and width == 0):
                if full.exists():
                    self._move(full)
                if width == 0 and Path(f"{full}.p").is_dir():
                    self._move(Path(f"{full}.p"))
                index, width = index + 1, 0

    def _move(self, path: Path) -> None:
        place = self.path / ASIDE / path.relative_to(self.path)
        make(place.parent)
        if place.is_dir():
            shutil.rmtree(place)
        path.replace(place)

    def _read(self, level: int | str, index: int, width: int) -> bytes:
        for candidate in dict.fromkeys((width, WIDTH)):  # a full tile may have replaced a partial one
            try:
                return (self.path / tile_path(level, index, candidate)).read_bytes()
            except FileNotFoundError:
                continue
        raise Damaged(f"The ledger lacks {tile_path(level, index, width)}.", code="ledger-damaged")


def make(folder: Path) -> None:
    """Create a folder of mode 0700 and those above it, on disk before this returns."""
    if folder.is_dir():
        return
    make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
