"""Golden table: what every ANSI/NIST-ITL file of the sample folder holds, as far as its content allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from limen.errors import BadImage
from limen.exchange import an2
from limen.images import decode

pytestmark = pytest.mark.data

#: file: record types; (modality, position, ppi, width, height of the decoded image); fields with problems
GOLDEN = {
    "all-supported-types.an2": (
        [1, 2, 4, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20, 20, 21, 21, 98, 99],
        [
            ("finger", 0, 490.2, 1608, 1000),
            ("face", 0, 759.5, 480, 640),
            ("mark", 0, None, 1608, 1000),
            ("finger", 0, 490.2, 804, 1000),
            ("palm", 20, 500.4, 804, 1000),
        ],
        [],
    ),
    "face_jpb_DOM_GMT_DCS.an2": ([1, 10], [("face", 0, 500, 768, 1024)], []),
    "libbiomeval-type3.an2k": ([1, 2, 3], [], []),
    "sign_raw.an2": ([1, 8], [], []),
    "type-1.an2": ([1, 2], [], []),
    "type-13.an2": ([1, 13], [("mark", 0, 500, 800, 768)], []),
    "type-17-iris.an2": ([1, 2, 17], [], []),
    "type-4-tpcard.an2": (
        [1, 2, *[4] * 14],
        [
            *[("finger", finger, 500, 804, 752) for finger in (1, 2, 3)],
            ("finger", 4, 500, 776, 752),
            ("finger", 5, 500, 796, 752),
            *[("finger", finger, 500, 804, 748) for finger in (6, 7, 8)],
            ("finger", 9, 500, 776, 748),
            ("finger", 10, 500, 796, 748),
            ("finger", 14, 500, 1608, 1000),
            ("finger", 12, 500, 412, 1000),
            ("finger", 11, 500, 392, 1000),
            ("finger", 13, 500, 1572, 1000),
        ],
        [],
    ),
    "type4-slaps.an2k": (
        [1, 2, *[4] * 4],
        [
            ("finger", 14, 500, 1608, 1000),
            ("finger", 12, 500, 412, 1000),
            ("finger", 11, 500, 392, 1000),
            ("finger", 13, 500, 1572, 1000),
        ],
        [],
    ),
    "type9-13.an2k": ([1, 2, 9, 13], [("mark", 0, 500.4, 191, 357)], ["2.034", "9.005"]),
    "type9-15.an2k": (
        [1, 2, 15, 15, 9],
        [("palm", 24, 500, 900, 2500), ("palm", 27, 1000, 2750, 2750)],
        ["9.002"],
    ),
    "type9.an2k": ([1, 9], [], []),
    "valid1.1.an2": ([1, 2, 4], [("finger", 10, 500, 512, 512)], []),
    "valid1.2.an2": ([1, 2, 4, 6], [("finger", 10, 500, 512, 512)], []),
    "valid1.3.an2": ([1, 2, 10], [("face", 0, None, 300, 400)], []),
    "valid1.4.an2": ([1, 2, 13], [("mark", 20, 100, 451, 698)], []),
    "valid1.5.an2": ([1, 2, 13], [("mark", 0, 500, 800, 800)], ["13.999"]),
    "valid1.6.an2": ([1, 2, 13], [("mark", 20, None, 718, 727)], ["13.999"]),
    "valid1.7.an2": ([1, 2, 14], [("finger", 0, 96, 388, 336)], ["14.999"]),
    "valid1.8.an2": (
        [1, 2, 14, 14, 14],  # slaps whose segment positions are placeholders; images smaller than stated
        [("finger", 13, 500, 1600, 976), ("finger", 14, 500, 1600, 976), ("finger", 15, 500, 1600, 800)],
        [],
    ),
    "valid1.9.an2": (
        [1, 2, 4, 7, 8, 10, 14, 17],
        [("finger", 1, 500, 800, 800), ("face", 0, 144, 452, 343), ("finger", 0, 96, 388, 336)],
        [],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_file_is_read_as_far_as_its_content_allows(samples: Path, name: str) -> None:
    types, images, problems = GOLDEN[name]
    original = (samples / "exchange" / "an2" / name).read_bytes()
    transaction = an2.read(original)
    assert [record.type for record in transaction.records] == types
    assert [problem.field for problem in transaction.problems] == problems
    assert sum(record.length for record in transaction.records) == len(original), "every byte belongs to a record"
    found = []
    for sample in an2.samples(transaction):
        image = decode(sample.data)
        found.append((sample.modality.slug, int(sample.position), sample.ppi, image.width, image.height))
    assert found == [pytest.approx(row) for row in images]


def test_the_table_names_every_file(samples: Path) -> None:
    assert {path.name for path in (samples / "exchange" / "an2").iterdir()} == set(GOLDEN)


def test_cut_files_give_records_problems_or_a_plain_refusal(samples: Path) -> None:
    for name in ("type9-13.an2k", "valid1.9.an2", "type4-slaps.an2k"):
        original = (samples / "exchange" / "an2" / name).read_bytes()
        for end in range(100, len(original), len(original) // 12):
            transaction = an2.read(original[:end])
            assert transaction.problems, "a cut file is never taken for whole"
            for sample in an2.samples(transaction):
                try:
                    decode(sample.data)
                except BadImage as error:
                    assert error.code == "unreadable"


def test_what_files_say_of_people(samples: Path) -> None:
    def fields(name: str) -> dict[str, object]:
        return an2.person_fields(an2.read((samples / "exchange" / "an2" / name).read_bytes()))

    assert fields("valid1.1.an2") == {
        "record_id": "A12345678L",
        "names": ["CLINTON JOHN"],
        "date_of_birth": "1998-05-07",
        "sex": "M",
        "offence": "4727442",
    }
    assert fields("valid1.4.an2")["sex"] == "F"
    assert fields("valid1.3.an2")["sex"] == "X", "G: recorded as male only by what the person says"
    assert fields("type9.an2k") == {"record_id": "200908071614"}
