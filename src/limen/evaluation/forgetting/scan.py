"""Finding windows at any offset in processes' memory and in files.

A window of 32 bytes covers, wherever it lies, three whole words at addresses that are multiples of 8. So only those
words are looked at, an eighth of all offsets: a table of hashes leaves one in a hundred, their values leave the true
ones, and those are compared whole: 0.5 to 1 GB a second a core. Memory pages that processes share (workers and the
zygote that they were forked from) are looked at once a sweep, where the kernel tells root which they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

import numpy as np

from limen.evaluation.forgetting.needles import WINDOW, Needles

BLOCK = 8 << 20  # bytes read at once
PAGE = 4096  # bytes
#: Of a pagemap entry (Linux, admin-guide/mm/pagemap): the frame, zero for all but root; in memory or swapped; swapped.
FRAME, IN_USE, SWAPPED = np.uint64((1 << 55) - 1), np.uint64(3 << 62), np.uint64(1 << 62)
WORD = 8  # bytes
HASH_BITS = 22  # a table of 4 MB: 80,000 words of 10,000 windows leave 2 % of all other words to be looked up
SPECIAL = ("[vvar]", "[vvar_vclock]", "[vsyscall]", "[vdso]")  # the kernel's own; not readable or not the process's


@dataclass
class Trace:
    """What was found in one place.

    Attributes:
        found: numbers of the windows that are there.
        size: bytes looked at.
        unreadable: whether (part of) the place could not be read.
    """

    found: set[int] = field(default_factory=set)
    size: int = 0
    unreadable: bool = False


class Frames:
    """Frames of physical memory that were looked at in one sweep. Between sweeps their content may change."""

    def __init__(self) -> None:
        self._seen = np.zeros(1 << 16, bool)

    def fresh(self, entries: np.ndarray) -> np.ndarray:
        """bool (n,): which pages of a pagemap are there and new; they are not new a second time.

        Args:
            entries: uint64 (n,), as /proc/PID/pagemap has them. Frame 0 stands for one that the kernel does not tell.
        """
        frames = (entries & FRAME).astype(np.int64)
        highest = int(frames.max(initial=0))
        if highest >= len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros(highest + 1 - len(self._seen), bool)])
        swapped = entries & SWAPPED != 0  # these bits are no frame then
        known = self._seen[frames] & (frames != 0) & ~swapped
        there = (entries & IN_USE != 0) & ~known
        self._seen[frames[there & ~swapped]] = True
        return there


class Scanner:
    """Looks for all windows of some needles at once."""

    def __init__(self, needles: Needles) -> None:
        self._windows = np.ascontiguousarray(needles.windows)
        anchors = [_anchor(self._windows, shift) for shift in range(WORD)]
        words = np.concatenate([words for words, _ in anchors])
        order = np.argsort(words, kind="stable")
        self._words = words[order]
        self._places = np.concatenate([places for _, places in anchors])[order]
        self._owners = np.tile(np.arange(len(self._windows)), WORD)[order]
        self._hashed = np.zeros(1 << HASH_BITS, bool)
        self._hashed[_hash(self._words)] = True

    def search(self, data: bytes) -> set[int]:
        """Numbers of the windows that occur in `data`."""
        if len(data) < WINDOW or not len(self._windows):
            return set()
        view = np.frombuffer(data, np.uint8)
        words = np.frombuffer(data, "<u8", len(data) // WORD)
        at = np.flatnonzero(self._hashed[_hash(words)])
        first = np.searchsorted(self._words, words[at], side="left")
        count = np.searchsorted(self._words, words[at], side="right") - first
        anchor = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        start = np.repeat(at * WORD, count) - self._places[anchor]
        return self._confirmed(view, start, self._owners[anchor])

    def _confirmed(self, view: np.ndarray, start: np.ndarray, owner: np.ndarray) -> set[int]:
        """Those of the windows that stand whole where one of their words was seen."""
        inside = (start >= 0) & (start <= len(view) - WINDOW)
        start, owner = start[inside], owner[inside]
        here = np.lib.stride_tricks.sliding_window_view(view, WINDOW)
        found: set[int] = set()
        for part in range(0, len(start), 1 << 16):
            some = slice(part, part + (1 << 16))
            same = (here[start[some]] == self._windows[owner[some]]).all(axis=1)
            found.update(owner[some][same].tolist())
        return found

    def process(self, pid: int, seen: Frames | None = None) -> Trace:
        """All memory of a process that can hold what it computed; of one that ends meanwhile, as far as it went.

        Args:
            pid: whose.
            seen: frames that this sweep has looked at in other processes, and need not be looked at again.
        """
        trace = Trace()
        try:
            with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
                for start, end in _runs(pid, seen or Frames()):
                    for data in _read(memory, start, end):
                        trace.size += min(len(data), BLOCK)
                        trace.found |= self.search(data)
        except PermissionError:
            trace.unreadable = True
        except (FileNotFoundError, ProcessLookupError):
            pass
        return trace

    def file(self, path: Path) -> Trace:
        """A file, or a block device, from beginning to end."""
        trace = Trace()
        try:
            with path.open("rb") as file:
                rest = b""
                while data := file.read(BLOCK):
                    trace.size += len(data)
                    trace.found |= self.search(rest + data)
                    rest = data[-(WINDOW - 1) :]
        except FileNotFoundError:
            pass
        except OSError:
            trace.unreadable = True
        return trace


def children(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


def files_below(folder: Path) -> list[Path]:
    """All regular files below a folder, links not followed."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def _anchor(windows: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """For windows that begin `shift` bytes after a word's border: the most varied whole word in each, and its place."""
    places = np.arange(WORD - shift if shift else 0, WINDOW - WORD + 1, WORD)[:3]
    words = np.stack([windows[:, place : place + WORD] for place in places])
    varied = (np.diff(np.sort(words, axis=2), axis=2) != 0).sum(axis=2).argmax(axis=0)
    chosen = np.ascontiguousarray(words[varied, np.arange(len(windows))])
    return chosen.view("<u8").reshape(-1), places[varied]


def _hash(words: np.ndarray) -> np.ndarray:
    """Fibonacci hashing to HASH_BITS bits, as indices."""
    return ((words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - HASH_BITS)).view(np.int64)


def _read(memory: FileIO, start: int, end: int) -> Iterator[bytes]:
    """A range in blocks that overlap by a window; a page that cannot be read is left out."""
    at = start
    while at < end:
        try:
            memory.seek(at)
            data = memory.read(min(BLOCK, end - at) + WINDOW)
        except OSError:  # past the end of a mapped file, or a mapping that is gone
            data = b""
        if data:
            yield data
        at += min(len(data), BLOCK, end - at) or PAGE - at % PAGE


def _runs(pid: int, seen: Frames) -> Iterator[tuple[int, int]]:
    """Ranges of a process's memory that are there and were not looked at, with what a window may reach before them."""
    with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
        for start, end in _maps(pid):
            pagemap.seek(start // PAGE * 8)
            fresh = seen.fresh(np.frombuffer(pagemap.read((end - start) // PAGE * 8), "<u8"))
            edges = np.flatnonzero(np.diff(np.concatenate([[False], fresh, [False]])))
            for first, last in edges.reshape(-1, 2).tolist():
                yield start + first * PAGE - (WINDOW if first else 0), start + last * PAGE


def _maps(pid: int) -> Iterator[tuple[int, int]]:
    """Ranges that can hold what a process computed: all that is readable, but for program files mapped read-only.

    Those hold the same bytes in every process since before any capture, such as the standard Huffman tables of JPEG.
    """
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        words = line.split(maxsplit=5)
        program = len(words) == 6 and words[5].startswith("/") and words[1][1] != "w" and words[1][3] == "p"
        if words[1].startswith("r") and not program and (len(words) < 6 or words[5] not in SPECIAL):
            start, end = (int(word, 16) for word in words[0].split("-"))
            yield start, end
