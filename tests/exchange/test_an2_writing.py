"""Files that we write are accepted by `nistitl` and come back as they were meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import nistitl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.made import file, text_record

from limen.errors import BadFile
from limen.exchange import an2, conversion
from limen.exchange.an2 import Field, Record
from limen.exchange.an2.answers import OTHER_ERROR, answer
from limen.exchange.an2.writing import Header, image_record, person_record, write
from limen.images import Image, decode, portrait, wsq
from limen.terms import Answer, Modality

AT = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
PIXELS = (np.indices((80, 64)).sum(axis=0) * 3 % 256).astype(np.uint8)
PERSON = {
    "record_id": "FRA/4711",
    "names": ["Zoë Đorđević", "李 小龍"],
    "date_of_birth": "1985-12",
    "sex": "F",
    "nationalities": ["FRA", "SRB"],
    "notice": "red",
    "notice_number": "A-12/3-2026",
    "offence": "Fraud; theft of art",
    "instructions": "Arrest. Call the NCB.",
    "valid_until": "2031-01-31",
    "visible_to": ["BIH", "DEU"],
}


def accepted(data: bytes) -> an2.Transaction:
    other = nistitl.Message()
    other.parse(data)
    ours = an2.read(data)
    assert not ours.problems
    assert len(other) == len(ours.records)
    return ours


def test_a_record_exported_is_imported_as_it_was() -> None:
    images = [
        image_record(Modality.FINGER, 2, wsq.encode(PIXELS), 1, width=64, height=80, ppi=500, source="FR", captured=AT),
        image_record(Modality.MARK, 0, wsq.encode(PIXELS), 2, width=64, height=80, ppi=1000, source="FR", captured=AT),
    ]
    transaction = accepted(write(Header("CPS", "INTERPOL", "FR/SCIJ", at=AT), [person_record(PERSON), *images]))
    assert an2.person_fields(transaction) == PERSON
    assert transaction.type1.text(14) == "20261122120005Z"
    assert transaction.type1.subfields(15) == [("3", "UTF-8")]
    found = [(s.modality, s.position, s.ppi, s.captured, s.data) for s in an2.samples(transaction)]
    assert found == [
        (Modality.FINGER, 2, 500, "2026-11-22", wsq.encode(PIXELS)),
        (Modality.MARK, 0, 1000, "2026-11-22", wsq.encode(PIXELS)),
    ]


text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(str.strip).filter(bool)


@settings(max_examples=100, deadline=None)
@given(st.lists(text, min_size=1, max_size=5, unique=True), text)
def test_any_names_survive(names: list[str], offence: str) -> None:
    fields = an2.person_fields(
        an2.read(write(Header("CPS", "A", "B"), [person_record({"names": names, "offence": offence})]))
    )
    assert fields["names"] == names
    assert fields["offence"] == offence


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(text, min_size=1, max_size=3), min_size=1, max_size=3), st.binary(max_size=300))
def test_fields_and_data_survive_whatever_they_hold(rows: list[list[str]], data: bytes) -> None:
    record = Record(14, 3, (Field(20, tuple(tuple(row) for row in rows)),), data)
    (back,) = an2.read(write(Header("CPS", "A", "B"), [record])).of_type(14)
    assert back.fields[-1].subfields == record.fields[0].subfields
    assert back.data == data
    assert back.idc == 3


def test_separators_in_text_cannot_break_out() -> None:
    data = write(Header("CPS", "A", "B"), [person_record({"names": ["Ann\x1d2.010:FAKE\x1c"]})])
    assert an2.person_fields(accepted(data))["names"] == ["Ann 2.010:FAKE"]


byte = st.integers(0, 255)
positions = st.lists(st.integers(0, 36), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([3, 4, 5, 6]), positions, st.tuples(byte, byte, byte), st.integers(0, 65535), st.binary())
def test_binary_records_survive(
    kind: int, codes: list[int], small: tuple[int, int, int], side: int, data: bytes
) -> None:
    impression, flag, compression = small
    header = [(3, impression), (5, flag), (6, side), (7, 65535 - side), (8, compression)]
    fields = [Field(number, ((str(value),),)) for number, value in header]
    fields.insert(1, Field(4, tuple((str(code),) for code in codes)))
    again = an2.read(write(Header("CPS", "A", "B"), [Record(kind, 7, tuple(fields), data)])).records[1]
    assert (again.type, again.idc, again.fields[2:], again.data) == (kind, 7, tuple(fields), data)


def test_a_binary_record_without_its_header_is_refused() -> None:
    with pytest.raises(BadFile, match=r"4\.003"):
        write(Header("CPS", "A", "B"), [Record(4, 1, ())])
    too_large = tuple(Field(number, (("70000",),)) for number in (3, 4, 5, 6, 7))
    with pytest.raises(BadFile, match="does not fit"):
        write(Header("CPS", "A", "B"), [Record(8, 1, too_large)])


@pytest.mark.data
def test_makers_files_survive_being_written_anew(samples: Path) -> None:
    for file_ in sorted((samples / "exchange" / "an2").iterdir()):
        first = an2.read(file_.read_bytes())
        again = an2.read(conversion.convert(file_.read_bytes(), "x.an2"))
        assert not again.problems, file_.name
        for one, other in zip(first.records[1:], again.records[1:], strict=True):
            assert (one.type, one.idc or 0, one.data) == (other.type, other.idc, other.data), file_.name
            kept = {f.number for f in one.fields} - {1, 2, 999}
            for number in kept:
                assert one.subfields(number) == other.subfields(number), (file_.name, one.tag(number))


def test_repeats_are_written_as_subfields() -> None:
    record = Record(2, 0, (Field(34, (("One",),)), Field(34, (("Two",),))))
    transaction = accepted(write(Header("CPS", "A", "B"), [record]))
    assert transaction.of_type(2)[0].subfields(34) == [("One",), ("Two",)]


REQUEST = an2.read(file([(2, 0, text_record(2, [(2, "00"), (10, "BIH/1")]))]))


def test_a_hit() -> None:
    jpeg = portrait(Image(np.dstack([PIXELS] * 3), None, "png"))
    data = answer(REQUEST, Answer.HIT, "Hit: wanted.", origin="LIMEN", candidate=PERSON, portrait=jpeg, at=AT)
    transaction = accepted(data)
    assert (transaction.kind, transaction.type1.text(10)) == ("SRE", "TCN-0001")
    assert (transaction.type1.text(7), transaction.type1.text(8)) == ("FR/SCIJ", "LIMEN")
    person = transaction.of_type(2)[0]
    assert person.subfields(64) == [("CPS",), ("I",), ("001/001",), ("0",)]
    assert person.text(63) == "Hit: wanted."
    assert an2.person_fields(transaction) == PERSON
    (face,) = an2.samples(transaction)
    assert decode(face.data).pixels.shape == (80, 64, 3)
    assert (face.width, face.height) == (64, 80)


def test_no_hit_and_cannot_tell_show_nothing_of_anyone() -> None:
    nothing = accepted(answer(REQUEST, Answer.NO_HIT, "No hit.", origin="LIMEN", at=AT))
    assert nothing.of_type(2)[0].subfields(64) == [("CPS",), ("N",)]
    assert [record.type for record in nothing.records] == [1, 2]
    unsure = accepted(answer(REQUEST, Answer.CANNOT_TELL, "Too poor.", origin="LIMEN", error=OTHER_ERROR, at=AT))
    assert unsure.kind == "ERR"
    assert unsure.of_type(2)[0].text(74) == "999"


def test_what_cannot_be_written() -> None:
    with pytest.raises(BadFile):
        write(Header("CPS", "A", "B"), [Record(2, 0, ())] * 1000)
    with pytest.raises(BadFile):
        write(Header("CPS", "A", "B"), [Record(4, 0, ())])
    with pytest.raises(BadFile):
        image_record(Modality.FINGER, 1, b"P5 1 1 255\n\0", 1, width=1, height=1, ppi=500, source="X")
