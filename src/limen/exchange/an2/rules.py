"""The standard's rules, as tables: what must be in which record, and what it may look like; INTERPOL's: `interpol`.

Clauses: ANSI/NIST-ITL 1-2011 Update 2015. Rules on content that Limen does not use (iris, DNA, speech) are not here.
"""

from __future__ import annotations

from collections.abc import Iterator

from limen.errors import BadImage, BadInput
from limen.exchange.an2 import interpol
from limen.exchange.an2.records import BINARY_TYPES, Problem, Record, Transaction
from limen.exchange.an2.rule import DATE, Rule, by_table
from limen.images import sniff

PROFILES = ("base", "int-i")
_WHOLE, _SOME = r"\d{1,5}", r".+"
_COMPRESSIONS = r"NONE|WSQ20|JPEGB|JPEGL|JP2|JP2L|PNG"  # Table 15
_SCALES = r"0*[012]"
_RIDGE_IMPRESSIONS = r"0*([0-9]|1[0-5]|2[0-9]|3[0-9]|4[0-2])"  # Table 7
_MARK_IMPRESSIONS = r"0*([4-7]|1[2-5]|2[89]|3[2-9])"
_POSITIONS = r"0*([0-9]|1[0-9]|2[0-9]|3[0-9]|4[0-9]|50|6[0-9]|7[0-9]|8[0-6])"  # Table 8
_PALMS = r"0*(2[0-9]|3[0-8]|8[1-6])"
_IMAGE_TYPES = (
    r"FACE|SCAR|MARK|TATTOO|FRONTAL-C|REAR-C|FRONTAL-N|REAR-N|TORSO-BACK|TORSO-FRONT|CONDITION|MISSING|OTHER|CHEST|"
    r"FEET|HANDS-PALM|HANDS-BACK|GENITALS|BUTTOCKS|RIGHT LEG|LEFT LEG|RIGHT ARM|LEFT ARM"
)  # 8.10.3


def _rules(record_type: int, *rows: tuple[int, str, str] | tuple[int, str, str, bool]) -> tuple[Rule, ...]:
    """Rules whose clause is the one that the standard gives to the field itself (8.T.N)."""
    return tuple(Rule(row[0], row[1], row[2], row[3] if len(row) > 3 else True, f"8.{record_type}") for row in rows)


_SIZE = ((6, "HLL", _WHOLE), (7, "VLL", _WHOLE), (8, "SLC", _SCALES), (9, "THPS", _WHOLE), (10, "TVPS", _WHOLE))

#: What every file must follow.
BASE: dict[int, tuple[Rule, ...]] = {
    1: _rules(
        1, (2, "VER", r"0[2-5]\d\d"), (3, "CNT", r"1"), (4, "TOT", r"\S{1,16}"), (5, "DAT", DATE),
        (6, "PRY", r"[1-9]", False), (7, "DAI", _SOME), (8, "ORI", _SOME), (9, "TCN", _SOME),
        (11, "NSR", r"\d\d\.\d\d"), (12, "NTR", r"\d\d\.\d\d"), (14, "GMT", r"\d{14}Z", False),
    ),
    2: _rules(2, (2, "IDC", r"\d{1,2}")),
    4: _rules(4, (3, "IMP", r"[0-9]|1[0-9]|2[0-9]"), (4, "FGP", r"[0-9]|1[0-5]"), (5, "ISR", r"[01]"),
              (6, "HLL", r"[1-9]\d*"), (7, "VLL", r"[1-9]\d*"), (8, "GCA", r"[0-6]")),
    9: _rules(9, (2, "IDC", r"\d{1,2}"), (3, "IMP", _RIDGE_IMPRESSIONS, False), (4, "FMT", r"[SU]")),
    10: _rules(10, (2, "IDC", r"\d{1,2}"), (3, "IMT", _IMAGE_TYPES), (4, "SRC", _SOME), (5, "PHD", DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "CSP", r"UNK|GRAY|RGB|SRGB|YCC|SYCC")),
    13: _rules(13, (2, "IDC", r"\d{1,2}"), (3, "IMP", _MARK_IMPRESSIONS), (4, "SRC", _SOME), (5, "LCD", DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "BPX", r"\d{1,2}"), (13, "FGP", _POSITIONS)),
    14: _rules(14, (2, "IDC", r"\d{1,2}"), (3, "IMP", _RIDGE_IMPRESSIONS), (4, "SRC", _SOME), (5, "FCD", DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "BPX", r"\d{1,2}"), (13, "FGP", _POSITIONS)),
    15: _rules(15, (2, "IDC", r"\d{1,2}"), (3, "IMP", _RIDGE_IMPRESSIONS), (4, "SRC", _SOME), (5, "PCD", DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "BPX", r"\d{1,2}"), (13, "FGP", _PALMS)),
}  # fmt: skip


def check(transaction: Transaction, profile: str = "base") -> list[Problem]:
    """Everything that is wrong with a file: what was noticed in reading, then broken rules, by record.

    Images are not decoded here; whether their bytes begin as their compression says is checked.

    Raises:
        BadInput: there is no such profile.
    """
    if profile not in PROFILES:
        raise BadInput(f"There is no profile '{profile}'.", advice=f"Known: {', '.join(PROFILES)}.")
    problems = list(transaction.problems)
    for index, record in enumerate(transaction.records):
        found = [*by_table(record, BASE), *_characters(record), *_image_rules(record)]
        if profile == "int-i":
            found += interpol.of_record(record, transaction)
        problems += [Problem(index, tag, message) for tag, message in found]
    problems += _resolution_of_type_4(transaction)
    if profile == "int-i":
        problems += interpol.of_file(transaction)
    return sorted(problems, key=lambda problem: -1 if problem.record is None else problem.record)


def _characters(record: Record) -> Iterator[tuple[str, str]]:
    """Type-1 is ASCII whatever 1.015 says of other records (8.1), so that every reader can go on; XML is Unicode."""
    traditional = record.length > 0
    if record.type == 1 and traditional:
        for number in dict.fromkeys(field.number for field in record.fields):
            if not all(item.isascii() for row in record.subfields(number) for item in row):
                yield record.tag(number), "holds other characters than ASCII (8.1)"


def _image_rules(record: Record) -> Iterator[tuple[str, str]]:
    """Rules between an image and what its record says of it."""
    if record.type not in (4, 10, 13, 14, 15):
        return
    if not record.data:
        if not (record.type in (14, 15) and record.has(18)):
            yield record.tag(999 if record.type != 4 else 9), "the image is missing"
        return
    if record.type == 4:
        compression = {0: "NONE", 1: "WSQ20", 2: "JPEGB", 3: "JPEGL", 4: "JP2", 5: "JP2L", 6: "PNG"}.get(
            record.whole(8) or 0, ""
        )
        compression_tag, depth = record.tag(8), 8
    else:
        compression, compression_tag = record.text(11).upper(), record.tag(11)
        depth = 8 if record.type == 10 else record.whole(12) or 8
    yield from _bytes_fit(record, compression, compression_tag, depth)
    if record.type in (13, 14, 15):
        yield from _resolution(record, compression)


def _bytes_fit(record: Record, compression: str, tag: str, depth: int) -> Iterator[tuple[str, str]]:
    width, height = record.whole(6) or 0, record.whole(7) or 0
    if compression == "NONE":
        channels = 3 if record.type == 10 and record.text(12).upper() != "GRAY" else 1
        expected = width * height * channels * ((depth + 7) // 8)
        if expected != len(record.data):
            yield (
                record.tag(9 if record.type == 4 else 999),
                f"has {len(record.data)} bytes; {width} x {height} pixels uncompressed are {expected} (7.7.9)",
            )
        return
    expected_format = {"WSQ20": "wsq", "JPEGB": "jpeg", "JPEGL": "jpeg", "JP2": "jpeg2000", "JP2L": "jpeg2000",
                       "PNG": "png"}.get(compression)  # fmt: skip
    try:
        found = sniff(record.data).format
    except BadImage:
        found = "none that is known"
    if expected_format and found != expected_format:
        yield tag, f"says {compression}, but the image's bytes are {found} (7.7.9.1)"


def _resolution(record: Record, compression: str) -> Iterator[tuple[str, str]]:
    factor = {1: 1.0, 2: 2.54}.get(record.whole(8) or 0)
    if factor is None:
        return
    across, down = ((record.whole(number) or 0) * factor for number in (9, 10))
    if record.type in (14, 15) and 0 < min(across, down) < 490:
        yield record.tag(9), f"{round(min(across, down))} ppi is less than the 500 that friction ridges need (7.7.6)"
    if across and down and abs(across - down) > 0.02 * across:
        yield record.tag(10), "differs from the horizontal scale; pixels must be square (7.7.8.5)"
    if compression == "WSQ20" and max(across, down) > 520:
        yield record.tag(11), "WSQ is for images of 500 ppi only; use JPEG 2000 (7.7.9.1)"


def _resolution_of_type_4(transaction: Transaction) -> list[Problem]:
    """1.011 and 1.012 describe Type-4 images; files of 2011 and later without them say 00.00 (8.1.11, 8.1.12)."""
    type1, has_type_4 = transaction.type1, bool(transaction.of_type(4))
    out = []
    for number, name in ((11, "NSR"), (12, "NTR")):
        zero = type1.text(number) == "00.00"
        if has_type_4 and zero:
            out.append(
                Problem(0, type1.tag(number), f"{name} is 00.00 although there are Type-4 records (8.1.{number})")
            )
        elif not has_type_4 and not zero and type1.text(2) >= "0500" and not _others(transaction):
            out.append(
                Problem(
                    0, type1.tag(number), f"{name} is not 00.00 although there are no Type-4 records (8.1.{number})"
                )
            )
    return out


def _others(transaction: Transaction) -> bool:
    """Types 3, 5, 6 have their resolution in Type-1 too."""
    return any(record.type in BINARY_TYPES - {4, 7, 8} for record in transaction.records)
