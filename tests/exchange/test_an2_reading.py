"""Reading ANSI/NIST-ITL files that are right, wrong and hostile, all made here."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.made import FS, GS, file, text_record, type4

from limen.errors import BadFile, BadImage
from limen.exchange import an2
from limen.images import decode, wsq
from limen.terms import Modality, Position

PIXELS = (np.indices((80, 64)).sum(axis=0) * 3 % 256).astype(np.uint8)
PERSON = text_record(2, [(2, "00"), (10, "FR/4711"), (30, "Ælfgifu Čapek"), (35, "19851231"), (38, "FRA"), (39, "F")])


def messages(transaction: an2.Transaction) -> str:
    return "; ".join(f"{p.record} {p.field} {p.message}" for p in transaction.problems)


def test_an_interpol_file() -> None:
    finger = text_record(
        14,
        [(2, "02"), (3, "0"), (5, "20260131"), (6, "64"), (7, "80"), (8, "1"), (9, "500"), (10, "500"), (11, "NONE"),
         (12, "8"), (13, "7")],
        PIXELS.tobytes(),
    )  # fmt: skip
    data = file([(2, 0, PERSON), (4, 1, type4(1, 2, PIXELS.tobytes(), 64, 80)), (14, 2, finger)])
    transaction = an2.read(data)
    assert not transaction.problems
    assert transaction.original == data
    assert transaction.kind == "CPS"
    first, second = an2.samples(transaction)
    assert (first.modality, first.position, first.ppi, first.idc) == (Modality.FINGER, Position.RIGHT_INDEX, 500, 1)
    assert (second.position, second.ppi, second.captured) == (Position.LEFT_INDEX, 500, "2026-01-31")
    for sample in (first, second):
        image = decode(sample.data)
        assert np.array_equal(image.pixels, PIXELS)
        assert image.ppi == 500
    assert an2.person_fields(transaction) == {
        "record_id": "FR/4711",
        "names": ["Ælfgifu Čapek"],
        "date_of_birth": "1985-12-31",
        "sex": "F",
        "nationalities": ["FRA"],
    }


def test_native_resolution_comes_from_the_type_1_record() -> None:
    record = type4(1, 2, PIXELS.tobytes(), 64, 80, native=1)
    data = file([(4, 1, record)]).replace(b"1.011:19.69", b"1.011:39.37")
    assert an2.samples(an2.read(data))[0].ppi == 1000


def test_compressed_images_stay_byte_for_byte() -> None:
    image = wsq.encode(PIXELS)
    sample = an2.samples(an2.read(file([(4, 1, type4(1, 6, image, 64, 80, compression=1))])))[0]
    assert sample.data == image
    assert sample.compression == "WSQ20"


def test_repeated_fields_are_kept() -> None:
    person = text_record(2, [(2, "00"), (30, "Ann Lee"), (34, "First Alias"), (34, "Second Alias")])
    transaction = an2.read(file([(2, 0, person)]))
    assert "2.034 occurs more than once" in messages(transaction)
    assert an2.person_fields(transaction)["names"] == ["Ann Lee", "First Alias", "Second Alias"]


def test_names_in_utf_8_and_latin_1() -> None:
    utf8 = text_record(2, [(2, "00"), (30, "Łucja Đorđević, Žofia 李")])
    assert an2.person_fields(an2.read(file([(2, 0, utf8)])))["names"] == ["Łucja Đorđević, Žofia 李"]
    latin = text_record(2, [(2, "00"), (30, "José Muñoz".encode("latin-1"))])
    transaction = an2.read(file([(2, 0, latin)]))
    assert an2.person_fields(transaction)["names"] == ["José Muñoz"]
    assert "2.030 is neither ASCII nor UTF-8" in messages(transaction)


def test_names_of_several_items() -> None:
    person = text_record(2, [(2, "00"), (30, "Dr~Renate~Erika~Mustermann~~Schmidt~"), (34, "~~~~~~The Ghost")])
    assert an2.person_fields(an2.read(file([(2, 0, person)])))["names"] == [
        "Dr Renate Erika Mustermann (née Schmidt)",
        "The Ghost",
    ]


def test_north_american_files() -> None:
    person = text_record(2, [(2, "00"), (9, "OCA1"), (18, "DOE,JOHN Q"), (21, "US|MEX"), (22, "19700000"), (24, "M")])
    data = file([(2, 0, person)], domain="NORAM~11.0")
    assert an2.person_fields(an2.read(data)) == {
        "record_id": "OCA1",
        "names": ["JOHN Q DOE"],
        "date_of_birth": "1970",
        "sex": "M",
        "nationalities": ["MEX"],
    }


def test_slaps_are_cut_along_their_segments() -> None:
    slap = np.full((200, 400), 90, np.uint8)
    slap[:, 200:] = 170
    common = [(2, "01"), (3, "0"), (6, "400"), (7, "200"), (8, "1"), (9, "500"), (10, "500"), (11, "NONE"), (12, "8")]
    boxes = text_record(14, [*common, (13, "13"), (21, "2~10~109~20~179|3~210~309~30~189")], slap.tobytes())
    index, middle = an2.samples(an2.read(file([(14, 1, boxes)])))
    assert (index.position, middle.position) == (Position.RIGHT_INDEX, Position.RIGHT_MIDDLE)
    assert index.segment and (index.width, index.height) == (100, 160)
    assert (decode(index.data).pixels == 90).all()
    assert (decode(middle.data).pixels == 170).all()
    corners = text_record(14, [*common, (13, "14"), (25, "7~4~0~100~100~0~200~100~100~199")], slap.tobytes())
    (finger,) = an2.samples(an2.read(file([(14, 1, corners)])))
    pixels = decode(finger.data).pixels
    assert pixels[0, 0] == 255, "white outside the outline"
    assert pixels[100, 100] == 90
    placeholders = text_record(14, [*common, (13, "13"), (21, "2~11~11~11~11")], slap.tobytes())
    (whole,) = an2.samples(an2.read(file([(14, 1, placeholders)])))
    assert (whole.position, whole.segment) == (Position.PLAIN_RIGHT_FOUR, False)


def test_several_possible_positions_are_no_position() -> None:
    mark = text_record(13, [(2, "01"), (3, "4"), (6, "64"), (7, "80"), (8, "2"), (9, "394"), (11, "NONE"), (12, "8"),
                            (13, "1|2")], PIXELS.tobytes())  # fmt: skip
    (sample,) = an2.samples(an2.read(file([(13, 1, mark)])))
    assert (sample.modality, sample.position) == (Modality.MARK, Position.UNKNOWN)
    assert sample.ppi == pytest.approx(1000.8)


def test_sixteen_bit_and_colour_raw_images() -> None:
    deep = (PIXELS.astype(">u2") * 257).tobytes()
    palm = text_record(15, [(2, "01"), (3, "10"), (6, "64"), (7, "80"), (8, "1"), (9, "500"), (11, "NONE"), (12, "16"),
                            (13, "21")], deep)  # fmt: skip
    colour = np.dstack([PIXELS, 255 - PIXELS, PIXELS])
    face = text_record(10, [(2, "02"), (3, "FACE"), (6, "64"), (7, "80"), (8, "0"), (9, "1"), (11, "NONE"),
                            (12, "SRGB")], colour.tobytes())  # fmt: skip
    palm_sample, face_sample = an2.samples(an2.read(file([(15, 1, palm), (10, 2, face)])))
    assert np.array_equal(decode(palm_sample.data).pixels, PIXELS)
    assert np.array_equal(decode(face_sample.data).pixels, colour)


def test_raw_ycc_becomes_rgb() -> None:
    ycc = bytes([76, 85, 255] * (64 * 80))  # JFIF's red
    face = text_record(10, [(2, "02"), (3, "FACE"), (6, "64"), (7, "80"), (11, "NONE"), (12, "YCC")], ycc)
    (sample,) = an2.samples(an2.read(file([(10, 2, face)])))
    assert np.abs(decode(sample.data).pixels[0, 0].astype(int) - [254, 0, 0]).max() <= 2


@pytest.mark.parametrize("stated", [b"3", b"99999", b"2000000000", b"9" * 19])
def test_a_wrong_length_costs_nothing_but_a_problem(stated: bytes) -> None:
    person = PERSON.replace(b"2.001:%d" % len(PERSON), b"2.001:" + stated)
    finger = type4(1, 2, PIXELS.tobytes(), 64, 80)
    transaction = an2.read(file([(2, 0, person), (4, 1, finger)]))
    assert "2.001 states" in messages(transaction)
    assert [record.type for record in transaction.records] == [1, 2, 4]
    assert len(an2.samples(transaction)) == 1


def test_a_wrong_length_around_binary_data() -> None:
    image = bytes(range(256)) * 20  # full of separators
    face = text_record(10, [(2, "01"), (3, "FACE"), (11, "NONE")], image)
    wrong = face.replace(b"10.001:%d" % len(face), b"10.001:%d" % (len(face) + 1))
    transaction = an2.read(file([(10, 1, wrong), (2, 0, PERSON)]))
    assert transaction.of_type(10)[0].data == image
    assert an2.person_fields(transaction)["names"] == ["Ælfgifu Čapek"]


def test_binary_records_of_impossible_length() -> None:
    huge = b"\x7f\xff\xff\xff" + type4(1, 2, PIXELS.tobytes(), 64, 80)[4:]
    transaction = an2.read(file([(4, 1, huge), (2, 0, PERSON)]))
    assert "4.001 states 2147483647 bytes" in messages(transaction)
    nothing = b"\0\0\0\0" + type4(1, 2, PIXELS.tobytes(), 64, 80)[4:]
    transaction = an2.read(file([(4, 1, nothing), (2, 0, PERSON)]))
    assert "too few for its header" in messages(transaction)
    assert [record.type for record in transaction.records] == [1]


def test_ten_thousand_records_take_little() -> None:
    records = [(2, 0, PERSON)] * 10_000
    started = time.process_time()
    transaction = an2.read(file(records))
    assert len(transaction.records) <= 2 * an2.MAX_RECORDS
    assert "10000 records" in messages(transaction)
    lying = PERSON.replace(b"2.001:%d" % len(PERSON), b"2.001:9999999")
    transaction = an2.read(file([(2, 0, lying)] * 999 + [(10, 1, b"\0" * (8 << 20))]))
    assert "over 20 records before it had wrong lengths" in messages(transaction)
    assert time.process_time() - started < 5


def test_unannounced_missing_and_mistyped_records() -> None:
    data = file([(2, 0, PERSON)]) + text_record(2, [(2, "00"), (30, "Second")])
    assert "2  is not announced" in messages(an2.read(data))
    assert "announces a Type-4 record that is not there" in messages(an2.read(file([(2, 0, PERSON), (4, 1, b"")])))
    assert "Type 2 where 1.003 announces Type 9" in messages(an2.read(file([(9, 0, PERSON)])))
    assert "bytes after the last record" in messages(an2.read(file([(2, 0, PERSON)]) + b"garbage"))
    assert not an2.read(file([(2, 0, PERSON)]) + b"\r\n").problems
    assert "no known type" in messages(an2.read(file([(77, 0, PERSON)])))
    assert "differs from the IDC 7" in messages(an2.read(file([(2, 7, PERSON)])))


def test_bytes_that_are_no_field() -> None:
    person = text_record(2, [(2, "00"), (30, b"Ann" + GS + b"no field here")])
    transaction = an2.read(file([(2, 0, person)]))
    assert "2.030 is followed by bytes that are no field" in messages(transaction)
    assert an2.person_fields(transaction)["names"] == ["Ann"]


@pytest.mark.parametrize("data", [b"", b"1", b"\xff\xd8\xff", b"<?xml version='1.0'?>", b"2.001:10" + GS])
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(BadFile):
        an2.read(data)


def test_too_large_files_are_refused_unread() -> None:
    with pytest.raises(BadFile) as caught:
        an2.read(b"1.001:" + bytes(an2.MAX_BYTES))
    assert caught.value.code == "too-large"


def test_texts_are_bounded() -> None:
    person = text_record(2, [(2, "00"), (30, "x" * 100_000), (34, "|".join(f"alias {n}" for n in range(2_000)))])
    fields = an2.person_fields(an2.read(file([(2, 0, person)])))
    assert sum(map(len, fields["names"])) < 20_000  # type: ignore[call-overload]


def test_messages_quote_nothing_personal() -> None:
    person = text_record(2, [(2, "00"), (30, b"SECRETNAME" + b"\xff"), (30, "SECRETNAME"), (35, "x")])
    assert "SECRETNAME" not in messages(an2.read(file([(2, 0, person)])))


GOOD = file([(2, 0, PERSON), (4, 1, type4(1, 2, PIXELS[:16, :16].tobytes(), 16, 16)),
             (14, 2, text_record(14, [(2, "02"), (6, "16"), (7, "16"), (11, "NONE"), (13, "13"), (21, "2~0~9~0~9")],
                                 PIXELS[:16, :16].tobytes()))])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_files_never_do_more_than_complain(data: st.DataObject) -> None:
    mutated = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "insert", "separator"]))
        if change == "set":
            mutated[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del mutated[at : at + data.draw(st.integers(1, 40))]
        elif change == "insert":
            mutated[at:at] = data.draw(st.binary(max_size=20))
        else:
            mutated[at] = data.draw(st.sampled_from([FS[0], GS[0], 0x1E, 0x1F, ord("9")]))
        if not mutated:
            break
    try:
        transaction = an2.read(bytes(mutated))
    except BadFile:
        return
    an2.person_fields(transaction)
    for sample in an2.samples(transaction):
        try:
            decode(sample.data, max_pixels=100_000)
        except BadImage:
            continue


def test_other_character_sets_within_text() -> None:
    """As files before 2011 have them: STX, the set's index, the text, ETX."""
    names = [
        (b"\x02003\x02" + "Łukasz".encode() + b"\x03 Nowak", "Łukasz Nowak"),
        (b"Jan \x02002" + "Ćosić".encode("utf-16-be") + b"\x03", "Jan Ćosić"),
        (b"\x02001Jos\xe9\x03", "José"),
        (b"Plain", "Plain"),
    ]
    for raw, name in names:
        read = an2.read(file([(2, 0, text_record(2, [(2, "00"), (10, "A/1"), (30, raw)]))]))
        assert an2.person_fields(read)["names"] == [name], raw


def test_line_ends_between_records_are_skipped_and_said() -> None:
    first = text_record(2, [(2, "00"), (10, "A/1"), (30, "Ann Lee")])
    second = text_record(9, [(2, "01"), (4, "S")])
    read = an2.read(file([(2, 0, b"\r\n" + first), (9, 1, b"\n" + second)]))
    assert [record.type for record in read.records] == [1, 2, 9]
    assert sum("stray" in problem.message for problem in read.problems) == 2
