"""Finding windows at any offset in processes' memory and in files.

Every byte offset is tried: tables of the windows' first two and next two bytes leave a few in ten thousand, their first
eight bytes leave the true ones, and those are compared whole. Memory pages that processes share (workers and the zygote
that they were forked from) are looked at once, where the kernel tells root which they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from limen.evaluation.forgetting.needles import WINDOW, Needles

BLOCK = 8 << 20  # bytes read at once
PAGE = 4096  # bytes
FRAME, IN_USE = np.uint64((1 << 55) - 1), np.uint64(3 << 62)  # of a pagemap entry; frames are 0 for all but root
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


class Scanner:
    """Looks for all windows of some needles at once."""

    def __init__(self, needles: Needles) -> None:
        self._windows = np.ascontiguousarray(needles.windows)
        heads = np.ascontiguousarray(self._windows[:, :8]).view("<u8").ravel()
        self._order = np.argsort(heads, kind="stable")
        self._heads = heads[self._order]
        self._first, self._second = np.zeros(1 << 16, bool), np.zeros(1 << 16, bool)
        self._first[np.ascontiguousarray(self._windows[:, :2]).view("<u2").ravel()] = True
        self._second[np.ascontiguousarray(self._windows[:, 2:4]).view("<u2").ravel()] = True
        self._seen: set[int] = set()  # frames of physical memory that were looked at

    def search(self, data: bytes) -> set[int]:
        """Numbers of the windows that occur in `data`."""
        found: set[int] = set()
        view = np.frombuffer(data, np.uint8)
        if len(view) < WINDOW or not len(self._windows):
            return found
        for odd in (0, 1):
            pairs = view[odd : odd + (len(view) - odd) // 2 * 2].view("<u2")
            at = np.flatnonzero(self._first[pairs[:-1]])
            starts = at[self._second[pairs[at + 1]]] * 2 + odd
            starts = starts[starts <= len(view) - WINDOW]
            if len(starts):
                found |= self._confirmed(view, starts)
        return found

    def _confirmed(self, view: np.ndarray, starts: np.ndarray) -> set[int]:
        heads = np.lib.stride_tricks.sliding_window_view(view, 8)[starts].copy().view("<u8").ravel()
        first = np.searchsorted(self._heads, heads, side="left")
        last = np.searchsorted(self._heads, heads, side="right")
        found = set()
        for start, low, high in zip(*(part[first < last] for part in (starts, first, last)), strict=True):
            window = view[start : start + WINDOW]
            found |= {int(n) for n in self._order[low:high] if np.array_equal(self._windows[n], window)}
        return found

    def process(self, pid: int) -> Trace:
        """All memory of a process that can hold what it computed; of one that ends meanwhile, as far as it went."""
        trace = Trace()
        try:
            with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
                for start, end in self._runs(pid):
                    for at in range(start, end, BLOCK):
                        try:
                            memory.seek(at)
                            data = memory.read(min(BLOCK, end - at) + WINDOW)
                        except OSError:  # a guard page, or a mapping that is gone
                            continue
                        trace.size += min(len(data), BLOCK)
                        trace.found |= self.search(data)
        except PermissionError:
            trace.unreadable = True
        except (FileNotFoundError, ProcessLookupError):
            pass
        return trace

    def _runs(self, pid: int) -> Iterator[tuple[int, int]]:
        """Ranges of a process's memory that are there and were not looked at yet."""
        with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
            for start, end in _maps(pid):
                pagemap.seek(start // PAGE * 8)
                entries = np.frombuffer(pagemap.read((end - start) // PAGE * 8), "<u8")
                frames = entries & FRAME
                there = entries & IN_USE != 0
                fresh = there & np.fromiter(
                    (int(f) == 0 or int(f) not in self._seen for f in frames), bool, len(frames)
                )
                self._seen.update(frames[fresh].tolist())
                edges = np.flatnonzero(np.diff(np.concatenate([[False], fresh, [False]])))
                for first, last in edges.reshape(-1, 2):
                    yield start + int(first) * PAGE, start + int(last) * PAGE

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
