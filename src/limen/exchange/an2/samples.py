"""Which records are samples that Limen can search: faces, fingers, palms and marks, with bytes that can be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from limen.exchange.an2 import examiner, raw, segments
from limen.exchange.an2.records import Record, Transaction
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality, Position

#: Impression types of marks (ANSI/NIST-ITL 1-2011, Table 7): fingers 4-7, palms 12-15, others 32-36.
_MARK_IMPRESSIONS = frozenset({*range(4, 8), *range(12, 16), *range(32, 37)})
_PALMS = range(20, 39)  # friction ridge positions, Table 8; 37 and 38 (grasp, carpal) are palms too, 81-86 partly
_OTHER_PALMS = range(81, 87)
#: How a Type-4 header numbers compressions (Table 15), as tagged records spell them.
_COMPRESSIONS = {0: "NONE", 1: "WSQ20", 2: "JPEGB", 3: "JPEGL", 4: "JP2", 5: "JP2L", 6: "PNG"}
_PPI_PER_PPMM = 25.4
_CLASS_RESOLUTION = {19.69: 500.0, 19.68: 500.0, 39.37: 1000.0, 9.84: 250.0}  # the rounded numbers that 1.011 may hold


@dataclass(frozen=True)
class FileSample:
    """One sample of a file.

    Attributes:
        modality, position: what the record says it is; `Position.UNKNOWN` where it says nothing of use, or several
            possible positions; slaps without usable segments come whole, as 13, 14 or 15.
        data: bytes for `limen.images.decode`; raw images and fingers cut from slaps as PGM, others as in the file.
        ppi: pixels an inch that the record states for `data`; None: it does not (the image itself may).
        idc, record_type: of its record; `record` counts records from 0 (the Type-1 record).
        compression: as the record states it: `NONE`, `WSQ20`, `JPEGB`, `JPEGL`, `JP2`, `JP2L`, `PNG`.
        impression: impression type (ANSI/NIST-ITL Table 7), None for faces.
        width, height: in pixels, as the record states them; 0 where it does not.
        captured: date as `YYYY-MM-DD`, empty where unknown.
        segment: cut from a slap by the segment positions of its record.
        minutiae: what the Type-9 record of the same IDC plotted on this image, or None. A Type-9 record without an
            image is a sample of its own (`plotted`), without `data`.
    """

    modality: Modality
    position: Position
    data: bytes = field(repr=False)
    ppi: float | None
    idc: int | None
    record_type: int
    record: int
    compression: str = ""
    impression: int | None = None
    width: int = 0
    height: int = 0
    captured: str = ""
    segment: bool = False
    minutiae: RidgeTemplate | None = field(default=None, repr=False)


def samples(transaction: Transaction) -> list[FileSample]:
    """Samples of a file, in its order; see `each_sample`."""
    return list(each_sample(transaction))


def each_sample(transaction: Transaction) -> Iterator[FileSample]:
    """Samples of a file, one by one. Slaps are cut into fingers where their record says how (14.021, 14.025).

    Cutting decodes the slap; one that cannot be decoded comes whole, so that the caller finds out why.
    """
    for index, record in enumerate(transaction.records):
        if not record.data:
            continue
        if record.type == 4:
            yield _with_minutiae(_type4(record, index, transaction.type1), transaction)
        elif record.type == 10 and record.text(3).upper() in ("FACE", ""):
            yield _face(record, index)
        elif record.type in (13, 14, 15):
            for sample in _variable(record, index):
                yield _with_minutiae(sample, transaction)


def plotted(transaction: Transaction) -> list[FileSample]:
    """Minutiae of Type-9 records to whose IDC there is no image: a mark or print that came as its minutiae alone."""
    images = {record.idc for record in transaction.records if record.type in (4, 13, 14, 15) and record.data}
    found = []
    for index, record in enumerate(transaction.records):
        if record.type != 9 or record.idc in images:
            continue
        template = examiner.template(record)
        if template is not None:
            modality = _ridge_modality(record.whole(3), template.position, record.type)
            where = _known(template.position)
            found.append(
                FileSample(
                    modality, where, b"", None, record.idc, record.type, index, "", record.whole(3),
                    template.width, template.height, minutiae=template,
                )
            )  # fmt: skip
    return found


def _with_minutiae(sample: FileSample, transaction: Transaction) -> FileSample:
    """The sample with the minutiae of the Type-9 record that has its IDC, if there is one."""
    if sample.modality is Modality.FACE or sample.segment or sample.idc is None:
        return sample
    plotted = next((record for record in transaction.of_type(9) if record.idc == sample.idc), None)
    if plotted is None:
        return sample
    width, height = (round(side * 500 / (sample.ppi or 500)) for side in (sample.width, sample.height))
    return replace(sample, minutiae=examiner.template(plotted, width, height))


def _type4(record: Record, index: int, type1: Record) -> FileSample:
    width, height = record.whole(6) or 0, record.whole(7) or 0
    ppi = native_ppi(type1) if record.whole(5) else 500.0  # 8.4.5: 0 stands for the minimum, 19.69 ppmm
    compression = _COMPRESSIONS.get(record.whole(8) or 0, "")
    position = _position(record.subfields(4))
    return FileSample(
        _ridge_modality(record.whole(3), position, record.type),
        _known(position),
        raw.decodable(record.data, compression, width, height, channels=1, depth=8, ppi=ppi),
        ppi,
        record.idc,
        record.type,
        index,
        compression,
        record.whole(3),
        width,
        height,
    )


def _face(record: Record, index: int) -> FileSample:
    width, height = record.whole(6) or 0, record.whole(7) or 0
    compression = record.text(11).upper()
    space = record.text(12).upper()
    data = raw.decodable(record.data, compression, width, height, channels=1 if space == "GRAY" else 3, space=space)
    return FileSample(
        Modality.FACE,
        Position.UNKNOWN,
        data,
        _ppi(record),
        record.idc,
        record.type,
        index,
        compression,
        None,
        width,
        height,
        _date(record.text(5)),
    )


def _variable(record: Record, index: int) -> list[FileSample]:
    """Type-13, -14 and -15: one sample, or the fingers of a slap."""
    width, height = record.whole(6) or 0, record.whole(7) or 0
    compression, ppi = record.text(11).upper(), _ppi(record)
    depth = record.whole(12) or 8
    data = raw.decodable(
        record.data, compression, width, height, channels=3 if depth == 24 else 1, depth=min(depth, 16), ppi=ppi
    )
    position = _position(record.subfields(13))
    modality = _ridge_modality(record.whole(3), position, record.type)

    def sample(where: Position, content: bytes, size: tuple[int, int], segment: bool) -> FileSample:
        return FileSample(
            modality, where, content, ppi, record.idc, record.type, index, compression, record.whole(3), *size,
            _date(record.text(5)), segment,
        )  # fmt: skip

    if modality is Modality.FINGER and (position in segments.PAIRS or not _known(position).is_finger):
        fingers = segments.cut(record, data, ppi)
        if fingers:
            return [sample(finger.position, finger.data, (finger.width, finger.height), True) for finger in fingers]
    return [sample(_known(position), data, (width, height), False)]


def _position(codes: list[tuple[str, ...]]) -> int:
    """The friction ridge position; 0 where several are possible, or none is stated."""
    numbers = {int(code[0]) for code in codes if code and code[0].strip().isdigit() and len(code[0]) < 4}
    return numbers.pop() if len(numbers) == 1 else 0


def _known(code: int) -> Position:
    return Position(code) if code in Position._value2member_map_ else Position.UNKNOWN


def _ridge_modality(impression: int | None, position: int, record_type: int) -> Modality:
    if record_type == 13 or impression in _MARK_IMPRESSIONS:
        return Modality.MARK
    palm = record_type == 15 or position in _PALMS or position in _OTHER_PALMS
    return Modality.PALM if palm else Modality.FINGER


def native_ppi(type1: Record) -> float | None:
    """1.011, native scanning resolution, pixels a millimetre to pixels an inch; None where it is zero or unreadable."""
    try:
        ppmm = float(type1.text(11))
    except ValueError:
        return None
    if not 1 <= ppmm < 200:  # 25 to 5,000 ppi
        return None
    return _CLASS_RESOLUTION.get(round(ppmm, 2), round(ppmm * _PPI_PER_PPMM, 1))


def _ppi(record: Record) -> float | None:
    """Horizontal scale (009) in the units of 008: 1 pixels an inch, 2 pixels a centimetre, 0 none (7.7.8.4-6)."""
    scale = record.whole(9) or 0
    ppi = {1: float(scale), 2: round(scale * 2.54, 1)}.get(record.whole(8) or 0)
    return ppi or None


def _date(text: str) -> str:
    """`YYYYMMDD` as ISO 8601; empty if it is something else."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isascii() and text.isdigit() else ""
