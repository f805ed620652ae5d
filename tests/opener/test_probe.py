"""A capture goes in, templates go to the matcher, a report without content comes back, and the worker is gone."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image as Pillow

from limen.capture.container import Sample, encode
from limen.capture.device import Statement, sign_capture
from limen.capture.offer import Offer as Terms
from limen.capture.offer import verify_offer
from limen.capture.sealing import seal_capture
from limen.errors import LimenError, Unavailable
from limen.exchange import an2
from limen.face.template import FaceTemplate
from limen.reasons import Reason, from_mask
from limen.terms import Modality, Position
from limen.vault.client import VaultClient
from limen.wire import Message, receive, send
from limen.wire.messages import (
    CHUNK,
    CaptureStart,
    Chunk,
    DeviceKey,
    DeviceSaid,
    Done,
    End,
    FacesSeen,
    FileHead,
    Offer,
    PlainImage,
    ProbeJob,
    Report,
)
from limen.wire.parts import unpack_faces, unpack_samples
from limen.wire.sockets import connect

from .conftest import Opened

SEALED, PLAIN = CaptureStart(1, 0), CaptureStart(2, 0)
DEVICE = Ed25519PrivateKey.generate()


def jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


class Search:
    """The front's side of one search."""

    def __init__(self, opened: Opened, seconds: int = 5) -> None:
        self.socket = connect(opened.settings.socket("opener-probe"))
        self.id = os.urandom(16)
        send(self.socket, ProbeJob(self.id, int(time.time()) + seconds))
        self.offer = receive(self.socket, Offer, timeout=10)
        self.terms = Terms(self.offer.search, self.offer.nonce, self.offer.public_key, self.offer.expires)

    def pass_on(self, start: Message, data: bytes, total: int | None = None) -> None:
        send(self.socket, start)
        for at in range(0, len(data), CHUNK):
            send(self.socket, Chunk(data[at : at + CHUNK]))
        send(self.socket, End(len(data) if total is None else total))

    def report(self, seconds: float = 20) -> Report:
        return receive(self.socket, Report, timeout=seconds)

    def ended(self) -> bool:
        self.socket.settimeout(5)
        return self.socket.recv(1) == b""


def face(image: bytes) -> Sample:
    return Sample(Modality.FACE, Position.UNKNOWN, image)


def test_a_sealed_capture_reaches_the_matcher_as_a_template(opened: Opened, portrait: bytes) -> None:
    search = Search(opened)
    with VaultClient.connect(opened.settings) as vault:
        verify_offer(search.terms, search.offer.signature, vault.identity(), now=time.time())
    search.pass_on(SEALED, seal_capture(search.terms, encode([face(portrait)])))
    report = search.report()
    assert (report.outcome, report.count) == (1, 1)
    sample = unpack_samples(report.tail, 1)[0]
    assert (sample.modality, sample.status) == (Modality.FACE, 1)
    assert sample.quality <= 100
    (template,) = opened.matcher.taken.pop(search.id)
    assert FaceTemplate.unpack(template.tail).model == "sface"
    assert search.ended(), "the worker is gone after its report"


def test_plain_containers_and_single_images_are_served_too(opened: Opened, portrait: bytes) -> None:
    for start, data in ((PLAIN, encode([face(portrait)])), (PlainImage(Modality.FACE, 0), portrait)):
        search = Search(opened)
        search.pass_on(start, data)
        assert search.report().outcome == 1
        assert len(opened.matcher.taken.pop(search.id)) == 1


def test_a_photo_of_two_people_tells_where_they_are_and_one_can_be_chosen(opened: Opened, portrait: bytes) -> None:
    one = np.asarray(Pillow.open(io.BytesIO(portrait)))[:300, 100:350]
    pair = jpeg(np.concatenate([one, one[:, ::-1]], axis=1))
    vectors = []
    for number in (0, 1, 2):
        search = Search(opened)
        sample = Sample(Modality.FACE, Position.UNKNOWN, pair, number)
        search.pass_on(SEALED, seal_capture(search.terms, encode([sample])))
        seen, report = receive(search.socket, FacesSeen, timeout=20), search.report()
        assert (seen.sample, seen.count, seen.chosen) == (0, 2, number or seen.chosen)
        assert all(0.2 < box.y + box.height / 2 < 0.6 for box in unpack_faces(seen.tail, 2))
        [said] = unpack_samples(report.tail, 1)
        assert (Reason.SEVERAL_FACES in from_mask(said.reasons)) == (number == 0)
        [template] = opened.matcher.taken.pop(search.id)
        vectors.append(FaceTemplate.unpack(template.tail).vector)
    assert float(vectors[1] @ vectors[2]) < 0.9999  # two photos of one person, not one twice
    assert max(float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])) > 0.9999


def test_every_offer_is_another_key(opened: Opened) -> None:
    searches = [Search(opened) for _ in range(3)]
    assert len({s.offer.public_key for s in searches}) == len({s.offer.nonce for s in searches}) == 3
    for search in searches:
        search.socket.close()
    opened.wait_idle()


def test_what_is_sealed_for_another_search_does_not_open(opened: Opened, portrait: bytes) -> None:
    one, other = Search(opened), Search(opened)
    other.pass_on(SEALED, seal_capture(one.terms, encode([face(portrait)])))
    assert other.report() == Report(3, 0, 0, b"")
    one.pass_on(SEALED, b"x" + seal_capture(one.terms, encode([face(portrait)]))[1:])
    assert one.report() == Report(3, 0, 0, b"")
    assert not {one.id, other.id} & set(opened.matcher.taken)


def test_useless_images_are_reported_with_reasons(opened: Opened) -> None:
    head = b"IHDR" + bytes.fromhex("000f4240000f42400802000000")  # a million pixels square
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + zlib.crc32(head).to_bytes(4, "big") + b"\0\0\0\0IDAT"
    images = [jpeg(np.full((200, 200, 3), 128, np.uint8)), b"GIF89a not ours", b"\xff\xd8\xff\xe0 cut", bomb]
    search = Search(opened)
    search.pass_on(SEALED, seal_capture(search.terms, encode([face(image) for image in images])))
    report = search.report()
    assert (report.outcome, report.count) == (2, 4)
    reasons = [set(from_mask(sample.reasons)) for sample in unpack_samples(report.tail, 4)]
    assert Reason.NO_FACE in reasons[0]
    assert reasons[1:] == [{Reason.UNSUPPORTED_FORMAT}, {Reason.UNREADABLE}, {Reason.TOO_LARGE}]
    assert search.id not in opened.matcher.taken


@pytest.mark.parametrize("start", [PLAIN, SEALED])
def test_garbage_is_no_capture(opened: Opened, start: CaptureStart) -> None:
    search = Search(opened)
    search.pass_on(start, os.urandom(1000))
    assert search.report() == Report(3, 0, 0, b"")


def test_a_front_that_hangs_up_ends_its_worker(opened: Opened) -> None:
    search = Search(opened)
    send(search.socket, PLAIN)
    send(search.socket, Chunk(b"half a capture"))
    search.socket.close()
    opened.wait_idle()


def test_wrong_totals_and_foreign_messages_process_nothing(opened: Opened, portrait: bytes) -> None:
    short = Search(opened)
    short.pass_on(PlainImage(Modality.FACE, 0), portrait, total=len(portrait) + 1)
    rude = Search(opened)
    send(rude.socket, ProbeJob(bytes(16), 0))
    for search in (short, rude):
        with pytest.raises(LimenError):
            search.report()
        assert search.id not in opened.matcher.taken
    opened.wait_idle()


def test_an_offer_that_nobody_takes_up_expires(opened: Opened) -> None:
    search = Search(opened, seconds=1)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        search.report(seconds=60)
    assert time.monotonic() - started < 30
    opened.wait_idle()


def test_more_searches_than_workers_wait_for_their_turn(opened: Opened) -> None:
    """Four workers may live, one of which is kept for enrolment, so a fourth search waits for another to end."""
    opened.wait_idle()
    searches = [Search(opened) for _ in range(3)]
    fourth = connect(opened.settings.socket("opener-probe"))
    send(fourth, ProbeJob(os.urandom(16), int(time.time()) + 5))
    fourth.settimeout(0.3)
    with pytest.raises(TimeoutError):
        fourth.recv(1)
    fourth.settimeout(None)
    searches[0].socket.close()
    receive(fourth, Offer, timeout=4)
    for sock in (fourth, searches[1].socket, searches[2].socket):
        sock.close()
    opened.wait_idle()


def test_no_descriptor_stays_behind(opened: Opened, portrait: bytes) -> None:
    opened.wait_idle()
    folder = Path(f"/proc/{opened.hub.pids['opener']}/fd")
    before = len(list(folder.iterdir()))
    for _ in range(5):
        search = Search(opened)
        search.pass_on(PlainImage(Modality.FACE, 0), portrait)
        assert search.report().outcome == 1
        search.socket.close()
    deadline = time.monotonic() + 10
    while len(list(folder.iterdir())) != before:
        assert time.monotonic() < deadline, [entry.readlink() for entry in folder.iterdir()]
        time.sleep(0.05)


@pytest.mark.data
def test_a_file_that_kills_its_decoder_costs_only_its_search(opened: Opened, samples: Path, portrait: bytes) -> None:
    files = sorted((samples / "exchange" / "malformed").iterdir())
    assert files
    for file in files:
        search = Search(opened)
        search.pass_on(PlainImage(Modality.FINGER, Position.RIGHT_INDEX), file.read_bytes())
        with contextlib.suppress(Unavailable):  # the worker died; the front sees its connection close
            assert search.report().outcome == 2
        good = Search(opened)
        good.pass_on(PlainImage(Modality.FACE, 0), portrait)
        assert good.report().outcome == 1
    opened.wait_idle()
    assert isinstance(good.socket, socket.socket)


def test_looking_whether_the_opener_listens_costs_no_worker(opened: Opened) -> None:
    opened.wait_idle()
    time.sleep(0.2)  # until the last of earlier tests' workers is buried
    zygote = opened.hub.pids["opener"]
    children = Path(f"/proc/{zygote}/task/{zygote}/children")
    before = children.read_text().split()
    for name in ("opener-probe", "opener-enrol"):
        for _ in range(100):
            connect(opened.settings.socket(name)).close()
    silent = [connect(opened.settings.socket("opener-probe")) for _ in range(100)]
    time.sleep(0.2)
    assert children.read_text().split() == before
    Search(opened).socket.close()  # still served
    for sock in silent:
        sock.close()
    opened.wait_idle()


def device_search(
    opened: Opened, image: bytes, *, key: Ed25519PrivateKey, counter: int = 7
) -> tuple[Search, DeviceSaid]:
    """A search whose capture a device signed, up to what the worker says of the signature."""
    search = Search(opened)
    public = DEVICE.public_key().public_bytes_raw()
    send(search.socket, DeviceKey(public, b"BIH/post7"))
    samples = [face(image)]
    signed = sign_capture(samples, search.terms, Statement("BIH/post7", counter, int(time.time())), key)
    search.pass_on(SEALED, seal_capture(search.terms, encode(samples, signed)))
    return search, receive(search.socket, DeviceSaid, timeout=10)


def test_a_devices_signature_is_checked_before_anything_is_processed(opened: Opened, portrait: bytes) -> None:
    search, said = device_search(opened, portrait, key=DEVICE)
    assert (said.verdict, said.counter) == (1, 7)
    assert abs(said.time - time.time()) < 30
    send(search.socket, Done())
    assert search.report().outcome == 1

    search, said = device_search(opened, portrait, key=Ed25519PrivateKey.generate())
    assert (said.verdict, said.counter, said.time) == (3, 0, 0)
    search.socket.close()
    time.sleep(0.3)
    assert search.id not in opened.matcher.taken


def test_a_capture_without_its_devices_signature_says_so(opened: Opened, portrait: bytes) -> None:
    search = Search(opened)
    send(search.socket, DeviceKey(bytes(32), b"BIH/post7"))
    search.pass_on(PlainImage(Modality.FACE, 0), portrait)
    assert receive(search.socket, DeviceSaid, timeout=10) == DeviceSaid(2, 0, 0)
    send(search.socket, Done())
    assert search.report().outcome == 1


def test_a_front_that_hangs_up_kills_its_worker_in_the_midst_of_its_work(opened: Opened, portrait: bytes) -> None:
    opened.wait_idle()
    search = Search(opened)
    search.pass_on(PLAIN, encode([face(portrait)] * 32))
    time.sleep(0.2)
    with pytest.raises(BlockingIOError):
        search.socket.recv(1, socket.MSG_DONTWAIT)
    log = opened.settings.data / "log" / "limen.jsonl"
    deaths = log.read_text().count('"why": "signal 9"')
    search.socket.close()
    deadline = time.monotonic() + 2
    while log.read_text().count('"why": "signal 9"') == deaths:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert search.id not in opened.matcher.taken
    opened.wait_idle()


def test_a_sealed_file_is_opened_by_the_worker_alone(opened: Opened, portrait: bytes) -> None:
    picture = an2.image_record(
        Modality.FACE, Position.UNKNOWN, portrait, 1, width=512, height=512, ppi=None, source="X"
    )
    header = an2.Header(kind="CPS", destination="LIMEN", origin="BIH/POST")
    file = an2.write(header, [an2.person_record({}, 0), picture])
    search = Search(opened)
    search.pass_on(CaptureStart(4, 1), seal_capture(search.terms, file))
    assert receive(search.socket, FileHead, timeout=20).transaction.rstrip(b"\0") == b"CPS"
    assert search.report().outcome == 1 and search.ended()
    other = Search(opened)
    other.pass_on(CaptureStart(4, 1), seal_capture(search.terms, file))
    assert other.report().outcome == 3
