"""The forgetting drill: a hub of its own, searches of every kind and ending, and a look for whatever stayed.

1. A hub is started on a disk of its own (root; else in a folder), with one wanted person's record.
2. Everything that the probes consist of is computed beforehand: files, pixels, tensors, embeddings, templates. What the
   hub holds of it before the first search, such as a network's answer to black borders, is no trace and is left out.
3. Each group of searches is made; then the memory of every process of the hub is looked through.
4. In the end all files below the hub's data and temporary folders, shared memory and the raw disk.
5. Positive controls: a worker is stopped while it works and looked into; a deleted file is looked for on the raw disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limen.access import keys
from limen.capture.container import Sample
from limen.errors import LimenError
from limen.evaluation.forgetting import disk as disks
from limen.evaluation.forgetting.control import watch_worker
from limen.evaluation.forgetting.folder import own_folder
from limen.evaluation.forgetting.needles import Needles, Thing
from limen.evaluation.forgetting.people import People
from limen.evaluation.forgetting.post import ANSWERED_BADLY, FAILED, Outcome, Post
from limen.evaluation.forgetting.scan import Frames, Scanner, Trace, files_below
from limen.evaluation.forgetting.served import ServedHub, served
from limen.evaluation.forgetting.things import Tracer
from limen.reasons import Reason

OFFICER = "BIH/officer1"
SETTLE = 1.5  # seconds after the last answer of a group: refilled workers, closed connections
#: Reasons that a hub gives while a part is coming back: then its "cannot tell" says nothing of the probe.
NOT_READY = frozenset(r.slug for r in (Reason.GALLERY_INCOMPLETE, Reason.DECODER_DIED, Reason.TOOK_TOO_LONG))
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
NO_HIT, HIT, CANNOT_TELL = "no-hit", "hit", "cannot-tell"
SEALED, PLAIN, REFUSED, CRASHED = "no-hit, sealed", "no-hit, plain", "refused", "crashed"  # groups, beside HIT


@dataclass
class Case:
    """One way of searching, and what must come of it."""

    name: str
    search: Callable[[Sequence[Sample]], Outcome]
    samples: Callable[[], list[Sample]]
    outcomes: tuple[str, ...]


@dataclass
class Group:
    """Searches that end alike, and what they left.

    Attributes:
        searches, windows: how many were made; how many windows were looked for.
        outcomes: answers, counted.
        why: for each answer, the reasons that were given for it, counted.
        unexpected: `case: outcome (reasons)` of searches that ended otherwise than they must.
        by_path, by_kind: windows found, by place and by what they were cut from.
    """

    searches: int = 0
    windows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    why: dict[str, Counter[str]] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    by_path: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)

    @property
    def hits(self) -> int:
        """Windows found, added up over all places."""
        return sum(self.by_path.values())

    def ended(self, case: Case, outcome: Outcome) -> None:
        """Take in how a search ended."""
        self.outcomes[outcome.kind] += 1
        self.why.setdefault(outcome.kind, Counter()).update(outcome.why)
        not_ready = NO_HIT in case.outcomes and not NOT_READY.isdisjoint(outcome.why)
        if outcome.kind not in case.outcomes or not_ready:
            self.unexpected.append(f"{case.name}: {outcome.kind} ({', '.join(outcome.why) or 'no reason given'})")

    def add(self, place: str, trace: Trace, needles: Needles) -> None:
        """Take in what was found in a place."""
        if trace.found:
            self.by_path[place] += len(trace.found)
            self.by_kind.update(needles.kinds[number] for number in trace.found)


@dataclass
class Report:
    """What the drill found.

    Attributes:
        groups: by name.
        control, control_by_kind: windows seen in workers that were stopped while they worked.
        left_out: windows that the hub held before the first search.
        processes, memory, files, disk: how much was looked at: processes, bytes, files, bytes of raw disk (None: the
            disk could not be looked at raw).
        disk_control: windows of a deleted file, and how many of them the raw disk showed.
        not_scanned: what could not be looked at, and why; empty where all was.
        tls: whether the hub spoke TLS.
        seconds: of the clock.
    """

    groups: dict[str, Group] = field(default_factory=dict)
    control: int = 0
    control_by_kind: Counter[str] = field(default_factory=Counter)
    left_out: int = 0
    processes: int = 0
    memory: int = 0
    files: int = 0
    disk: int | None = None
    disk_control: tuple[int, int] = (0, 0)
    not_scanned: list[str] = field(default_factory=list)
    tls: bool = False
    seconds: float = 0.0

    @property
    def hits(self) -> int:
        """Windows found anywhere."""
        return sum(group.hits for group in self.groups.values())

    @property
    def passed(self) -> bool:
        """Nothing stayed where it was looked, all ended as it must, and the scanner was shown to see.

        All memory must have been looked at. Where the kernel or the container lets nobody mount a disk, its raw blocks
        are not, and `not_scanned` says so.
        """
        if any(not said.startswith("raw disk") for said in self.not_scanned):
            return False
        sees = self.control > 0 and (self.disk is None or self.disk_control[1] > 0)
        return sees and not self.hits and not any(group.unexpected for group in self.groups.values())

    def json(self) -> dict[str, Any]:
        """For `--json`."""
        total: Counter[str] = Counter()
        for group in self.groups.values():
            total += group.by_path
        return {
            "windows": sum(group.windows for group in self.groups.values()),
            "positive_control_hits": self.control,
            "hits": self.hits,
            "by_path": dict(total),
            "searches": sum(group.searches for group in self.groups.values()),
            "groups": {
                name: {
                    "searches": group.searches,
                    "outcomes": dict(group.outcomes),
                    "unexpected": group.unexpected,
                    "cannot_tell": group.outcomes[CANNOT_TELL],
                    "why": {kind: dict(reasons) for kind, reasons in group.why.items() if reasons},
                    "windows": group.windows,
                    "hits": group.hits,
                    "by_path": dict(group.by_path),
                    "by_kind": dict(group.by_kind),
                }
                for name, group in self.groups.items()
            },
            "positive_control_by_kind": dict(self.control_by_kind),
            "left_out": self.left_out,
            "looked_at": {
                "processes": self.processes,
                "memory_bytes": self.memory,
                "files": self.files,
                "raw_disk_bytes": self.disk,
                "raw_disk_control": {"windows": self.disk_control[0], "seen": self.disk_control[1]},
            },
            "not_scanned": self.not_scanned,
            "tls": self.tls,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
        }


class Drill:
    """One run.

    Args:
        samples: folder of real samples, or None.
        rounds: how often each case is searched, each time with other people.
        say: told what happens now, for a progress line.
        groups: names of the groups to be searched; None: all.
        tls: whether the hub speaks TLS, with a certificate of its own, as it does where others reach it.
    """

    def __init__(
        self,
        samples: Path | None,
        rounds: int,
        say: Callable[[str], object],
        groups: Sequence[str] | None = None,
        *,
        tls: bool = False,
    ) -> None:
        self._people, self._rounds, self._say, self._groups = People(samples), rounds, say, groups
        self._tls, self._tracer = tls, Tracer()
        self._report = Report(tls=tls)

    def run(self) -> Report:
        """Run all of it; takes minutes.

        Raises:
            LimenError: this process may not look into others' memory, or the hub under test does not run.
        """
        if os.geteuid() != 0:
            raise LimenError(
                "The drill looks into the memory of the hub's processes, which only root may.",
                advice="Run it as root, on a machine for tests.",
            )
        began = time.monotonic()
        with ExitStack() as stack:
            folder = stack.enter_context(own_folder())
            disk, why = stack.enter_context(disks.disk(folder))
            if disk is None:
                self._report.not_scanned.append(f"raw disk: {why}")
            place = disk.folder / "hub" if disk else folder / "hub"
            place.mkdir()
            self._say("starting a hub")
            hub = stack.enter_context(served(place, tls=self._tls))
            self._search_all(hub, self._signed_up(hub, folder), disk)
        self._report.seconds = time.monotonic() - began
        return self._report

    def _signed_up(self, hub: ServedHub, folder: Path) -> Post:
        """An officer's post, and the wanted person's record."""
        environment = {**hub.environment, "LIMEN_KEYS": str(folder / "keys")}
        for words in (
            ("access", "country", "add", "FRA"),
            ("access", "country", "add", "BIH"),
            ("access", "officer", "add", OFFICER),
            ("records", "import", str(self._people.manifest(folder / "records")), "--country", "FRA"),
        ):
            command = [sys.executable, "-m", "limen", *words]
            done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603
            if done.returncode:
                raise LimenError(f"`limen {' '.join(words[:2])}` failed: {done.stderr.decode()[-400:]}")
        hub.wait_healthy(records=1)  # before, nobody would be ruled out
        return Post(hub, OFFICER, keys.load(OFFICER, folder / "keys"))

    def _search_all(self, hub: ServedHub, post: Post, disk: disks.Disk | None) -> None:
        made = {
            name: [(case, case.samples()) for case in cases for _ in range(self._rounds)]
            for name, cases in _groups(post, self._people).items()
            if self._groups is None or name in self._groups
        }
        self._say("computing what the probes become")
        things = {name: self._things(parts) for name, parts in made.items()}
        for claimed in {SEALED, HIT} & set(things):
            things[claimed].append(Thing("claimed name", post.claim.encode()))
        known = self._known(hub, [thing for group in things.values() for thing in group])
        wanted = {name: Needles.cut(things[name]).without_windows(known) for name in made}
        self._control(hub, post)
        for name, parts in made.items():
            group = self._report.groups[name] = Group(len(parts), len(wanted[name]))
            for number, (case, samples) in enumerate(parts, 1):
                self._say(f"{name}: search {number} of {len(parts)}")
                group.ended(case, case.search(samples))
            group.unexpected += _never(parts, group)
            time.sleep(SETTLE)
            self._say(f"{name}: looking into memory")
            self._memory(hub, wanted[name], group)
        for name, needles in wanted.items():
            self._say(f"{name}: looking at files and disk")
            self._disk(hub, needles, self._report.groups[name], disk)
        if disk:
            self._report.disk_control = disk.control()

    def _things(self, parts: list[tuple[Case, list[Sample]]]) -> list[Thing]:
        return self._tracer.things(sample for _, samples in parts for sample in samples)

    def _known(self, hub: ServedHub, things: list[Thing]) -> set[bytes]:
        """Windows that the hub holds although nobody was searched yet."""
        self._say("looking into memory before the first search")
        needles, before = Needles.cut(things), Group()
        found = self._memory(hub, needles, before)
        self._report.left_out = len(found)
        return {bytes(needles.windows[number]) for number in found}

    def _control(self, hub: ServedHub, post: Post) -> None:
        """See the windows of a search of its own in the worker that does it."""
        self._say("positive control: looking into a worker at work")
        samples = self._people.both()
        needles = Needles.cut(self._tracer.things(samples))
        seen = watch_worker(hub.part("opener"), Scanner(needles), lambda: post.sealed(samples))
        self._report.control = len(seen)
        self._report.control_by_kind = Counter(needles.kinds[number] for number in seen)

    def _memory(self, hub: ServedHub, needles: Needles, group: Group) -> set[int]:
        scanner, seen, found = Scanner(needles), Frames(), set()
        processes = hub.processes
        for name, pid in processes.items():
            trace = scanner.process(pid, seen)
            group.add(f"memory of {name.split()[0]}", trace, needles)
            found |= trace.found
            self._report.memory += trace.size
            if trace.unreadable:
                self._report.not_scanned.append(f"memory of {name}: not readable")
        self._report.processes = max(self._report.processes, len(processes))
        return found

    def _disk(self, hub: ServedHub, needles: Needles, group: Group, disk: disks.Disk | None) -> None:
        scanner = Scanner(needles)
        files = [(file, str(file.relative_to(hub.folder))) for file in files_below(hub.folder)]
        files += [(file, str(file)) for file in files_below(SHARED_MEMORY)]
        for file, name in files:
            group.add(name, scanner.file(file), needles)
        self._report.files = len(files)
        if disk:
            trace = disk.scan(scanner)
            group.add("raw disk", trace, needles)
            self._report.disk = trace.size


def _groups(post: Post, people: People) -> dict[str, list[Case]]:
    """Every kind of search, by how it ends, the wanted end first. Those with hits come last."""
    no_hit, refused = (NO_HIT, CANNOT_TELL), (ANSWERED_BADLY,)  # a photo may be too poor to rule a stranger out
    died = (ANSWERED_BADLY, FAILED, CANNOT_TELL)
    return {
        SEALED: [
            Case("face", post.sealed, people.face, no_hit),
            Case("fingers", post.sealed, people.fingers, no_hit),
            Case("face and fingers", post.sealed, people.both, no_hit),
            Case("ANSI/NIST-ITL file", post.sealed_file, people.fingers, no_hit),
        ],
        PLAIN: [
            Case("face", post.plain, people.face, no_hit),
            Case("fingers", post.plain, people.fingers, no_hit),
            Case("one image", post.image, people.fingers, no_hit),
            Case("ANSI/NIST-ITL file", post.file, people.fingers, no_hit),
        ],
        REFUSED: [
            Case("tampered", post.tampered, people.both, refused),
            Case("sealed for another search", post.sealed_for_another_search, people.both, refused),
            Case("no container", post.no_container, people.fingers, refused),
            Case("not signed", post.by_a_stranger, people.both, refused),
            Case("damaged images", post.plain, lambda: _damaged(people.both()), (CANNOT_TELL,)),
        ],
        CRASHED: [
            Case("worker killed", post.killed("worker"), people.both, died),
            Case("front killed", post.killed("front"), people.both, died),
            Case("matcher killed", post.killed("matcher"), people.both, died),
            Case("opener killed", post.killed("opener"), people.both, died),
            Case("hung up", post.hung_up, people.both, died),
        ],
        HIT: [
            Case("fingers, sealed", post.sealed, people.wanted, (HIT,)),
            Case("fingers, plain", post.plain, people.wanted, (HIT,)),
            Case("ANSI/NIST-ITL file", post.file, people.wanted, (HIT,)),
            Case("ANSI/NIST-ITL file, sealed", post.sealed_file, people.wanted, (HIT,)),
        ],
    }


def _never(parts: Sequence[tuple[Case, object]], group: Group) -> list[str]:
    """A group of strangers in which nobody was ruled out shows nothing about no-hits."""
    meant = any(case.outcomes[0] == NO_HIT for case, _ in parts)
    return [f"never {NO_HIT}"] if meant and not group.outcomes[NO_HIT] else []


def _damaged(samples: list[Sample]) -> list[Sample]:
    """The same images, cut off in the middle."""
    return [Sample(s.modality, s.position, s.image[: len(s.image) // 2]) for s in samples]
