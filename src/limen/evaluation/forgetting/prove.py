"""The proof: nothing of these images in these processes and folders, by a scanner that is shown to see them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limen.evaluation.forgetting.needles import Needles
from limen.evaluation.forgetting.scan import Frames, Scanner, children, files_below

#: A process that holds bytes, and nothing else of ours: it is handed them and waits.
_HOLDER = "import sys; held = sys.stdin.buffer.read(int(sys.argv[1])); print('held', flush=True); sys.stdin.read(1)"


@dataclass
class Finding:
    """What a scan found.

    Attributes:
        windows: how many different windows were looked for.
        hits: windows found, added up over all places.
        by_path: place to windows found there; only places with any.
        positive_control_hits: windows found in a process that holds them all.
        processes, files: how many were looked at.
        size: bytes looked at.
        unreadable: places that could not be read.
    """

    windows: int
    hits: int = 0
    by_path: dict[str, int] = field(default_factory=dict)
    positive_control_hits: int = 0
    processes: int = 0
    files: int = 0
    size: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Whether the scanner was shown to see what it looks for."""
        return self.windows > 0 and self.positive_control_hits == self.windows

    @property
    def sentence(self) -> str:
        """What was done and found, for people."""
        if not self.valid:
            seen = self.positive_control_hits
            return f"The scan proves nothing: of {self.windows} pieces held on purpose it saw {seen}."
        found = "none was found" if not self.hits else f"{self.hits} were found: {self.by_path}"
        text = (
            f"{self.windows:,} pieces of the images, 32 bytes each, were looked for in {self.size / 1e6:,.0f} MB: "
            f"all memory of the hub's {self.processes} processes and its {self.files} files. {found.capitalize()}. "
            f"(In a process that holds them on purpose the same scanner found {self.positive_control_hits:,}.)"
        )
        if self.unreadable:
            text += f" Not readable without root, hence not looked at: {', '.join(self.unreadable)}."
        return text

    def add(self, place: str, found: int, size: int, unreadable: bool) -> None:
        """Take in what was found in one place."""
        self.size += size
        self.hits += found
        if found:
            self.by_path[place] = self.by_path.get(place, 0) + found
        if unreadable:
            self.unreadable.append(place)


def prove_forgotten(pids: dict[str, int], folders: Sequence[Path], needles: Needles) -> Finding:
    """Look for needles in processes (with all their children) and in all files below folders.

    Args:
        pids: processes by name.
        folders: looked through whole.
        needles: of captures that should be forgotten.
    """
    scanner = Scanner(needles)
    finding = Finding(len(needles), positive_control_hits=positive_control(scanner, needles))
    seen = Frames()
    for name, root in pids.items():
        for pid in children(root):
            trace = scanner.process(pid, seen)
            finding.processes += 1
            finding.add(name if pid == root else f"{name} worker", len(trace.found), trace.size, trace.unreadable)
    for folder in folders:
        for file in files_below(folder):
            trace = scanner.file(file)
            finding.files += 1
            finding.add(str(file.relative_to(folder)), len(trace.found), trace.size, trace.unreadable)
    return finding


def positive_control(scanner: Scanner, needles: Needles) -> int:
    """How many of the needles the scanner sees in the memory of a process that holds all of them."""
    held = needles.windows.tobytes()
    command = [sys.executable, "-c", _HOLDER, str(len(held))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603
        assert holder.stdin is not None and holder.stdout is not None
        holder.stdin.write(held)
        holder.stdin.flush()
        holder.stdout.readline()
        seen = scanner.process(holder.pid).found
        holder.stdin.close()
    return len(seen)
