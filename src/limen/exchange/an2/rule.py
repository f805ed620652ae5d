"""A rule on one field, and what breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from limen.exchange.an2.records import Record

DATE = "date"  # stands for the pattern of a date


@dataclass(frozen=True)
class Rule:
    """One field of one record type: its mnemonic, whether it must be there, and how its first item looks."""

    number: int
    mnemonic: str
    pattern: str
    required: bool = True
    clause: str = ""


def by_table(record: Record, table: dict[int, tuple[Rule, ...]]) -> Iterator[tuple[str, str]]:
    """Fields of a record that a table's rules find missing or malformed: their names, and what is wrong."""
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
    return _is_date(text) if pattern == DATE else re.fullmatch(pattern, text) is not None


def _is_date(text: str) -> bool:
    """`YYYYMMDD`; unknown month or day may be 00 (7.7.2.3)."""
    if not re.fullmatch(r"\d{8}", text):
        return False
    try:
        return bool(date(int(text[:4]), int(text[4:6]) or 1, int(text[6:8]) or 1))
    except ValueError:
        return False


def _clause(rule: Rule) -> str:
    return f"{rule.clause}.{rule.number}" if rule.clause.startswith("8.") else rule.clause


def _words(rule: Rule) -> str:
    if rule.pattern == DATE:
        return "a date, YYYYMMDD"
    return rule.pattern.replace("0*", "") if len(rule.pattern) < 60 else "one of the standard's codes"
