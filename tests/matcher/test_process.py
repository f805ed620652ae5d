"""The matcher as a process, with a real vault beside it: feed in, probes in, decisions out."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.matcher.people import face, print_of

from limen.countries import EVERYONE
from limen.errors import BadMessage, BadTemplate, Unavailable
from limen.matcher import ENVIRONMENT
from limen.settings import Settings
from limen.terms import Answer, Modality
from limen.vault.client import VaultClient
from limen.vault.seal import Context, Use
from limen.wire import receive, send
from limen.wire.messages import (
    Chunk,
    Decision,
    Done,
    Expect,
    Forget,
    GalleryBatch,
    GalleryMark,
    GalleryPut,
    GalleryReset,
    GalleryWithdraw,
    ProbeBegin,
    ProbeTemplate,
    Status,
    StatusAsk,
    Verdict,
)
from limen.wire.parts import unpack_matches
from limen.wire.sockets import connect

PROGRAM = """
import sys
from pathlib import Path
from limen.matcher import ENVIRONMENT
from limen.settings import Settings
from limen.{name}.process import main
main(Settings(data=Path(sys.argv[1])), lambda: print("ready", flush=True))
"""
SECONDS = 10.0


def _start(name: str, settings: Settings) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(name=name), str(settings.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | ENVIRONMENT,
    )
    assert process.stdout is not None
    while (line := process.stdout.readline()) and line != "ready\n":
        pass
    return process


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    made = Settings(data=tmp_path_factory.mktemp("hub"))
    processes = [_start("vault", made), _start("matcher", made)]
    yield made
    for process in processes:
        process.terminate()
    assert [process.wait(10) for process in processes] == [0, 0]


@dataclass
class Front:
    """What the front does, with plain sockets."""

    sock: socket.socket
    feed: socket.socket
    settings: Settings

    @classmethod
    @contextlib.contextmanager
    def connected(cls, settings: Settings) -> Iterator[Front]:
        with connect(settings.socket("matcher-front")) as sock, connect(settings.socket("matcher-feed")) as feed:
            yield cls(sock, feed, settings)

    def put(self, person: int, finger: int | None = None, **changes) -> None:
        """Seal and feed one sample (a face if there is no position)."""
        send(self.feed, GalleryBatch.of([_sealed(self.settings, person, finger, **changes)]))

    def mark(self, sequence: int = 1, complete: int = 1) -> None:
        send(self.feed, GalleryMark(sequence, complete))
        assert receive(self.feed, GalleryMark, timeout=SECONDS).sequence == sequence

    def status(self) -> Status:
        send(self.feed, StatusAsk())  # after what was fed
        return receive(self.feed, Status, timeout=SECONDS)

    def answered(self) -> None:
        """All that was said on the line of the searches is done."""
        send(self.sock, StatusAsk())
        receive(self.sock, Status, timeout=SECONDS)

    def search(self, *samples, country: bytes = b"BIH", early: bool = False) -> Decision:
        """Announce a search, send its templates as a worker would, and wait for the decision."""
        search = os.urandom(16)
        expect = Expect(search, country, 1, 5000, 0)
        if not early:
            send(self.sock, expect)
        _probe(self.settings, search, *samples)
        if early:
            send(self.sock, expect)
        decision = receive(self.sock, Decision, timeout=SECONDS)
        assert decision.search == search
        return decision


@pytest.fixture
def front(settings: Settings) -> Iterator[Front]:
    """A front whose gallery holds person 1 with a face and two fingers, person 2 with a face."""
    with Front.connected(settings) as made:
        send(made.feed, GalleryReset())
        made.put(1)
        made.put(1, 2)
        made.put(1, 7)
        made.put(2)
        made.mark()
        yield made


def _sealed(settings: Settings, person: int, finger: int | None, /, **changes) -> GalleryPut:
    template = face(person) if finger is None else print_of(person, finger)
    modality = Modality.FACE if finger is None else Modality.FINGER
    context = Context(
        Use.TEMPLATE, b"FRA", os.urandom(16), os.urandom(16), modality, finger or 0, template.model.encode(), 0
    )
    with VaultClient.connect(settings, "vault-opener") as vault:
        epoch, blob = vault.seal(context, template.pack())
    fields = {
        "record": 10_000 + person,
        "sample": 100 * person + (50 if finger is None else finger),
        "owner": b"FRA",
        "visible": EVERYONE,
        "valid_from": 0,
        "valid_until": 0,
        "modality": modality,
        "position": finger or 0,
        "epoch": epoch,
        "model": template.model.encode().ljust(16, b"\0"),
        "record_id": context.record,
        "sample_id": context.sample,
        "expires": 0,
        "tail": blob,
    }
    return GalleryPut(**fields | changes)


def _probe(settings: Settings, search: bytes, *samples) -> None:
    with connect(settings.socket("matcher-probe")) as worker:
        send(worker, ProbeBegin(search, len(samples)))
        for modality, position, template in samples:
            send(worker, ProbeTemplate(modality, position, template.pack()))
        receive(worker, Done, timeout=SECONDS)


def _person(person: int):
    return (Modality.FACE, 0, face(person, 1)), (Modality.FINGER, 2, print_of(person, 2, 1))


def test_a_sealed_record_is_fed_and_found(front: Front) -> None:
    status = front.status()
    assert (status.records, status.faces, status.fingers, status.rejected, status.sequence) == (2, 2, 2, 0, 1)
    decision = front.search(*_person(1))
    assert Answer.from_wire(decision.answer) is Answer.HIT
    (match,) = unpack_matches(decision.tail, decision.count)
    assert (match.record, match.strength) == (10_001, 2)
    assert (decision.records, decision.samples) == (2, 4)
    assert 0 < decision.micros < 5_000_000


def test_the_worker_hears_whether_to_hold_the_capture(settings: Settings, front: Front) -> None:
    for person, keep in ((1, 1), (77, 0)):
        search = os.urandom(16)
        send(front.sock, Expect(search, b"BIH", 1, 5000, 0))
        with connect(settings.socket("matcher-probe")) as worker:
            send(worker, ProbeBegin(search, 2))
            for modality, position, template in _person(person):
                send(worker, ProbeTemplate(modality, position, template.pack()))
            receive(worker, Done, timeout=SECONDS)
            assert receive(worker, Verdict, timeout=SECONDS) == Verdict(keep, b"BIH")
        assert receive(front.sock, Decision, timeout=SECONDS).search == search


def test_a_worker_that_does_not_end_keeps_no_decision_back(settings: Settings, front: Front) -> None:
    search = os.urandom(16)
    send(front.sock, Expect(search, b"BIH", 1, 5000, 0))
    with connect(settings.socket("matcher-probe")) as worker:
        send(worker, ProbeBegin(search, 1))
        send(worker, ProbeTemplate(*_person(77)[0][:2], _person(77)[0][2].pack()))
        assert receive(front.sock, Decision, timeout=SECONDS).search == search


def test_a_stranger_is_no_hit(front: Front) -> None:
    decision = front.search(*_person(77))
    assert (Answer.from_wire(decision.answer), decision.count, decision.tail) == (Answer.NO_HIT, 0, b"")


def test_a_probe_may_come_before_its_announcement(front: Front) -> None:
    assert Answer.from_wire(front.search(*_person(1), early=True).answer) is Answer.HIT


def test_until_the_feed_is_complete_nothing_is_ruled_out(front: Front) -> None:
    front.mark(2, complete=0)
    assert Answer.from_wire(front.search(*_person(77)).answer) is Answer.CANNOT_TELL
    send(front.feed, GalleryReset())
    assert front.status().records == 0
    assert Answer.from_wire(front.search(*_person(77)).answer) is Answer.CANNOT_TELL


def test_a_feed_goes_on_from_the_mark_that_the_matcher_names(settings: Settings, front: Front) -> None:
    front.mark(41)
    front.feed.close()
    with Front.connected(settings) as second:
        assert second.status().sequence == 41
        second.mark(42)
        assert Answer.from_wire(second.search(*_person(1)).answer) is Answer.HIT
        assert Answer.from_wire(second.search(*_person(77)).answer) is Answer.NO_HIT
        send(second.feed, GalleryReset())
        assert second.status().sequence == 0


def test_when_the_feed_breaks_off_nothing_is_ruled_out(settings: Settings, front: Front) -> None:
    with Front.connected(settings) as second:
        front.feed.close()
        deadline = time.monotonic() + SECONDS
        answer = Answer.NO_HIT
        while answer is not Answer.CANNOT_TELL and time.monotonic() < deadline:
            answer = Answer.from_wire(second.search(*_person(77)).answer)
    assert answer is Answer.CANNOT_TELL


def test_a_withdrawn_record_is_gone_at_once(front: Front) -> None:
    send(front.feed, GalleryBatch.of([GalleryWithdraw(10_001, 0)]))
    assert front.status().fingers == 0
    assert Answer.from_wire(front.search(*_person(1)).answer) is Answer.NO_HIT


@pytest.mark.parametrize(
    "change",
    [
        {"record_id": bytes(16)},
        {"owner": b"DEU"},
        {"expires": 4_000_000_000},
        {"position": 3},
        {"tail": b"short"},
        {"epoch": 7},
        {"modality": 9},
        {"owner": b"\xff\xff\xff"},
    ],
)
def test_a_blob_that_was_moved_or_changed_is_rejected(front: Front, change: dict) -> None:
    front.put(1, 2, **change)
    front.mark(3)
    status = front.status()
    assert (status.rejected, status.fingers) == (1, 1)  # nor does what it replaced stay


def test_an_expired_record_never_matches(front: Front) -> None:
    for position in (None, 2):
        front.put(3, position, valid_until=int(time.time()) - 1)
    front.mark(4)
    assert Answer.from_wire(front.search(*_person(3)).answer) is Answer.NO_HIT


def test_a_forgotten_search_takes_no_probe(front: Front) -> None:
    search = os.urandom(16)
    send(front.sock, Expect(search, b"BIH", 1, 5000, 0))
    send(front.sock, Forget(search))
    front.answered()
    _probe(front.settings, search, *_person(1))
    front.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        front.sock.recv(1)


def test_who_breaks_the_protocol_is_cut_off_and_the_rest_goes_on(settings: Settings, front: Front) -> None:
    with connect(settings.socket("matcher-probe")) as worker:
        send(worker, Chunk(b"hello"))
        with pytest.raises(BadMessage):
            receive(worker, Done, timeout=SECONDS)
    with connect(settings.socket("matcher-probe")) as worker:
        send(worker, ProbeBegin(os.urandom(16), 1))
        send(worker, ProbeTemplate(1, 0, b"\0" * 40))
        with pytest.raises(BadTemplate):
            receive(worker, Done, timeout=SECONDS)
    with connect(settings.socket("matcher-front")) as other:
        send(other, Expect(os.urandom(16), b"???", 1, 1000, 0))
        with pytest.raises((BadMessage, Unavailable)):
            receive(other, Decision, timeout=SECONDS)
    assert Answer.from_wire(front.search(*_person(1)).answer) is Answer.HIT


def test_what_a_probe_held_is_not_in_memory_afterwards(tmp_path: Path) -> None:
    """A probe's numbers are looked for in all writable memory of the matcher, which runs as the hub starts it."""
    process = _start("matcher", Settings(data=tmp_path))
    try:
        with Front.connected(Settings(data=tmp_path)) as lone:
            send(lone.feed, GalleryReset())
            lone.mark()
            template = face(99, 1)
            probe = ((Modality.FACE, 0, template), *_person(99)[1:])
            fingers = [part.x[:12].tobytes() for modality, _, part in probe if modality is Modality.FINGER]
            needle = template.vector[:12].tobytes()
            lone.search(*probe)
            lone.answered()
            assert [_find(process.pid, thing) for thing in (needle, *fingers)] == [0] * (1 + len(fingers))
            early = os.urandom(16)
            _probe(lone.settings, early, *probe)  # waits for its announcement: now there is something to be found
            assert _find(process.pid, needle) > 0
            send(lone.sock, Forget(early))
            lone.answered()
            assert _find(process.pid, needle) == 0
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _find(pid: int, needle: bytes) -> int:
    """How often the bytes occur in a process's writable memory."""
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if "rw" not in rights:
                continue
            first, last = (int(end, 16) for end in span.split("-"))
            memory.seek(first)
            try:
                found += memory.read(last - first).count(needle)
            except OSError:
                continue
    return found


def test_a_batch_of_many_changes_is_in_force_when_its_mark_comes_back(settings: Settings, front: Front) -> None:
    puts = [_sealed(settings, person, finger) for person in range(20, 60) for finger in (None, 2, 7)]
    bad = _sealed(settings, 60, 2, owner=b"DEU")
    again = _sealed(settings, 20, 2)
    gone = [GalleryWithdraw(10_021, 0), GalleryWithdraw(10_022, 2207)]
    send(front.feed, GalleryBatch.of([*puts, bad, *gone, again]))
    send(front.feed, GalleryBatch.of([GalleryWithdraw(10_020, 2002), *(puts[4:] * 3)[:300]]))
    front.mark(9)
    status = front.status()
    assert (status.records, status.faces, status.fingers, status.rejected) == (42, 41, 81, 1)
    assert Answer.from_wire(front.search(*_person(30)).answer) is Answer.HIT
    assert Answer.from_wire(front.search(*_person(77)).answer) is Answer.NO_HIT
