"""Manifests as clerks and programs write them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen import countries
from limen.errors import BadFile, BadInput
from limen.records import manifest
from limen.records.entry import ImageRef, image_kind, moment, visibility
from limen.terms import Modality, Notice, Position, Purpose, Sex

FACE, FINGER, PALM, MARK = Modality.FACE, Modality.FINGER, Modality.PALM, Modality.MARK


def read(tmp_path, text, name="manifest.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return manifest.read(path)


FULL = """\
record_id,names,date_of_birth,sex,nationalities,notice,notice_number,offence,instructions,valid_from,valid_until,\
visible_to,purpose,images
R-1,"DUPONT Jean; Johnny",1970-01-31,M,FRA DZA,red,A-1/1-2026,"Fraud, theft",Arrest,2026-01-01,2030-12-31,\
BIH DEU,locate-wanted,face=a.jpg; right-index=b.png; palm:left-full-palm=c.png; mark=d.png
"""


def test_one_row_a_record(tmp_path):
    [entry], rejects = read(tmp_path, FULL)
    assert rejects == []
    person = entry.personal
    assert (person.record_id, person.names) == ("R-1", ("DUPONT Jean", "Johnny"))
    assert (person.sex, person.nationalities, person.notice) == (Sex.MALE, ("FRA", "DZA"), Notice.RED)
    assert person.offence == "Fraud, theft"
    assert entry.purpose is Purpose.LOCATE_WANTED
    assert countries.listed(entry.visible) == ["BIH", "DEU"]
    assert entry.valid_until == moment("x", "2031-01-01")
    assert entry.images == [
        ImageRef("a.jpg", FACE, Position.UNKNOWN),
        ImageRef("b.png", FINGER, Position.RIGHT_INDEX),
        ImageRef("c.png", PALM, Position.LEFT_FULL_PALM),
        ImageRef("d.png", MARK, Position.UNKNOWN),
    ]


def test_one_row_an_image(tmp_path):
    text = (
        "record_id,names,file,modality,position,ppi\n"
        "R-1,DUPONT,a.jpg,face,,\n"
        "R-2,OTHER,z.jpg,face,,\n"
        "R-1,,b.png,finger,right-index,500\n"
        "R-1,DUPONT,c.png,,7,1000\n"
    )
    entries, rejects = read(tmp_path, text)
    assert rejects == []
    assert [entry.record_id for entry in entries] == ["R-1", "R-2"]
    assert entries[0].images == [
        ImageRef("a.jpg", FACE, Position.UNKNOWN),
        ImageRef("b.png", FINGER, Position.RIGHT_INDEX, 500),
        ImageRef("c.png", FINGER, Position.LEFT_INDEX, 1000),
    ]


def test_a_column_an_image_and_the_semicolons_of_spreadsheets(tmp_path):
    text = "\ufeffRecord ID;Name;Face;right_index;left-thumb;mark\r\nR-1;DUPONT|Johnny;a.jpg|b.jpg;c.png;;\r\n"
    [entry], _ = read(tmp_path, text)
    assert entry.personal.names == ("DUPONT", "Johnny")
    assert [(image.file, image.position) for image in entry.images] == [("a.jpg", 0), ("b.jpg", 0), ("c.png", 2)]


@pytest.mark.parametrize(
    "images",
    [
        "face=a.jpg; right-index=b.png",
        {"face": "a.jpg", "right-index": "b.png"},
        {"face": ["a.jpg"], "finger:2": ["b.png"]},
        [{"file": "a.jpg", "modality": "face"}, {"file": "b.png", "modality": "finger", "position": "right-index"}],
        ["face=a.jpg", {"path": "b.png", "position": 2}],
    ],
)
def test_json_lines(tmp_path, images):
    line = {"record_id": "R-1", "names": ["DUPONT Jean"], "visible_to": ["BIH"], "sex": None, "images": images}
    [entry], rejects = read(tmp_path, json.dumps(line) + "\n\n", "manifest.jsonl")
    assert rejects == []
    assert [(image.file, image.modality, image.position) for image in entry.images] == [
        ("a.jpg", FACE, 0),
        ("b.png", FINGER, 2),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("record_id,surname,shoe size,face\nR-1,a,b,c\n", ["'surname'", "'shoe size'", "Known: record_id"]),
        ("record_id,notice_numbr,face\nR-1,a,b\n", ["'notice_numbr'", "Did you mean notice_number?"]),
        ("names,face\na,b\n", ["no column 'record_id'"]),
        ("record_id,names\na,b\n", ["no column for images"]),
        ("record_id,id,face\na,b,c\n", ["twice: record_id"]),
        ("", ["is empty"]),
        ("record_id,face\nR-1,\xff.jpg\n".encode("latin-1"), ["not in UTF-8 (line 2)"]),
    ],
)
def test_wrong_columns_are_named(tmp_path, text, words):
    with pytest.raises(BadFile) as caught:
        read(tmp_path, text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",DUPONT,,,,a.jpg", "no record_id"),
        ("R-1,DUPONT,,,,", "no images"),
        ("R-1,DUPONT,crimson,,,a.jpg", "'notice'"),
        ("R-1,DUPONT,,FRX,,a.jpg", "'FRX' is no country code"),
        ("R-1,DUPONT,,,tomorrow,a.jpg", "'valid_until'"),
        ("R-1,DUPONT,,,,a.jpg,b,c", "8 cells"),
        (f"R-1,{'x' * 300},,,,a.jpg", "'names'"),
    ],
)
def test_a_bad_row_is_rejected_and_the_others_are_read(tmp_path, row, reason):
    text = f"record_id,names,notice,visible_to,valid_until,face\nR-0,a,,,,a.jpg\n{row}\nR-9,a,,,,a.jpg\n"
    entries, [reject] = read(tmp_path, text)
    assert [entry.record_id for entry in entries] == ["R-0", "R-9"]
    assert reason in reject.reason
    assert reject.file == "manifest.csv:3"
    assert "xxxx" not in reject.reason


def test_rows_that_disagree_are_rejected_together(tmp_path):
    text = "record_id,names,file,modality\nR-1,A,a.jpg,face\nR-1,B,b.jpg,face\n"
    entries, [reject] = read(tmp_path, text)
    assert entries == []
    assert "disagree on 'names'" in reject.reason


def test_broken_json_lines_are_rejected_one_by_one(tmp_path):
    lines = [
        '{"record_id": "R-1", "face": "a.jpg"}',
        "{",
        "[1]",
        '{"record_id": "R-2", "face": "a.jpg", "shoe": 1}',
        "[" * 100_000,
        '{"record_id": "R-3", "face": "a.jpg"}',
    ]
    entries, rejects = read(tmp_path, "\n".join(lines), "manifest.jsonl")
    assert [entry.record_id for entry in entries] == ["R-1", "R-3"]
    assert [reject.file for reject in rejects] == [f"manifest.jsonl:{line}" for line in (2, 3, 4, 5)]


def test_defaults_fill_what_is_left_open(tmp_path):
    (tmp_path / "manifest.csv").write_text("record_id,purpose,face\nR-1,,a.jpg\nR-2,alert,a.jpg\n")
    entries, _ = manifest.read(tmp_path / "manifest.csv", {"purpose": "identify-person"})
    assert [entry.purpose for entry in entries] == [Purpose.IDENTIFY_PERSON, Purpose.ALERT]


def test_a_folder_has_one_manifest(tmp_path):
    assert manifest.find(tmp_path) is None
    (tmp_path / "manifest.csv").touch()
    assert manifest.find(tmp_path) == tmp_path / "manifest.csv"
    (tmp_path / "manifest.jsonl").touch()
    with pytest.raises(BadFile, match="two manifests"):
        manifest.find(tmp_path)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("face", (FACE, 0)),
        ("portrait", (FACE, 0)),
        ("finger", (FINGER, 0)),
        ("right-index", (FINGER, 2)),
        ("LEFT_LITTLE", (FINGER, 10)),
        ("13", (FINGER, 13)),
        ("finger:7", (FINGER, 7)),
        ("palm", (PALM, 20)),
        ("right-full-palm", (PALM, 21)),
        ("mark:right-index", (MARK, 2)),
        ("mark:", (MARK, 0)),
    ],
)
def test_kinds_of_images(word, kind):
    assert image_kind(word) == kind


@pytest.mark.parametrize("word", ["", "toe", "finger:toe", "99", "toe:2", "²"])
def test_other_kinds_are_refused(word):
    with pytest.raises(BadInput):
        image_kind(word)


def test_who_may_see():
    assert visibility("") == visibility("all") == countries.EVERYONE
    assert visibility("none") == bytes(32)
    assert visibility("bih, DEU") == countries.bitmap(["BIH", "DEU"])


def test_days_are_meant_whole():
    assert moment("x", "2030-01-01", end=True) - moment("x", "2030-01-01") == 86_400
    assert moment("x", "2030-01-01T12:00:00+02:00") - moment("x", "2030-01-01") == 36_000
    for wrong in ("01.01.2030", "1960-01-01", "2030-02-30", "x" * 100):
        with pytest.raises(BadInput, match="no date"):
            moment("x", wrong)


@given(st.binary(max_size=300), st.sampled_from(["manifest.csv", "manifest.jsonl"]))
def test_any_other_bytes_are_refused_not_crashed_upon(tmp_path_factory, data, name):
    path = tmp_path_factory.mktemp("m") / name
    path.write_bytes(data)
    try:
        manifest.read(path)
    except BadFile as error:
        assert error.message


@given(st.lists(st.dictionaries(st.sampled_from(["record_id", "face", "images", "names"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)), max_size=4))  # fmt: skip
def test_any_json_is_refused_not_crashed_upon(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("m") / "manifest.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    try:
        manifest.read(path)
    except BadFile as error:
        assert error.message
