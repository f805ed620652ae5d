"""Records leave as files that other systems take, and files leave as they came, byte for byte."""

import io
from datetime import UTC, datetime
from pathlib import Path

import nistitl
import numpy as np
import pytest
from PIL import Image as Pillow
from sqlalchemy import select, update
from tests.records.drafts import NOW, register
from tests.records.opener import Opener

from limen.countries import EVERYONE
from limen.errors import BadFile, BadInput, Damaged
from limen.exchange import an2
from limen.exchange.an2.rules import check
from limen.images import decode, wsq
from limen.records import encounters, store
from limen.records.export_files import export_files, file_of
from limen.records.importer import Import
from limen.records.personal import Personal
from limen.records.tables import Record, Sample
from limen.settings import Settings
from limen.terms import Modality, Notice, Position, Sex

PIXELS = (np.indices((80, 64)).sum(axis=0) * 3 % 256).astype(np.uint8)
PERSON = Personal(
    record_id="FRA/4711",
    names=("Zoë Đorđević", "李 小龍"),
    date_of_birth="1985-12-01",
    sex=Sex.FEMALE,
    nationalities=("FRA", "SRB"),
    notice=Notice.RED,
    offence="Fraud",
)
FILE = b"1 0\n2 2\n\nrecord_id=X-1\nnames=DOE"  # the stand-in for workers takes it for a file of two samples


def encoded(kind: str, pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, kind)
    return out.getvalue()


def record() -> Record:
    return Record(owner="FRA", visible=EVERYONE, valid_from=0, valid_until=NOW + 86_400, purpose="locate-wanted")


def sample(modality: Modality, position: Position) -> Sample:
    return Sample(modality=int(modality), position=int(position), width=64, height=80, ppi=500, created=NOW)


def test_a_record_becomes_a_file_that_others_take_and_that_follows_the_profile():
    colour = np.stack([PIXELS, PIXELS[::-1], PIXELS], axis=-1)
    images = [
        (sample(Modality.FACE, Position.UNKNOWN), encoded("JPEG", colour)),
        (sample(Modality.FINGER, Position.RIGHT_INDEX), wsq.encode(PIXELS)),
        (sample(Modality.FINGER, Position.PLAIN_RIGHT_FOUR), encoded("TIFF", PIXELS)),
        (sample(Modality.PALM, Position.LEFT_FULL_PALM), encoded("BMP", PIXELS)),
        (sample(Modality.MARK, Position.UNKNOWN), encoded("JPEG2000", PIXELS)),
    ]
    data = file_of(record(), PERSON, images, at=datetime(2026, 11, 22, tzinfo=UTC))
    nistitl.Message().parse(data)
    found = an2.read(data)
    assert check(found, "int-i") == []
    person = an2.person_fields(found)
    assert (person["record_id"], person["names"], person["notice"]) == ("FRA/4711", list(PERSON.names), "red")
    assert [one.type for one in found.records] == [1, 2, 10, 14, 14, 15, 13]
    kinds = [one.text(11) for one in found.records[2:]]
    assert kinds == ["JPEGB", "WSQ20", "PNG", "PNG", "JP2"]
    assert found.records[2].text(12) == "SRGB" and found.records[3].text(12) == "8"
    assert found.records[3].data == images[1][1]  # as it was sent
    for one in found.records[4:6]:
        assert np.array_equal(decode(one.data).grey(), PIXELS)


def test_what_no_file_can_hold_is_refused():
    with pytest.raises(BadFile, match="0"):
        file_of(record(), PERSON, [])
    with pytest.raises(BadFile, match="cannot be written"):
        file_of(record(), PERSON, [(sample(Modality.FACE, Position.UNKNOWN), b"no image")])


def test_a_file_is_kept_and_leaves_byte_for_byte(database, vault, tmp_path: Path):
    register(database, "FRA")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.an2").write_bytes(FILE)
    (folder / "b.an2").write_bytes(FILE.replace(b"X-1", b"X-2"))
    job = Import(Settings(), database, vault, "FRA", folder, enrol=Opener(vault), now=NOW)
    assert [step.outcome for step in job.files([Path("a.an2"), Path("b.an2")])] == ["added", "added"]

    with database.reading("FRA") as session:
        for kept in session.scalars(select(Sample).where(Sample.modality == 0)):
            assert kept.original and FILE[:20] not in kept.original
        [first, second] = store.of_owner(session, "FRA")
        assert [data for one, data in encounters.images_of(first, vault) if not one.modality] == [FILE]

    written = list(export_files(database, vault, "FRA", tmp_path / "out"))
    assert [(tmp_path / "out" / one.file).read_bytes() for one in written] == [FILE, FILE.replace(b"X-1", b"X-2")]
    assert {one.stat().st_mode & 0o777 for one in (tmp_path / "out").iterdir()} == {0o600}
    with pytest.raises(BadInput, match="not empty"):
        list(export_files(database, vault, "FRA", tmp_path / "out"))

    with database.writing("FRA") as session:  # one byte of a kept file changed: it does not open, and is not exported
        [kept] = [one for one in store.by_id(session, second.id).samples if not one.modality]
        changed = kept.original[:-1] + bytes([kept.original[-1] ^ 1])
        session.execute(update(Sample).where(Sample.id == kept.id).values(original=changed))
    again = list(export_files(database, vault, "FRA", tmp_path / "again"))
    assert [bool(one.file) for one in again] == [True, False]
    with database.reading("FRA") as session, pytest.raises(Damaged):
        encounters.images_of(store.by_id(session, second.id), vault)
