"""INTERPOL's rules (INT-I) on Type-1, Type-2 and on what a transaction holds, beyond the standard's.

Sources: the machine readable tables of INT-I 6.0 (clauses by field, `INT-I 02.039`), and the annex of Council Decision
2008/616/JHA, chapter 2, which prints INT-I 4.22 (`2008/616/JHA, 2.003`). Files of version 4 must also follow what only
that has: system information, priority, numbers of fixed shape. What neither prints is not checked (docs/exchange.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from limen.exchange.an2.records import Problem, Record, Transaction
from limen.exchange.an2.rule import DATE, Rule, by_table

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
        Rule(35, "DOB", DATE, False, "INT-I 02.035"),
        Rule(38, "NAT", r"[A-Za-z]{3}", False, "INT-I 02.038"),
        Rule(39, "SEX", r"[MFU]", False, "INT-I 02.039"),
        Rule(54, "OTY", r".{1,128}", False, "INT-I 02.054"),
        Rule(55, "DOO", DATE, False, "INT-I 02.055"),
        Rule(56, "DOR", DATE, False, "INT-I 02.056"),
        Rule(74, "ERM", r"\d{3}", False, "INT-I 02.074"),
        Rule(92, "EXP", DATE, False, "INT-I 02.092"),
    ),
}

#: What the annex prints for version 4 of INT-I, and later versions leave to others.
_ANNEX, _AGENCY = "2008/616/JHA", r"[A-Z]{2}/.{1,29}"
_RESOLUTION = r"19\.6[89]|39\.37|00\.00"  # 500 and 1,000 ppi; no Type-4 record
INT_I_4: dict[int, tuple[Rule, ...]] = {
    1: (
        Rule(6, "PRY", r"[1-9]", clause=f"{_ANNEX}, 1.006"),
        Rule(7, "DAI", _AGENCY, clause=f"{_ANNEX}, 1.007"),
        Rule(8, "ORI", _AGENCY, clause=f"{_ANNEX}, 1.008"),
        Rule(9, "TCN", r"\d{10}[A-Z]", clause=f"{_ANNEX}, 1.009"),
        Rule(10, "TCR", r"\d{10}[A-Z]", False, clause=f"{_ANNEX}, 1.010"),
        Rule(11, "NSR", _RESOLUTION, clause=f"{_ANNEX}, 1.011"),
        Rule(12, "NTR", _RESOLUTION, clause=f"{_ANNEX}, 1.012"),
    ),
    2: (
        Rule(3, "SYS", r"04\d\d", clause=f"{_ANNEX}, 2.003"),
        Rule(7, "CNO", r"[A-Z]{2}/.{1,29}", False, f"{_ANNEX}, 2.007"),
        Rule(8, "SQN", r"\d{1,4}", False, f"{_ANNEX}, 2.008"),
        Rule(9, "MID", r"[A-Z]{1,2}", False, f"{_ANNEX}, 2.009"),
        Rule(10, "CRN", r"[A-Z]{2}/.{1,33}", False, f"{_ANNEX}, 2.010"),
    ),
}

#: One of these fields of Type-2 must be there in these transactions.
_NEEDED: tuple[tuple[tuple[str, ...], tuple[tuple[int, str], ...]], ...] = (
    (("CPS", "PMS", "NPS", "ATP"), ((10, "CRN"), (11, "ORN"))),
    (("ATP",), ((30, "NAM"),)),
    (("ATP",), ((38, "NAT"),)),
    (("MPS", "MMS"), ((7, "CNO"),)),
    (("MPS",), ((8, "SQN"),)),
    (("MPS",), ((9, "MID"),)),
    (("MPS",), ((55, "DOO"), (56, "DOR"))),
    (("SRE",), ((64, "RLS"),)),
    (("ERR",), ((74, "ERM"),)),
)

_RIDGE_RECORDS, _IMAGES = (4, 9, 13, 14, 15), (4, 10, 13, 14, 15)


def of_record(record: Record, transaction: Transaction) -> Iterator[tuple[str, str]]:
    """What is wrong with one record: names of fields, and messages."""
    yield from by_table(record, INT_I)
    if record.type in (1, 2) and _version(transaction).startswith("4"):
        # which rules both tables have is said once, by the stricter
        yield from (found for found in by_table(record, INT_I_4) if found[0] not in _named(record))
    if record.type == 2 and record.has(64):
        yield from _result(record)


def _named(record: Record) -> set[str]:
    return {tag for tag, _ in by_table(record, INT_I)}


def _version(transaction: Transaction) -> str:
    row = next(iter(transaction.type1.subfields(13)), ())
    return row[1].strip() if len(row) > 1 else ""


def _result(record: Record) -> Iterator[tuple[str, str]]:
    """2.064, RLS: kind of search; I or N; for I, which candidate of how many, and its score."""
    rows = [row[0].strip() if row else "" for row in record.subfields(64)]
    found = rows[1:2] == ["I"]
    right = len(rows) > 1 and rows[0] in (*_PERSONS, *_MARKS) and rows[1] in ("I", "N")
    if not right or (found and not (len(rows) > 2 and re.fullmatch(r"\d{3}/\d{3}", rows[2]))):
        yield record.tag(64), "RLS is not: kind of search, I or N, and for I its rank as 001/001 (INT-I 02.064)"
    elif len(rows) > 3 and not rows[3].isdigit():
        yield record.tag(64), "RLS states a score that is no number (INT-I 02.064)"


def of_file(transaction: Transaction) -> list[Problem]:
    """What is wrong with the file as a whole: records and fields that its kind of transaction needs, shared IDCs."""
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
    if kind == "ERR":
        for index, record in enumerate(transaction.records):
            if record.type in _RIDGE_RECORDS:
                out.append(Problem(index, "", "an ERR holds no prints or marks (2008/616/JHA, appendix 1)"))
    return out + _declared_version(transaction) + _shared_idcs(transaction)


def _declared_version(transaction: Transaction) -> list[Problem]:
    """2.003 repeats the version that 1.013 names: 4.22 is 0422."""
    major, _, minor = _version(transaction).partition(".")
    out = []
    for index, record in enumerate(transaction.records):
        stated = record.text(3) if record.type == 2 else ""
        if stated and major.isdigit() and minor.isdigit() and stated != f"{int(major):02d}{int(minor):02d}":
            out.append(Problem(index, "2.003", "SYS is another version than DOM names (1.013; 2008/616/JHA, 2.003)"))
    return out


def _shared_idcs(transaction: Transaction) -> list[Problem]:
    """INT-I: no two image records share an IDC (01.003-D); a Type-9 record shares that of its image."""
    seen: dict[int | None, int] = {}
    out = []
    for index, record in enumerate(transaction.records):
        if record.type in _IMAGES:
            if record.idc in seen:
                out.append(
                    Problem(index, record.tag(2), f"record {seen[record.idc]} has the same IDC (INT-I 01.003-D)")
                )
            seen.setdefault(record.idc, index)
    return out
