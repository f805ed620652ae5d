"""Looking into files from outside: a child reads them, dies of them if it must, and the report says so."""

from __future__ import annotations

import ctypes
import io
import json
import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from tests.exchange.made import file, text_record, type4
from tests.exchange.test_mrz import TD3

from limen.cli import COMMANDS
from limen.cli.lazy import run as command
from limen.errors import BadFile, BadInput
from limen.exchange import an2, conversion, inspection, isolated, minutiae
from limen.exchange.minutiae import Standard
from limen.images import decode, portrait, warm, wsq
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality, Position

PIXELS = (np.indices((80, 64)).sum(axis=0) * 3 % 256).astype(np.uint8)
WSQ = wsq.encode(PIXELS)
PERSON = text_record(2, [(2, "00"), (10, "FR/1"), (30, "Ann Lee"), (39, "F")])


def finger(idc: int, data: bytes, width: int = 64) -> bytes:
    return type4(idc, idc, data, width, 80, compression=1)


def test_a_report_of_a_file() -> None:
    mark = text_record(13, [(2, "03"), (3, "4"), (4, "FR"), (5, "20260131"), (6, "64"), (7, "80"), (8, "1"), (9, "500"),
                            (10, "500"), (11, "NONE"), (12, "8"), (13, "1|2")], PIXELS.tobytes())  # fmt: skip
    data = file([(2, 0, PERSON), (4, 1, finger(1, WSQ)), (13, 3, mark)])
    report = inspection.inspect(data, profile="int-i", thumbnails=True)
    assert report.problems == []
    assert [(r["type"], r["idc"], r["images"]) for r in report.records] == [
        (1, None, []),
        (2, 0, []),
        (4, 1, [{"width": 64, "height": 80, "ppi": 500, "position": 1, "compression": "WSQ20"}]),
        (13, 3, [{"width": 64, "height": 80, "ppi": 500, "position": 0, "compression": "NONE"}]),
    ]
    assert report.records[1]["fields"] == {"2.001": str(len(PERSON)), "2.002": "00", "2.010": "FR/1",
                                           "2.030": "Ann Lee", "2.039": "F"}  # fmt: skip
    assert report.records[3]["fields"]["13.013"] == [["1"], ["2"]]  # type: ignore[index]
    assert sorted(report.thumbnails) == [2, 3]
    assert decode(report.thumbnails[2]).pixels.shape == (80, 64)


def test_images_that_differ_from_their_record() -> None:
    report = inspection.inspect(file([(2, 0, PERSON), (4, 1, finger(1, WSQ, width=70)), (4, 2, finger(2, WSQ[:90]))]))
    assert [(p.record, p.field) for p in report.problems] == [(2, "4.006"), (3, "4.009")]


@pytest.mark.data
def test_an_image_that_kills_the_decoder_costs_only_its_record(samples: Path) -> None:
    deadly = (samples / "exchange" / "malformed" / "wsq-0.9-segv-104-119.wsq").read_bytes()
    records = [(2, 0, PERSON), (4, 1, finger(1, deadly)), (4, 2, finger(2, WSQ)), (4, 3, finger(3, deadly))]
    report = inspection.inspect(file(records))
    assert [record["type"] for record in report.records] == [1, 2, 4, 4, 4]
    for index in (2, 4):
        (problem,) = [p for p in report.problems if p.record == index]
        # a memory fault does what it likes: mostly it kills, now and then the library notices first
        assert "killed the process" in problem.message or "cannot be read" in problem.message
    assert not [p for p in report.problems if p.record == 3]
    assert report.records[3]["images"] == [
        {"width": 64, "height": 80, "ppi": 500, "position": 2, "compression": "WSQ20"}
    ]


def test_an_image_that_always_kills_is_named_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoder(data: bytes) -> object:
        return ctypes.string_at(0) if data.startswith(b"DEADLY") else decode(data)

    monkeypatch.setattr(inspection, "decode", decoder)
    records = [
        (4, 1, finger(1, WSQ)),
        (4, 2, finger(2, b"DEADLY")),
        (4, 3, finger(3, WSQ[:90])),
        (4, 4, finger(4, WSQ)),
    ]
    report = inspection.inspect(file(records), thumbnails=True)
    assert [(p.record, p.field) for p in report.problems] == [(2, "4.008"), (2, ""), (3, "4.009")]
    assert "SIGSEGV" in report.problems[1].message
    assert sorted(report.thumbnails) == [1, 4]
    many = inspection.inspect(file([(4, n, finger(n, b"DEADLY")) for n in range(1, 12)]))
    assert len(many.records) == 12 and {p.record for p in many.problems if not p.field} == set(range(1, 12))
    assert "is not decoded" in many.problems[-1].message, "but not every image is tried"


@pytest.mark.data
def test_every_sample_file_can_be_looked_into(samples: Path) -> None:
    kinds = {}
    for path in sorted((samples / "exchange").rglob("*.*")):
        kinds.setdefault(path.parent.name, set()).add(inspection.inspect(path.read_bytes()).kind)
    assert kinds == {
        "an2": {"an2"},
        "images": {"image", "face"},
        "malformed": {"image"},
        "minutiae": {"minutiae"},
        "nfiq2": {"image"},
    }


def test_what_is_no_such_file_is_said(tmp_path: Path) -> None:
    for data in (b"", b"nothing known", b"FMR\0", b"FAC\0", b"<a/>", b"1.001:"):
        try:
            report = inspection.inspect(data)
        except BadFile as error:
            assert error.message
        else:
            assert report.problems


def test_children_that_die_hang_or_swell_are_reported() -> None:
    with pytest.raises(isolated.Died, match="SIGSEGV"):
        list(isolated.run(lambda emit: emit({"x": ctypes.string_at(0)})))
    started = time.monotonic()
    with pytest.raises(isolated.Died, match="too long"):
        list(isolated.run(lambda emit: time.sleep(30), seconds=1))
    with pytest.raises(isolated.Died, match="too long"):
        list(isolated.run(lambda emit: [None for _ in iter(int, 1)] and None, seconds=1))  # an endless loop
    assert time.monotonic() - started < 20
    with pytest.raises(isolated.Died, match="too much memory"):
        list(isolated.run(lambda emit: emit({"x": b"\1" * (300 << 20)}), memory=100 << 20))


def test_children_reach_no_file_and_start_no_program(tmp_path: Path) -> None:
    def attempt(emit: isolated.Emit) -> None:
        try:
            Path(tmp_path, "left").write_text("x")
            emit({"wrote": True})
        except OSError as error:
            emit({"refused": error.errno})

    assert [*isolated.run(attempt)] in ([{"refused": 13}], [{"refused": 1}])
    with pytest.raises(isolated.Died):
        list(isolated.run(lambda emit: os.system("true")))  # type: ignore[arg-type, return-value]
    assert not list(tmp_path.iterdir())


def encoded(mode: str, plugin: str, **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(np.dstack([PIXELS, 255 - PIXELS, PIXELS])).convert(mode).save(out, plugin, **options)
    return out.getvalue()


def test_every_format_decodes_where_nothing_can_be_opened() -> None:
    warm()
    exif = Pillow.Exif()
    exif[0x0112] = 6
    files = [
        WSQ, encoded("L", "JPEG"), encoded("RGB", "JPEG", progressive=True), encoded("CMYK", "JPEG"),
        encoded("RGB", "JPEG", exif=exif), encoded("RGB", "JPEG2000"), encoded("L", "JPEG2000", irreversible=True),
        encoded("P", "PNG"), encoded("RGBA", "PNG"), encoded("I;16", "PNG"), encoded("RGB", "BMP"), encoded("L", "PPM"),
        *(encoded("RGB", "TIFF", compression=c) for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")),
        encoded("1", "TIFF", compression="group4"), encoded("I;16", "TIFF"),
    ]  # fmt: skip

    def work(emit: isolated.Emit) -> None:
        for data in files:
            image = decode(data)
            emit({"size": sorted([image.width, image.height]), "portrait": len(portrait(image))})

    sizes = [message["size"] for message in isolated.run(work)]
    assert sizes == [[64, 80]] * len(files)


def test_errors_of_the_work_come_back() -> None:
    def work(emit: isolated.Emit) -> None:
        emit({"n": 1})
        raise BadInput("No.", advice="Try.", code="x")

    found = isolated.run(work)
    assert next(found) == {"n": 1}
    with pytest.raises(BadFile, match="No") as caught:
        next(found)
    assert (caught.value.advice, caught.value.code) == ("Try.", "x")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".pgm", ".wsq", ".jpg", ".jp2"])
def test_images_into_images(suffix: str) -> None:
    source = b"P5\n# ppi 500\n64 80\n255\n" + PIXELS.tobytes()
    image = decode(conversion.convert(source, f"x{suffix}"))
    assert image.pixels.shape == (80, 64)
    if suffix in (".png", ".tif", ".bmp", ".pgm"):
        assert np.array_equal(image.pixels, PIXELS)
    if suffix != ".jp2":
        assert image.ppi == pytest.approx(500, abs=0.2)


def test_an_image_out_of_a_file() -> None:
    data = file([(2, 0, PERSON), (4, 1, type4(1, 2, PIXELS.tobytes(), 64, 80)), (4, 2, finger(2, WSQ))])
    image = decode(conversion.convert(data, "x.png", record=2))
    assert np.array_equal(image.pixels, PIXELS)
    assert image.ppi == pytest.approx(500, abs=0.1)
    with pytest.raises(BadFile, match="--record"):
        conversion.convert(data, "x.png")


def test_minutiae_between_standards() -> None:
    template = RidgeTemplate("leader", 2, 60, 400, 500, np.array([10, 20], np.float32), np.array([30, 40], np.float32),
                             np.array([0, 1], np.float32), np.zeros(2, np.uint8), np.full(2, 50, np.uint8))  # fmt: skip
    data = minutiae.write(minutiae.from_templates([template], Standard.INCITS_2004))
    out = minutiae.read(conversion.convert(data, "x.fmr", standard=Standard.ISO_2005))
    assert out.standard is Standard.ISO_2005
    assert list(out.views[0].minutiae["x"]) == [10, 20]
    for suffix, named in conversion.MINUTIAE.items():
        assert minutiae.read(conversion.convert(data, f"x{suffix}")).standard is named
    plotted = file([(9, 1, text_record(9, [(2, "01"), (12, "001~02540508090~0~A")]))])
    assert len(minutiae.read(conversion.convert(plotted, "x.fmr")).views[0].minutiae) == 1


def test_a_broken_file_into_a_clean_one() -> None:
    broken = PERSON.replace(b"2.001:%d" % len(PERSON), b"2.001:9999")
    again = an2.read(conversion.convert(file([(2, 0, broken)]), "x.an2"))
    assert not again.problems
    assert an2.person_fields(again)["names"] == ["Ann Lee"]


@pytest.mark.parametrize(
    ("modality", "position", "kind", "record"),
    [
        (Modality.FINGER, Position.RIGHT_INDEX, "CPS", 14),
        (Modality.PALM, Position.LEFT_FULL_PALM, "CPS", 15),
        (Modality.MARK, Position.UNKNOWN, "MPS", 13),
        (Modality.FACE, Position.UNKNOWN, "CPS", 10),
    ],
)
def test_an_image_into_a_file(modality: Modality, position: Position, kind: str, record: int) -> None:
    bitmap = io.BytesIO()
    Pillow.fromarray(PIXELS).save(bitmap, "BMP")
    for source in (WSQ, bitmap.getvalue()):
        made = an2.read(conversion.convert(source, "x.an2", modality=modality, position=position))
        assert (made.problems, made.kind, [r.type for r in made.records]) == ((), kind, [1, 2, record])
        [sample] = an2.samples(made)
        assert (sample.modality, sample.position) == (modality, position)
        assert np.array_equal(decode(sample.data).grey(), decode(source).grey())


@pytest.mark.parametrize(
    ("target", "source"), [("x.gif", WSQ), ("x.fmr", WSQ), ("x.an2", b"FMR\0"), ("x.png", b"1.001:")]
)
def test_conversions_that_make_no_sense(target: str, source: bytes) -> None:
    with pytest.raises(BadFile):
        conversion.convert(source, target)


def limen(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        command("limen", "limen.cli", COMMANDS, ["exchange", *arguments])
    return int(ended.value.code or 0)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "person.an2"
    path.write_bytes(file([(2, 0, PERSON), (4, 1, finger(1, WSQ))]))
    assert limen("show", str(path), "--images", str(tmp_path / "images")) == 0
    shown = capsys.readouterr().out
    assert "Ann Lee" in shown and "NAM" in shown and "No problems." in shown
    assert [p.name for p in (tmp_path / "images").iterdir()] == ["002-type-4.jpg"]
    assert limen("show", str(path), "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert [record["type"] for record in printed["records"]] == [1, 2, 4]
    assert printed["problems"] == []
    assert limen("check", str(path), "--profile", "int-i") == 0
    assert capsys.readouterr().out == "No problems.\n"
    path.write_bytes(file([(2, 0, PERSON)]))
    assert limen("check", str(path), "--profile", "int-i", "--json") == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["message"].startswith("a CPS needs prints")
    image = tmp_path / "finger.wsq"
    image.write_bytes(WSQ)
    assert limen("convert", str(image), str(tmp_path / "finger.png")) == 0
    assert decode((tmp_path / "finger.png").read_bytes()).pixels.shape == (80, 64)
    assert limen("convert", str(image), str(image)) == 1
    path.write_bytes(b"\0\1garbage")
    assert limen("check", str(path), "--json") == 1
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["records"] == [] and "no ANSI/NIST-ITL file" in printed["problems"][0]["message"]
    assert limen("check", str(path), "--profile", "fbi") == 1
    assert limen("show", str(tmp_path / "none")) == 1
    assert "There is no file" in capsys.readouterr().err


def test_zones_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone = tmp_path / "zone.txt"
    zone.write_text(TD3)
    assert limen("mrz", str(zone), "--json") == 0
    assert json.loads(capsys.readouterr().out)["number"] == "L898902C3"
    assert limen("mrz", str(zone)) == 0 and "1974-08-12" in capsys.readouterr().out
    zone.write_text(TD3.replace("ANNA", "ANN4"))
    assert limen("mrz", str(zone)) == 1 and "name" in capsys.readouterr().err
    zone.write_bytes(b"\xff" * 90)
    assert limen("mrz", str(zone)) == 1


def test_mutated_wsq_files_cost_at_most_a_child() -> None:
    """Each of 400 gives a picture, a refusal or a death that is reported; none hangs or prints."""
    chance = np.random.default_rng(20261122)
    files = []
    for _ in range(400):
        mutated = bytearray(WSQ)
        for _ in range(chance.integers(1, 5)):
            mutated[chance.integers(2, len(mutated))] = chance.integers(0, 256)
        files.append(bytes(mutated))

    def work(emit: isolated.Emit, start: int) -> None:
        for number, data in enumerate(files[start:], start):
            emit({"reading": number})
            try:
                emit({"shape": list(decode(data, max_pixels=1_000_000).pixels.shape)})
            except BadInput:
                emit({"refused": True})

    outcomes, start = {"shape": 0, "refused": 0, "died": 0}, 0
    while start < len(files):
        try:
            for message in isolated.run(partial(work, start=start), seconds=30):
                start = int(str(message["reading"])) + 1 if "reading" in message else start
                for outcome in outcomes.keys() & message.keys():
                    outcomes[outcome] += 1
        except isolated.Died:
            outcomes["died"] += 1
    assert sum(outcomes.values()) == len(files)
    assert outcomes["shape"] > 50 and outcomes["refused"] > 50


@pytest.mark.data
def test_minutiae_files_of_different_standards_are_compared(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = samples / "exchange" / "minutiae"
    assert limen("compare", str(folder / "fmr.ansi2004"), str(folder / "fmr.iso2005"), "--json") == 0
    ratios = np.array(json.loads(capsys.readouterr().out)["llr"])
    assert ratios.shape == (3, 2)
    assert ratios[0, 0] > 5 and ratios[1, 1] > 5, "the same fingers, written in two ways"
    assert ratios[0, 1] < 0 and ratios[1, 0] < 0 and (ratios[2] < 0).all(), "different fingers"
    assert limen("compare", str(folder / "fmr.iso2005"), str(samples / "exchange" / "an2" / "type9.an2k")) == 0
    assert limen("compare", str(folder / "fmr.iso2005"), str(samples / "exchange" / "images" / "img.wsq")) == 1


FACE = text_record(10, [(2, "02"), (3, "FACE"), (6, "4"), (7, "4"), (11, "NONE"), (12, "RGB")], bytes(48))
TEMPLATE = RidgeTemplate("m", 1, 50, 99, 99, *[np.ones(3, np.float32)] * 3, *[np.ones(3, np.uint8)] * 2)
FACE_RECORD = (
    "46414300 30313000 00000031 0001 00000023 0000 02 01 06 000000 0000 000000 000000 01 00 0004 0004 01 02 0000 0000"
)
SEEDS = [
    file([(2, 0, PERSON), (4, 1, type4(1, 2, PIXELS[:20, :20].tobytes(), 20, 20)), (10, 2, FACE)]),
    minutiae.write(minutiae.from_templates([TEMPLATE], Standard.ISO_2011)),
    bytes.fromhex(FACE_RECORD) + b"\xff\xd8\xff",
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_files_of_every_kind_are_reported_or_refused(seed: bytes, data: st.DataObject) -> None:
    """In this process, without a child: a crash here would be a crash of the tests (WSQ is left out: it may)."""
    mutated = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 6))):
        spot = data.draw(st.integers(0, len(mutated) - 1))
        mutated[spot : spot + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not mutated:
            break
    messages: list[isolated.Message] = []
    try:
        inspection.look(bytes(mutated), None, "int-i", True, messages.append)
    except BadInput:
        return
    assert messages
