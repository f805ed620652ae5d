"""What a file says of the person: Type-2 fields of two profiles, in the words of Limen's manifest.

Type-2 is user-defined; which field is what depends on the domain (1.013). Sources: INTERPOL's machine readable tables
of INT-I 6.0 (github.com/INTERPOL-Innovation-Centre), which keep the numbers of INT-I 4 and 5 and of the annex of
Council Decision 2008/616/JHA; the FBI's EBTS, appendix C, for NORAM, the domain of files that name none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from limen import countries
from limen.errors import BadInput
from limen.exchange.an2.records import Record, Transaction
from limen.terms import Notice, Sex

Fields = dict[str, object]

#: Fields that Limen writes beyond INT-I (in the range that profiles leave to agreement between users), and reads back.
NOTICE, NOTICE_NUMBER, INSTRUCTIONS, VISIBLE_TO = 901, 902, 903, 904
MOST_TEXT, MOST_ITEMS = 4_000, 300  # characters; names, or countries: there are 250
_SEX = {"M": Sex.MALE.value, "F": Sex.FEMALE.value}  # U, X, G (EBTS: said to be male), Y, Z leave it open
_DATE = re.compile(r"(\d{4})-?(\d{2})?-?(\d{2})?")


def person_fields(transaction: Transaction) -> Fields:
    """Text fields of the first Type-2 record, and of Type-1 where that lacks them.

    Returns:
        Some of: `record_id` (str), `names` (list of str, the name first, then aliases), `date_of_birth` (`YYYY-MM-DD`,
        `YYYY-MM` or `YYYY`), `sex` (`F`, `M`, `X`), `nationalities` (list of ISO 3166-1 alpha-3), `notice`,
        `notice_number`, `offence`, `instructions` (str), `valid_until` (`YYYY-MM-DD`), `visible_to` (list of alpha-3).
        What the file does not say, or says in a way that cannot be understood, is absent.
    """
    person = next(iter(transaction.of_type(2)), None)
    reader = _interpol if transaction.domain.startswith(("INT", "PRUM", "EU")) else _north_american
    fields = reader(person) if person else {}
    if not fields.get("record_id"):
        fields["record_id"] = transaction.type1.text(9)  # TCN: unique to the sender, never reused (8.1.9)
    return {name: _bounded(value) for name, value in fields.items() if value}


def _interpol(person: Record) -> Fields:
    """INT-I: 2.010 CRN, 2.030 NAM, 2.034 AKA, 2.035 DOB, 2.038 NAT, 2.039 SEX, 2.054 OTY, 2.063 INF, 2.092 EXP."""
    mark = "/".join(part for part in (person.text(number) for number in (7, 8, 9)) if part)  # CNO, SQN, MID
    return {
        "record_id": _joined(person, 10, "/") or mark,
        "names": _unique([*map(_natural_order, _rows(person, 30)), *map(_natural_order, _rows(person, 34))]),
        "date_of_birth": _date(person.text(35)),
        "sex": _SEX.get(person.text(39).upper(), "X") if person.has(39) else "",
        "nationalities": _countries(person, 38),
        "offence": _joined(person, 54, "; "),
        "instructions": _joined(person, INSTRUCTIONS, "\n") or _joined(person, 63, "; "),
        "valid_until": _full_date(person.text(92)),
        "notice": _one_of(Notice, person.text(NOTICE).lower()),
        "notice_number": person.text(NOTICE_NUMBER) or person.text(90),  # 2.090 IRN: INTERPOL's own reference
        "visible_to": _countries(person, VISIBLE_TO),
    }


def _north_american(person: Record) -> Fields:
    """EBTS: 2.009 OCA, 2.014 UCN, 2.018 NAM, 2.019 AKA, 2.021 CTZ, 2.022 DOB, 2.024 SEX, 2.037 RFP, 2.047 ASL."""
    offences = [row[1].strip() for row in person.subfields(47) if len(row) > 1]
    return {
        "record_id": person.text(9) or person.text(14),
        "names": _unique([*map(_surname_first, _rows(person, 18)), *map(_surname_first, _rows(person, 19))]),
        "date_of_birth": _date(person.text(22)),
        "sex": _SEX.get(person.text(24).upper(), "X") if person.has(24) else "",
        "nationalities": _countries(person, 21),
        "offence": "; ".join(_unique(offences)) or person.text(37),
    }


def _bounded(value: object) -> object:
    """No text or list longer than any record may have: too long for the records room, short enough to travel there."""
    if isinstance(value, list):
        return [text[:MOST_TEXT] for text in value[:MOST_ITEMS]]
    return str(value)[:MOST_TEXT]


def _rows(person: Record, number: int) -> list[tuple[str, ...]]:
    return [tuple(item.strip() for item in row) for row in person.subfields(number) if any(i.strip() for i in row)]


def _natural_order(row: tuple[str, ...]) -> str:
    """INT-I 2.030: one item is the whole name; several are prefix, given, middle, surname, suffix, maiden, extended."""
    if len(row) == 1:
        return row[0]
    if len(row) > 6 and row[6]:
        return row[6]
    name = " ".join(item for item in row[:5] if item)
    return f"{name} (née {row[5]})" if len(row) > 5 and row[5] else name


def _surname_first(row: tuple[str, ...]) -> str:
    """EBTS 2.018: `SURNAME,GIVEN MIDDLE` to the order in which people say it."""
    surname, _, given = row[0].partition(",")
    return f"{given.strip()} {surname.strip()}".strip()


def _joined(person: Record, number: int, glue: str) -> str:
    return glue.join(item for row in _rows(person, number) for item in row if item)


def _unique(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def _date(text: str) -> str:
    """`YYYYMMDD` or ISO 8601 to ISO 8601, as much of it as is known (00 stands for unknown)."""
    found = _DATE.fullmatch(text)
    if not found or not 1850 <= int(found[1]) <= 2200:
        return ""
    year, month, day = found[1], found[2] or "00", found[3] or "00"
    if not 1 <= int(month) <= 12:
        return year
    return f"{year}-{month}-{day}" if 1 <= int(day) <= 31 else f"{year}-{month}"


def _full_date(text: str) -> str:
    date = _date(text)
    return date if len(date) == 10 else ""


def _countries(person: Record, number: int) -> list[str]:
    """Alpha-3 codes that we know; the codes of two letters of INT-I 4 and EBTS are not all ISO's and are left out."""
    return _unique([code for row in _rows(person, number) for item in row if (code := _country(item))])


def _country(text: str) -> str:
    if len(text) != 3:
        return ""
    try:
        return countries.check(text)
    except BadInput:
        return ""


def _one_of(kind: Callable[[str], Notice], word: str) -> str:
    try:
        return kind(word).value
    except ValueError:
        return ""
