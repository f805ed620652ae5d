"""An image or file goes in; sealed templates, portraits and originals come back, bound to what they are."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cbor2
import numpy as np
import pytest
from PIL import Image as Pillow

from limen.errors import BadFile, BadImage, Damaged, LimenError
from limen.face.template import FaceTemplate
from limen.reasons import Reason, from_mask
from limen.ridge import stored
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality, Position
from limen.vault.client import VaultClient
from limen.vault.seal import Context, Use, open_blob
from limen.wire import Message, receive, send
from limen.wire.messages import CHUNK, Chunk, Done, End, EnrolJob, Enrolled, Fields
from limen.wire.sockets import connect

from ..exchange.made import file, text_record
from ..ridge.test_extract_slap import TIPS, drawn_slap
from .conftest import Opened

EXPIRES = 2_000_000_000
RECORD = bytes(range(16))


def enrol(
    opened: Opened, data: bytes, *, what: int = 1, modality: int = 1, position: int = 0, flags: int = 0, ppi: int = 0
) -> list[Message]:
    """All answers of a worker up to Done."""
    with connect(opened.settings.socket("opener-enrol")) as sock:
        sample = bytes(range(16, 32))
        send(sock, EnrolJob(what, b"FRA", RECORD, sample, modality, position, ppi, EXPIRES, flags))
        for at in range(0, len(data), CHUNK):
            send(sock, Chunk(data[at : at + CHUNK]))
        send(sock, End(len(data)))
        answers: list[Message] = []
        while not isinstance(answer := receive(sock, Enrolled, Fields, Done, timeout=60), Done):
            answers.append(answer)
        return answers


def context(use: Use, enrolled: Enrolled) -> Context:
    model = enrolled.model if use is Use.TEMPLATE else b""
    return Context(use, b"FRA", RECORD, enrolled.sample, enrolled.modality, enrolled.position, model, EXPIRES)


def _print(opened, enrolled: Enrolled) -> RidgeTemplate:
    """The print of a sample, which is stored with its codes."""
    kept = template_of(opened, enrolled)
    packed = stored.template_of(kept)
    assert kept == stored.stored(packed)
    return RidgeTemplate.unpack(packed)


def template_of(opened: Opened, enrolled: Enrolled) -> bytes:
    with VaultClient.connect(opened.settings, "vault-matcher") as matcher:
        return open_blob(
            matcher.template_keys("FRA", enrolled.epoch, RECORD)[RECORD],
            context(Use.TEMPLATE, enrolled),
            enrolled.blobs()[0],
        )


def test_a_portrait_is_enrolled(opened: Opened, portrait: bytes) -> None:
    (enrolled,) = enrol(opened, portrait, flags=1)
    assert isinstance(enrolled, Enrolled)
    assert (enrolled.usable, enrolled.width, enrolled.height) == (1, 512, 512)
    template = FaceTemplate.unpack(template_of(opened, enrolled))
    assert (template.model, template.quality) == ("sface", enrolled.quality)
    _, picture, original = enrolled.blobs()
    with VaultClient.connect(opened.settings) as front:
        shown = Pillow.open(io.BytesIO(front.unseal(context(Use.SAMPLE, enrolled), picture)))
        assert (shown.format, shown.height) == ("JPEG", 480)
        assert front.unseal(context(Use.FILE, enrolled), original) == portrait
        with pytest.raises(Damaged):
            front.unseal(context(Use.SAMPLE, enrolled), original)


def test_a_picture_without_a_face_has_no_template_but_reasons(opened: Opened) -> None:
    out = io.BytesIO()
    Pillow.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(out, "PNG")
    (enrolled,) = enrol(opened, out.getvalue())
    assert isinstance(enrolled, Enrolled)
    assert (enrolled.usable, enrolled.template_length, enrolled.original_length) == (0, 0, 0)
    assert Reason.NO_FACE in from_mask(enrolled.reasons)


def test_what_cannot_be_read_is_refused_with_its_reason(opened: Opened) -> None:
    with pytest.raises(BadImage, match="not supported"):
        enrol(opened, b"GIF89a" + os.urandom(100))
    with pytest.raises(BadFile, match="no ANSI/NIST-ITL file"):
        enrol(opened, os.urandom(100), what=2)
    with pytest.raises(LimenError):
        enrol(opened, b"x", what=9)
    with pytest.raises(LimenError):
        enrol(opened, b"x", modality=77)
    opened.wait_idle()


@pytest.mark.data
def test_a_finger_is_enrolled(opened: Opened, samples: Path) -> None:
    file = next((samples / "fingerprints" / "fvc2002_db1_b").glob("*_1.tif"))
    (enrolled,) = enrol(opened, file.read_bytes(), modality=Modality.FINGER, position=Position.RIGHT_INDEX, ppi=500)
    assert isinstance(enrolled, Enrolled)
    template = _print(opened, enrolled)
    assert template.position == Position.RIGHT_INDEX
    assert 10 < enrolled.minutiae <= len(template)
    assert enrolled.ppi == 500


@pytest.mark.data
def test_a_file_is_enrolled_sample_by_sample(opened: Opened, samples: Path) -> None:
    file = samples / "exchange" / "an2" / "face_jpb_DOM_GMT_DCS.an2"
    data = file.read_bytes()
    *enrolled, fields = enrol(opened, data, what=2, modality=0, flags=1)
    assert isinstance(fields, Fields)
    assert set(cbor2.loads(fields.tail)) == {"person", "problems"}
    *found, whole = [answer for answer in enrolled if isinstance(answer, Enrolled)]
    assert len({sample.sample for sample in found}) == len(found)
    assert (whole.modality, whole.usable) == (0, 0)
    with VaultClient.connect(opened.settings) as front:
        assert front.unseal(context(Use.FILE, whole), whole.blobs()[2]) == data
    again = enrol(opened, data, what=2, modality=0)
    assert [a.sample for a in again if isinstance(a, Enrolled)] == [sample.sample for sample in found]


def test_a_slap_is_enrolled_finger_by_finger_and_kept_whole(opened: Opened) -> None:
    out = io.BytesIO()
    Pillow.fromarray(drawn_slap(TIPS)).save(out, "PNG")
    answers = enrol(opened, out.getvalue(), modality=2, position=Position.PLAIN_RIGHT_FOUR, flags=1, ppi=500)
    *fingers, whole = [answer for answer in answers if isinstance(answer, Enrolled)]
    assert [(one.usable, one.position) for one in fingers] == [(1, 2), (1, 3), (1, 4), (1, 5)]
    assert [_print(opened, one).position for one in fingers] == [2, 3, 4, 5]
    assert len({one.sample for one in answers if isinstance(one, Enrolled)}) == 5
    assert (whole.usable, whole.position, whole.sample) == (0, Position.PLAIN_RIGHT_FOUR, bytes(range(16, 32)))
    with VaultClient.connect(opened.settings) as front:
        assert front.unseal(context(Use.FILE, whole), whole.blobs()[2]) == out.getvalue()


def test_an_examiners_minutiae_are_enrolled_alone_and_with_their_mark(opened: Opened) -> None:
    rows = "|".join(f"{n}~{40 + 9 * n}~{50 + 17 * (n % 9)}~{7 * n}~1~0" for n in range(14))
    plotted = [(2, "01"), (3, "4"), (4, "S"), (5, "LIMEN~M"), (130, "01"), (131, "500"), (132, "500"), (137, rows)]
    alone = enrol(opened, file([(9, 1, text_record(9, plotted))]), what=2, modality=0)
    (mark,) = [answer for answer in alone if isinstance(answer, Enrolled)]
    assert (mark.usable, mark.modality, mark.model.rstrip(b"\0")) == (1, Modality.MARK, b"examiner")
    template = _print(opened, mark)
    assert (len(template), mark.minutiae) == (14, 14)

    blank = np.full((300, 250), 170, np.uint8).tobytes()
    image = [(2, "01"), (3, "4"), (6, "250"), (7, "300"), (8, "1"), (9, "500"), (10, "500"), (11, "NONE"), (12, "8"),
             (13, "0")]  # fmt: skip
    records = [(13, 1, text_record(13, image, blank)), (9, 1, text_record(9, plotted))]
    (mark,) = [a for a in enrol(opened, file(records), what=2, modality=0) if isinstance(a, Enrolled)]
    assert (mark.usable, mark.modality, mark.minutiae) == (1, Modality.MARK, 14), "nothing to be seen on the image"
