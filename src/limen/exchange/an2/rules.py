"""The standard's rules and INTERPOL's, as tables: what must be in which record, and what it may look like.

Clauses: ANSI/NIST-ITL 1-2011 Update 2015; for INT-I the machine readable tables of version 6.0 (by field reference) and
the annex of Council Decision 2008/616/JHA, chapter 2. Rules on content that Limen does not use (iris, DNA, speech) are
not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from limen.errors import BadImage, BadInput
from limen.exchange.an2.records import BINARY_TYPES, Problem, Record, Transaction
from limen.images import sniff

PROFILES = ("base", "int-i")
_DATE, _WHOLE, _SOME = "date", r"\d{1,5}", r".+"
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


@dataclass(frozen=True)
class Rule:
    """One field of one record type: its mnemonic, whether it must be there, and how its first item looks."""

    number: int
    mnemonic: str
    pattern: str
    required: bool = True
    clause: str = ""


def _rules(record_type: int, *rows: tuple[int, str, str] | tuple[int, str, str, bool]) -> tuple[Rule, ...]:
    """Rules whose clause is the one that the standard gives to the field itself (8.T.N)."""
    return tuple(Rule(row[0], row[1], row[2], row[3] if len(row) > 3 else True, f"8.{record_type}") for row in rows)


_SIZE = ((6, "HLL", _WHOLE), (7, "VLL", _WHOLE), (8, "SLC", _SCALES), (9, "THPS", _WHOLE), (10, "TVPS", _WHOLE))

#: What every file must follow.
BASE: dict[int, tuple[Rule, ...]] = {
    1: _rules(
        1, (2, "VER", r"0[2-5]\d\d"), (3, "CNT", r"1"), (4, "TOT", r"\S{1,16}"), (5, "DAT", _DATE),
        (6, "PRY", r"[1-9]", False), (7, "DAI", _SOME), (8, "ORI", _SOME), (9, "TCN", _SOME),
        (11, "NSR", r"\d\d\.\d\d"), (12, "NTR", r"\d\d\.\d\d"), (14, "GMT", r"\d{14}Z", False),
    ),
    2: _rules(2, (2, "IDC", r"\d{1,2}")),
    4: _rules(4, (3, "IMP", r"[0-9]|1[0-9]|2[0-9]"), (4, "FGP", r"[0-9]|1[0-5]"), (5, "ISR", r"[01]"),
              (6, "HLL", r"[1-9]\d*"), (7, "VLL", r"[1-9]\d*"), (8, "GCA", r"[0-6]")),
    9: _rules(9, (2, "IDC", r"\d{1,2}"), (3, "IMP", _RIDGE_IMPRESSIONS, False), (4, "FMT", r"[SU]")),
    10: _rules(10, (2, "IDC", r"\d{1,2}"), (3, "IMT", _IMAGE_TYPES), (4, "SRC", _SOME), (5, "PHD", _DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "CSP", r"UNK|GRAY|RGB|SRGB|YCC|SYCC")),
    13: _rules(13, (2, "IDC", r"\d{1,2}"), (3, "IMP", _MARK_IMPRESSIONS), (4, "SRC", _SOME), (5, "LCD", _DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "BPX", r"\d{1,2}"), (13, "FGP", _POSITIONS)),
    14: _rules(14, (2, "IDC", r"\d{1,2}"), (3, "IMP", _RIDGE_IMPRESSIONS), (4, "SRC", _SOME), (5, "FCD", _DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "BPX", r"\d{1,2}"), (13, "FGP", _POSITIONS)),
    15: _rules(15, (2, "IDC", r"\d{1,2}"), (3, "IMP", _RIDGE_IMPRESSIONS), (4, "SRC", _SOME), (5, "PCD", _DATE), *_SIZE,
               (11, "CGA", _COMPRESSIONS), (12, "BPX", r"\d{1,2}"), (13, "FGP", _PALMS)),
}  # fmt: skip

_TRANSACTIONS = {
    "CPS": "criminal print-to-print search", "PMS": "print-to-mark search", "MPS": "mark-to-print search",
    "MMS": "mark-to-mark search", "NPS": "search of prints taken for civil purposes", "ATP": "request to store prints",
    "SRE": "search response", "ERR": "error",
}  # fmt: skip
_PERSONS, _MARKS = ("CPS", "PMS", "NPS", "ATP"), ("MPS", "MMS")

#: What INT-I adds to Type-1 and Type-2, whatever the transaction.
INT_I: dict[int, tuple[Rule, ...]] = {
    1: (
        Rule(4, "TOT", "|".join(_TRANSACTIONS), clause="INT-I 01.004"),
        Rule(13, "DOM", r"INT-I.*", clause="INT-I 01.013"),
        Rule(14, "GMT", r"\d{14}Z", clause="INT-I 01.014"),
    ),
    2: (
        Rule(8, "SQN", r".{1,32}", False, "INT-I 02.008"),
        Rule(9, "MID", r".{1,32}", False, "INT-I 02.009"),
        Rule(10, "CRN", r".{1,36}", False, "INT-I 02.010"),
        Rule(11, "ORN", r".{1,64}", False, "INT-I 02.011"),
        Rule(35, "DOB", _DATE, False, "INT-I 02.035"),
        Rule(38, "NAT", r"[A-Za-z]{3}", False, "INT-I 02.038"),
        Rule(39, "SEX", r"[MFU]", False, "INT-I 02.039"),
        Rule(54, "OTY", r".{1,128}", False, "INT-I 02.054"),
        Rule(92, "EXP", _DATE, False, "INT-I 02.092"),
    ),
}

#: One of these fields of Type-2 must be there in these transactions.
_NEEDED: tuple[tuple[tuple[str, ...], tuple[tuple[int, str], ...]], ...] = (
    (("CPS", "NPS", "ATP"), ((10, "CRN"), (11, "ORN"))),
    (("ATP",), ((30, "NAM"),)),
    (("ATP",), ((38, "NAT"),)),
    (("MPS",), ((7, "CNO"),)),
    (("MPS",), ((8, "SQN"),)),
    (("MPS",), ((9, "MID"),)),
    (("MPS",), ((55, "DOO"), (56, "DOR"))),
    (("SRE",), ((64, "RLS"),)),
    (("ERR",), ((74, "ERM"),)),
)


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
        found = [*_by_table(record, BASE), *_image_rules(record)]
        if profile == "int-i":
            found += _by_table(record, INT_I)
        problems += [Problem(index, tag, message) for tag, message in found]
    problems += _resolution_of_type_4(transaction)
    if profile == "int-i":
        problems += _interpol_rules(transaction)
    return sorted(problems, key=lambda problem: -1 if problem.record is None else problem.record)


def _by_table(record: Record, table: dict[int, tuple[Rule, ...]]) -> Iterator[tuple[str, str]]:
    for rule in table.get(record.type, ()):
        if not record.has(rule.number):
            if rule.required and not _amputated(record, rule):
                yield record.tag(rule.number), f"{rule.mnemonic} is missing ({_clause(rule)})"
        elif not all(_fits(row[0].strip() if row else "", rule.pattern) for row in _checked_rows(record, rule.number)):
            yield record.tag(rule.number), f"{rule.mnemonic} is not as it must be ({_clause(rule)}: {_words(rule)})"


def _checked_rows(record: Record, number: int) -> list[tuple[str, ...]]:
    """Type-1 fields have one value (the rest of 1.003 is checked in reading); elsewhere every subfield counts."""
    rows = record.subfields(number)
    return rows[:1] if record.type == 1 else rows


def _amputated(record: Record, rule: Rule) -> bool:
    """Type-14 and -15 without an image say why in 018, AMP; then nothing about the image is required (8.14.18)."""
    return record.type in (14, 15) and record.has(18) and rule.number in (6, 7, 8, 9, 10, 11, 12)


def _fits(text: str, pattern: str) -> bool:
    return _is_date(text) if pattern == _DATE else re.fullmatch(pattern, text) is not None


def _is_date(text: str) -> bool:
    """`YYYYMMDD`; unknown month or day may be 00 (7.7.2.3)."""
    if not re.fullmatch(r"\d{8}", text):
        return False
    try:
        return bool(date(int(text[:4]), int(text[4:6]) or 1, int(text[6:8]) or 1))
    except ValueError:
        return False


def _clause(rule: Rule) -> str:
    return rule.clause if rule.clause.startswith("INT-I") else f"{rule.clause}.{rule.number}"


def _words(rule: Rule) -> str:
    if rule.pattern == _DATE:
        return "a date, YYYYMMDD"
    return rule.pattern.replace("0*", "") if len(rule.pattern) < 60 else "one of the standard's codes"


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


def _interpol_rules(transaction: Transaction) -> list[Problem]:
    kind, type1 = transaction.kind, transaction.type1
    out = []
    persons = transaction.of_type(2)
    if len(persons) != 1:
        out.append(Problem(None, "", f"there are {len(persons)} Type-2 records; INT-I wants one (2008/616/JHA, 6.1)"))
    for kinds, fields in _NEEDED:
        if kind in kinds and persons and not any(persons[0].has(number) for number, _ in fields):
            names = " or ".join(name for _, name in fields)
            index = transaction.records.index(persons[0])
            out.append(
                Problem(
                    index, persons[0].tag(fields[0][0]), f"{names} is missing in a {kind} (INT-I 02.{fields[0][0]:03d})"
                )
            )
    if kind in ("SRE", "ERR") and not type1.text(10):
        out.append(Problem(0, "1.010", f"TCR is missing in a {kind} (INT-I 01.010)"))
    if kind in _PERSONS and not any(record.type in (4, 10, 14, 15) for record in transaction.records):
        out.append(Problem(None, "", f"a {kind} needs prints or a face; there are none (2008/616/JHA, appendix 1)"))
    if kind in _MARKS and not any(record.type in (9, 13) for record in transaction.records):
        out.append(Problem(None, "", f"an {kind} needs a mark; there is none (2008/616/JHA, appendix 1)"))
    return out + _shared_idcs(transaction)


def _shared_idcs(transaction: Transaction) -> list[Problem]:
    """INT-I: no two image records share an IDC (01.003-D); a Type-9 record shares that of its image."""
    seen: dict[int | None, int] = {}
    out = []
    for index, record in enumerate(transaction.records):
        if record.type in (4, 10, 13, 14, 15):
            if record.idc in seen:
                out.append(
                    Problem(index, record.tag(2), f"record {seen[record.idc]} has the same IDC (INT-I 01.003-D)")
                )
            seen.setdefault(record.idc, index)
    return out
