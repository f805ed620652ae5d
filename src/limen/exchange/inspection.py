"""Looking into any exchange file: what records it holds, what their images are, what is wrong.

`look` does the reading and is meant for a child process; `inspect` runs it there, so that an image that kills the
decoder is a problem of its record and not of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from limen.errors import BadFile, BadImage, BadInput
from limen.exchange import an2, faces, isolated, minutiae, niem
from limen.exchange.an2 import raw, rules
from limen.exchange.an2.records import Problem, Record, Transaction
from limen.exchange.an2.samples import native_ppi
from limen.exchange.isolated import Emit, Message
from limen.images import Image, decode, portrait, sniff, warm

MAX_BYTES = 128 << 20  # XML files of 64 MiB of images, with room
MAX_DEATHS = 8  # images that may kill the decoder before the rest of the file's are left undecoded
PICTURES = (3, 4, 10, 13, 14, 15, 16, 17)  # record types whose images are decoded
_STATED = (5, 6, 8)  # bilevel images and signatures: only what they state
_CLASS_PPI = {3: 250.0, 4: 500.0, 5: 250.0, 6: 500.0}  # what resolution flag 0 stands for
_TYPE_4 = {0: "NONE", 1: "WSQ20", 2: "JPEGB", 3: "JPEGL", 4: "JP2", 5: "JP2L", 6: "PNG"}


@dataclass
class Report:
    """What a file holds.

    Attributes:
        kind: `an2`, `niem`, `minutiae`, `face` or `image`.
        records: dictionaries with `type`, `idc`, `fields` and `images` (`width`, `height` in pixels, `ppi`, `position`
            by its ANSI/NIST-ITL code, `compression`; None where unknown).
        problems: see `an2.Problem`.
        thumbnails: small JPEGs by index of record.
    """

    kind: str = ""
    records: list[Message] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    thumbnails: dict[int, bytes] = field(default_factory=dict)

    @property
    def profile(self) -> str:
        """`int-i` if the file says so (1.013), else `base`: which names Type-2 fields have."""
        fields = self.records[0].get("fields") if self.records else None
        domain = str(fields.get("1.013", "")) if isinstance(fields, dict) else ""
        return "int-i" if "INT-I" in domain.upper() else "base"

    def as_json(self) -> Message:
        """The object that `--json` prints."""
        problems = [{"record": p.record, "field": p.field, "message": p.message} for p in self.problems]
        return {"records": self.records, "problems": problems}


def inspect(data: bytes, *, profile: str = "base", thumbnails: bool = False) -> Report:
    """Look into a file in a confined child process.

    Should an image kill it, every image gets a child of its own: memory that one image has damaged can make the
    process die of the next, which would then be blamed.

    Raises:
        BadFile: nothing of it can be read; `isolated.Died` if that killed the process.
    """
    if profile not in rules.PROFILES:
        raise BadInput(f"There is no profile '{profile}'.", advice=f"Known: {', '.join(rules.PROFILES)}.")
    warm()
    found = _Found()
    try:
        _run(found, data, profile, thumbnails, None)
        return found.report
    except isolated.Died:
        if not found.decoding:
            raise
    found = _Found()
    _run(found, data, profile, thumbnails, frozenset())
    deaths = 0
    for index in found.passed_over:
        if deaths >= MAX_DEATHS:
            found.report.problems.append(
                Problem(index, "", f"its image is not decoded: {deaths} before it could not be")
            )
            continue
        one = _Found()
        try:
            _run(one, data, profile, thumbnails, frozenset({index}))
            _merge(found.report, one.report, index)
        except isolated.Died as died:
            deaths += 1
            found.report.problems.append(Problem(index, "", f"its image cannot be decoded: {died.message}"))
    found.report.problems.sort(key=lambda problem: -1 if problem.record is None else problem.record)
    return found.report


@dataclass
class _Found:
    """What a child has sent: a report, images that it was told to pass over, and whether it has begun to decode one.

    Memory that an image has damaged may kill the child long after that image.
    """

    report: Report = field(default_factory=Report)
    passed_over: list[int] = field(default_factory=list)
    decoding: bool = False


def _run(found: _Found, data: bytes, profile: str, thumbnails: bool, wanted: frozenset[int] | None) -> None:
    for message in isolated.run(partial(look, data, wanted, profile, thumbnails)):
        report = found.report
        if "decoding" in message:
            found.decoding = True
        elif "passed over" in message:
            found.passed_over.append(int(str(message["passed over"])))
        elif "kind" in message:
            report.kind = str(message["kind"])
        elif "problem" in message:
            report.problems.append(Problem(*message["problem"]))  # type: ignore[misc]
        elif isinstance(record := message.get("record"), dict):
            if isinstance(thumbnail := record.pop("thumbnail", None), bytes):
                report.thumbnails[len(report.records)] = thumbnail
            report.records.append(record)


def _merge(report: Report, one: Report, index: int) -> None:
    """Take from `one` what it found out about a record's image."""
    report.records[index] = one.records[index]
    report.thumbnails.update(one.thumbnails)
    known = set(report.problems)
    report.problems += [problem for problem in one.problems if problem.record == index and problem not in known]


def look(data: bytes, wanted: frozenset[int] | None, profile: str, thumbnails: bool, emit: Emit) -> None:
    """Read a file of any kind and emit what it holds; images of the `wanted` records (None: all) are decoded."""
    kind, reader = recognise(data)
    emit({"kind": kind})
    reader(data, _Looking(emit, wanted, thumbnails, profile))


def recognise(data: bytes) -> tuple[str, Callable[[bytes, _Looking], None]]:
    """What kind of file the bytes are, and what reads it; `BadFile` if none of ours."""
    if not data:
        raise BadFile("The file is empty.", code="empty")
    if data[:4] == b"FMR\0":
        return "minutiae", _look_at_minutiae
    if data[:4] == faces.MAGIC:
        return "face", _look_at_faces
    if niem.looks_like_xml(data):
        return "niem", lambda content, looking: _look_at_transaction(niem.read(content), looking)
    try:
        sniff(data)
    except BadImage:
        return "an2", lambda content, looking: _look_at_transaction(an2.read(content), looking)
    return "image", _look_at_image


@dataclass(frozen=True)
class _Looking:
    emit: Emit
    wanted: frozenset[int] | None
    thumbnails: bool
    profile: str

    def problem(self, record: int | None, tag: str, message: str) -> None:
        self.emit({"problem": [record, tag, message]})

    def decoded(self, index: int, tag: str, data: bytes) -> Image | None:
        """The image of a record; None if it is to be passed over, or (with a problem) if it cannot be decoded."""
        if self.wanted is not None and index not in self.wanted:
            self.emit({"passed over": index})
            return None
        self.emit({"decoding": index})
        try:
            return decode(data)
        except BadImage as error:
            self.problem(index, tag, error.message)
            return None

    def record(self, entry: Message, image: Image | None = None) -> None:
        thumbnail = portrait(image) if image is not None and self.thumbnails else None
        self.emit({"record": {**entry, "thumbnail": thumbnail}})


def _look_at_transaction(transaction: Transaction, looking: _Looking) -> None:
    for problem in rules.check(transaction, looking.profile):
        looking.problem(problem.record, problem.field, problem.message)
    for index, record in enumerate(transaction.records):
        entry: Message = {"type": record.type, "idc": record.idc, "fields": dict(_fields(record)), "images": []}
        image = None
        if record.data and record.type in PICTURES:
            image = looking.decoded(index, record.tag(999 if record.type > 8 else 9), picture(record))
            entry["images"] = [_image_entry(record, image, transaction.type1, looking, index)]
        elif record.data and record.type in _STATED:
            entry["images"] = [_image_entry(record, None, transaction.type1, looking, index)]
        looking.record(entry, image)


def picture(record: Record) -> bytes:
    """A record's image as bytes that `limen.images.decode` knows."""
    width, height = record.whole(6) or 0, record.whole(7) or 0
    channels = 3 if record.type == 10 and record.text(12).upper() != "GRAY" else 1
    depth = 8 if record.type in (3, 4, 10, 17) else min(record.whole(12) or 8, 16)
    return raw.decodable(
        record.data, _compression(record), width, height, channels=channels, depth=depth, space=record.text(12).upper()
    )


def _compression(record: Record) -> str:
    return _TYPE_4.get(record.whole(8) or 0, "") if record.type < 9 else record.text(11).upper()


def _image_entry(record: Record, image: Image | None, type1: Record, looking: _Looking, index: int) -> Message:
    stated = (record.whole(6), record.whole(7))
    if image is not None and stated != (image.width, image.height):
        message = f"states {stated[0]} x {stated[1]} pixels; the image has {image.width} x {image.height} (7.7.8.1)"
        looking.problem(index, record.tag(6), message)
    factor = {1: 1.0, 2: 2.54}.get(record.whole(8) or 0, 0) if record.type > 8 else 0
    ppi = round((record.whole(9) or 0) * factor, 1) or None
    if record.type in _CLASS_PPI:
        ppi = native_ppi(type1) if record.whole(5) else _CLASS_PPI[record.type]
    return {
        "width": image.width if image else stated[0],
        "height": image.height if image else stated[1],
        "ppi": ppi or (image.ppi if image else None),
        "position": _position(record),
        "compression": _compression(record) or None if record.type not in (5, 6, 8) else None,
    }


def _position(record: Record) -> int | None:
    """Friction ridge position code; 0 where several are possible, None where the record is of no friction ridge."""
    if record.type not in (3, 4, 5, 6, 13, 14, 15):
        return None
    rows = record.subfields(4 if record.type < 9 else 13)
    codes = {int(row[0]) for row in rows if row and row[0].isascii() and row[0].isdigit() and len(row[0]) < 4}
    return codes.pop() if len(codes) == 1 else 0


def _fields(record: Record) -> Iterator[tuple[str, object]]:
    """Fields by name; a string where there is one item, else lists of items. Repeats are joined, as subfields are."""
    for number in dict.fromkeys(found.number for found in record.fields):
        rows = [list(row) for row in record.subfields(number)]
        yield record.tag(number), rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows
    if record.data and record.type > 8:
        yield record.tag(999), f"({len(record.data)} bytes)"


def _look_at_minutiae(data: bytes, looking: _Looking) -> None:
    file = minutiae.read(data)
    if file.stated is not None:
        looking.problem(None, "", f"states {file.stated} bytes and has {len(data)}")
    if file.trailing:
        looking.problem(None, "", f"{len(file.trailing)} bytes after the last view")
    if file.missing:
        looking.problem(len(file.views) - 1, "", f"its extended data lack {file.missing} bytes")
    for number, view in enumerate(file.views):
        fields = {
            "position": view.position, "view": view.view, "impression": view.impression, "quality": view.quality,
            "minutiae": len(view.minutiae), "extended": f"({len(view.extended)} bytes)",
        }  # fmt: skip
        ppi = minutiae.ppi(view.resolution[0])
        image = {"width": view.width, "height": view.height, "ppi": ppi, "position": view.position, "compression": None}
        looking.record({"type": file.standard.value, "idc": number, "fields": fields, "images": [image]})
        try:
            minutiae.to_template(file, number)
        except Exception as error:
            looking.problem(number, "", str(error))


def _look_at_faces(data: bytes, looking: _Looking) -> None:
    for number, face in enumerate(faces.read(data)):
        image = looking.decoded(number, "", face.data)
        entry = {
            "width": image.width if image else face.width, "height": image.height if image else face.height,
            "ppi": image.ppi if image else None, "position": None, "compression": face.compression or None,
        }  # fmt: skip
        looking.record({"type": "iso19794-5:2005", "idc": number, "fields": {}, "images": [entry]}, image)


def _look_at_image(data: bytes, looking: _Looking) -> None:
    image = looking.decoded(0, "", data)
    name = sniff(data).format
    entries = []
    if image is not None:
        entries = [
            {"width": image.width, "height": image.height, "ppi": image.ppi, "position": None, "compression": name}
        ]
    looking.record({"type": name, "idc": None, "fields": {}, "images": entries}, image)
