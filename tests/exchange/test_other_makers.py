"""What other makers' files do that the sample folder's do not: each is read as far as its content allows."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image as Pillow
from tests.exchange.made import FS, GS, RS, US, file, text_record, type4

from limen.exchange import an2, inspection
from limen.images import decode, wsq
from limen.terms import Modality, Position

PIXELS = (np.indices((96, 80)).sum(axis=0) * 3 % 256).astype(np.uint8)
WSQ = wsq.encode(PIXELS)
PERSON = text_record(2, [(2, "00"), (10, "FR/4711"), (30, "Ann Lee")])
Fields = list[tuple[int, str | bytes]]


def ridge(
    kind: int, idc: int, position: str, extra: Fields | None = None, *, data: bytes = WSQ, **changes: str
) -> bytes:
    """A Type-13, -14 or -15 record; `changes` by field, such as `f11="NONE"`, empty to leave a field out."""
    values: dict[int, str | bytes] = {
        2: f"{idc:02d}", 3: "4" if kind == 13 else "0", 4: "X", 5: "20261122", 6: "80", 7: "96", 8: "1", 9: "500",
        10: "500", 11: "WSQ20", 12: "8", 13: position,
    }  # fmt: skip
    values |= {int(name.removeprefix("f")): value for name, value in changes.items()}
    values |= dict(extra or [])
    return text_record(kind, [(n, value) for n, value in sorted(values.items()) if value != ""], data)


def encoded(plugin: str, pixels: np.ndarray = PIXELS, **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, plugin, **options)
    return out.getvalue()


def lossless_jpeg(pixels: np.ndarray) -> bytes:
    """JPEG of ITU-T T.81, annex H (SOF3), predictor 1, with one Huffman table of nine codes of four bits."""
    bits: list[int] = []
    rows = pixels.astype(int).tolist()
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            predicted = row[x - 1] if x else rows[y - 1][0] if y else 128
            difference = value - predicted
            size = abs(difference).bit_length()
            code = difference if difference > 0 else difference + (1 << size) - 1
            bits += [size >> shift & 1 for shift in (3, 2, 1, 0)]
            bits += [code >> shift & 1 for shift in reversed(range(size))]
    bits += [1] * (-len(bits) % 8)
    scan = np.packbits(bits).tobytes().replace(b"\xff", b"\xff\0")

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    height, width = pixels.shape
    frame = struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0])
    table = bytes([0, 0, 0, 0, 9, *[0] * 12, *range(9)])
    return (
        b"\xff\xd8" + segment(0xC3, frame) + segment(0xC4, table) + segment(0xDA, b"\1\1\0\1\0\0") + scan + b"\xff\xd9"
    )


@pytest.mark.parametrize(
    ("compression", "data"),
    [
        ("NONE", PIXELS.tobytes()),
        ("WSQ20", WSQ),
        ("JPEGL", lossless_jpeg(PIXELS)),
        ("JP2L", encoded("JPEG2000", irreversible=False)),
        ("PNG", encoded("PNG")),
        ("none", PIXELS.tobytes()),
    ],
)
def test_every_compression_of_friction_ridges(compression: str, data: bytes) -> None:
    transaction = an2.read(file([(2, 0, PERSON), (14, 1, ridge(14, 1, "2", data=data, f11=compression))]))
    [sample] = an2.samples(transaction)
    pixels = decode(sample.data).grey()
    exact = compression != "WSQ20"
    assert transaction.problems == () and (np.array_equal(pixels, PIXELS) if exact else pixels.shape == PIXELS.shape)


def test_sixteen_bits_and_a_thousand_ppi() -> None:
    deep = (PIXELS.astype(np.uint16) << 8 | PIXELS).astype(">u2").tobytes()
    records = [
        (2, 0, PERSON),
        (14, 1, ridge(14, 1, "2", data=deep, f11="NONE", f12="16")),
        (15, 2, ridge(15, 2, "21", data=encoded("JPEG2000"), f9="1000", f10="1000", f11="JP2")),
        (14, 3, ridge(14, 3, "7", f8="2", f9="394", f10="394")),
    ]
    first, palm, third = an2.samples(an2.read(file(records)))
    assert np.array_equal(decode(first.data).grey(), PIXELS)
    assert (palm.modality, palm.position, palm.ppi) == (Modality.PALM, Position(21), 1000)
    assert third.ppi == pytest.approx(1000, rel=0.01)


def test_a_second_transaction_in_the_stream_is_named_and_not_mixed_in() -> None:
    """Its prints are another person's: they must never join the first one's record."""
    one = file([(2, 0, PERSON), (14, 1, ridge(14, 1, "2"))])
    other = file([(2, 0, PERSON.replace(b"Ann Lee", b"Bob Ray")), (4, 1, type4(1, 7, PIXELS.tobytes(), 80, 96))])
    lacking = one.replace(b"1.003:1\x1f2", b"1.003:1\x1f3").replace(b"14\x1f01", b"14\x1f01\x1e14\x1f02")
    for first in (one, lacking):
        for between in (b"", b"\r\n"):
            transaction = an2.read(first + between + other)
            assert [record.type for record in transaction.records] == [1, 2, 14]
            assert [int(sample.position) for sample in an2.samples(transaction)] == [2]
            assert an2.person_fields(transaction)["names"] == ["Ann Lee"]
            place = len(first + between)
            assert f"another transaction begins at byte {place}" in transaction.problems[-1].message


def test_records_in_another_order_than_announced() -> None:
    images = [type4(1, 2, PIXELS.tobytes(), 80, 96), ridge(14, 2, "7"), PERSON]
    good = file([(4, 1, images[0]), (14, 2, images[1]), (2, 0, images[2])])
    assert [record.type for record in an2.read(good).records] == [1, 4, 14, 2]
    assert an2.person_fields(an2.read(good))["names"] == ["Ann Lee"]
    announced = [(2, 0), (14, 2), (4, 1)]
    swapped = file([(kind, idc, b"") for kind, idc in announced]) + b"".join(images)
    transaction = an2.read(swapped)
    assert [record.type for record in transaction.records] == [1, 4, 14, 2]
    assert [int(sample.position) for sample in an2.samples(transaction)] == [2, 7]
    assert [(p.record, p.field) for p in transaction.problems] == [(1, ""), (2, "")], "named, and no more than that"


def test_records_without_an_idc() -> None:
    transaction = an2.read(file([(2, 0, PERSON), (14, 1, ridge(14, 1, "2", f2=""))]))
    assert [int(sample.position) for sample in an2.samples(transaction)] == [2]
    assert [problem.field for problem in transaction.problems] == ["14.002"]


def test_several_possible_positions_of_a_type_4_print() -> None:
    several = bytearray(type4(1, 2, PIXELS.tobytes(), 80, 96))
    several[6:9] = bytes([2, 3, 4])
    [sample] = an2.samples(an2.read(file([(2, 0, PERSON), (4, 1, bytes(several))])))
    assert sample.position is Position.UNKNOWN
    assert an2.read(file([(4, 1, bytes(several))])).records[1].subfields(4) == [("2",), ("3",), ("4",)]


@pytest.mark.parametrize(
    ("spoil", "problems"),
    [
        (lambda data: data + b"\r\n", 0),
        (lambda data: data + b"\0" * 512, 0),
        (lambda data: data + b"\x1a", 0),
        (lambda data: data.replace(FS + b"2.001", FS + b"\r\n2.001"), 1),
        (lambda data: data.replace(b"Ann Lee", b"Ann Lee" + US), 1),
        (lambda data: data.replace(b"Ann Lee", b"Ann Lee" + RS), 1),
        (lambda data: data.replace(b"Ann Lee" + FS, b"Ann Lee" + GS + FS), 1),
        (lambda data: data.replace(b"14.013:", b"14.13:"), 1),
        (lambda data: data.replace(b"14.001:", b"14.01:"), 1),
    ],
)
def test_separators_fillers_and_short_tags(spoil: object, problems: int) -> None:
    """Those that change a record's length make its stated one wrong, which is said; all is read."""
    original = file([(2, 0, PERSON), (14, 1, ridge(14, 1, "2"))])
    transaction = an2.read(spoil(original))  # type: ignore[operator]
    assert [record.type for record in transaction.records] == [1, 2, 14]
    assert len(transaction.problems) == problems
    assert an2.person_fields(transaction)["names"] == ["Ann Lee"]
    assert [int(sample.position) for sample in an2.samples(transaction)] == [2]


@pytest.mark.parametrize("domain", ["INT-I", "INT-I~4.22", "INT-I~5.01", "INT-I~6.0", "INT-I~4.22~"])
def test_domains_of_interpol(domain: str) -> None:
    extra = ((15, "0~ASCII|3~UTF-8"), (16, "FRA~AFIS~9"), (18, "FRA"))
    transaction = an2.read(file([(2, 0, PERSON)], domain=domain, extra=extra))
    assert transaction.problems == () and an2.person_fields(transaction)["names"] == ["Ann Lee"]


def test_names_in_old_and_new_character_sets() -> None:
    def names(field: bytes) -> object:
        return an2.person_fields(an2.read(file([(2, 0, text_record(2, [(2, "00"), (30, field)]))])))["names"]

    assert names("José Peña".encode("latin-1")) == ["José Peña"]
    assert names("Łukasz Żółć".encode()) == ["Łukasz Żółć"]
    assert names(b"\x02003\x02" + "Łukasz".encode() + b"\x03") == ["Łukasz"]
    assert names(b"\x02002" + "Ж".encode("utf-16-be") + b"\x03") == ["Ж"]


def test_fields_of_a_countrys_own_are_kept() -> None:
    own = text_record(2, [(2, "00"), (10, "FR/1"), (30, "Ann Lee"), (501, "a~b|c~d"), (812, "x" * 5_000)])
    transaction = an2.read(file([(2, 0, own)]))
    assert transaction.problems == ()
    assert transaction.records[1].subfields(501) == [("a", "b"), ("c", "d")]
    assert len(transaction.records[1].text(812)) == 5_000
    again = an2.read(an2.write(an2.Header("ATP", "A", "B"), transaction.records[1:]))
    assert again.records[1].subfields(501) == [("a", "b"), ("c", "d")]


def test_slaps_along_polygons_before_boxes() -> None:
    slap = np.full((96, 200), 255, np.uint8)
    slap[10:90, 10:90], slap[10:90, 110:190] = 40, 80
    boxes = "2~10~89~10~89|3~110~189~10~89"
    polygons = "2~4~10~10~89~10~89~89~10~89|3~4~110~10~189~10~189~89~110~89"
    changes = {"f6": "200", "f11": "NONE"}
    for extra in ([(21, boxes)], [(21, boxes.replace("2~", "4~", 1)), (25, polygons)]):
        record = ridge(14, 1, "13", list(extra), data=slap.tobytes(), **changes)  # type: ignore[arg-type]
        found = an2.samples(an2.read(file([(2, 0, PERSON), (14, 1, record)])))
        assert [int(sample.position) for sample in found] == [2, 3]
        assert [int(np.median(decode(sample.data).grey())) for sample in found] == [40, 80]


def test_marks_of_palms_and_of_several_possible_fingers() -> None:
    records = [
        (2, 0, PERSON),
        (13, 1, ridge(13, 1, "21", f3="12")),
        (13, 2, ridge(13, 2, "2|3|7")),
        (13, 3, ridge(13, 3, "18")),
        (14, 4, ridge(14, 4, "2", f3="4")),
    ]
    palm, several, unknown, fourteen = an2.samples(an2.read(file(records)))
    assert {sample.modality for sample in (palm, several, unknown, fourteen)} == {Modality.MARK}
    assert (int(palm.position), several.position, unknown.position) == (21, Position.UNKNOWN, Position.UNKNOWN)


def test_several_faces_and_other_pictures_of_a_person() -> None:
    colour = np.dstack([PIXELS, PIXELS // 2, PIXELS // 3])

    def picture(idc: int, kind: str, data: bytes, compression: str, space: str) -> tuple[int, int, bytes]:
        fields: Fields = [(2, f"{idc:02d}"), (3, kind), (4, "X"), (5, "20261122"), (6, "80"), (7, "96"), (8, "0"),
                          (9, "1"), (10, "1"), (11, compression), (12, space), (20, "F")]  # fmt: skip
        return 10, idc, text_record(10, fields, data)

    records = [
        picture(1, "FACE", encoded("JPEG", colour), "JPEGB", "YCC"),
        picture(2, "FACE", colour.tobytes(), "NONE", "RGB"),
        picture(3, "TATTOO", encoded("JPEG", colour), "JPEGB", "YCC"),
        picture(4, "FACE", encoded("JPEG2000", colour), "JP2", "SRGB"),
        picture(5, "FACE", PIXELS.tobytes(), "NONE", "GRAY"),
    ]
    found = an2.samples(an2.read(file([(2, 0, PERSON), *records])))
    assert [(sample.modality, sample.idc) for sample in found] == [(Modality.FACE, idc) for idc in (1, 2, 4, 5)]
    assert np.array_equal(decode(found[1].data).pixels, colour)
    assert all(decode(sample.data).pixels.shape[:2] == (96, 80) for sample in found)


def test_records_that_are_only_kept() -> None:
    records = [
        (2, 0, PERSON),
        (99, 1, text_record(99, [(2, "01"), (102, "27~513"), (103, "x")], b"FMR\0 20\0")),
        (21, 2, text_record(21, [(2, "02"), (6, "doc")], b"%PDF")),
        (7, 3, struct.pack(">IB", 9, 3) + b"\1\2\3\4"),
        (18, 4, text_record(18, [(2, "04"), (3, "lab")])),
        (14, 5, ridge(14, 5, "2")),
    ]
    transaction = an2.read(file(records))
    assert transaction.problems == ()
    assert [record.type for record in transaction.records] == [1, 2, 99, 21, 7, 18, 14]
    assert [sample.idc for sample in an2.samples(transaction)] == [5]
    assert [record["type"] for record in inspection.inspect(transaction.original).records] == [1, 2, 99, 21, 7, 18, 14]


def test_lengths_of_other_ways_of_counting() -> None:
    """Lengths without their separator, or none at all: the bytes say where records end."""
    for wrong in (len(PERSON) - 1, len(PERSON) + 1, 0, 2_147_483_647):
        data = file(
            [(2, 0, PERSON.replace(b"2.001:%d" % len(PERSON), b"2.001:%d" % wrong)), (14, 1, ridge(14, 1, "2"))]
        )
        transaction = an2.read(data)
        assert [record.type for record in transaction.records] == [1, 2, 14], wrong
        assert [problem.field for problem in transaction.problems] == ["2.001"]


@pytest.mark.parametrize("fill", [b"\0\0", b"\r\n"])
def test_ten_thousand_records_cost_bounded_work(fill: bytes) -> None:
    many = file([(7, n % 100, struct.pack(">IB", 7, n % 100) + fill) for n in range(10_000)])
    transaction = an2.read(many)
    assert len(transaction.records) <= an2.MAX_RECORDS + 1
    assert any("announces 10000 records" in problem.message for problem in transaction.problems)
