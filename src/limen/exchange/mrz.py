"""Machine readable zones of travel documents (ICAO Doc 9303, 8th edition): TD1, TD2, TD3 and visas, from text.

So that a claimed identity comes from the document and not from typing. Why it is written here: docs/decisions/0100.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from limen.errors import BadInput

CODE = "bad-mrz"  # of every refusal
MAX_TEXT = 200  # characters: 90, line breaks and some blanks
_WEIGHTS = (7, 3, 1)  # Doc 9303-3, 4.9
_SHAPES = {(3, 30): "TD1", (2, 36): "TD2", (2, 44): "TD3"}
_ALPHABET = re.compile(r"[A-Z0-9<]+")
_LETTERS = re.compile(r"[A-Z<]+")  # of names and states: no check digit covers them in most layouts (Doc 9303-3, 4.6)
#: Codes of documents that are not ISO 3166-1 alpha-3 (Doc 9303-3, 5), where a country stands behind them.
_COUNTRIES = {"D": "DEU", "GBD": "GBR", "GBN": "GBR", "GBO": "GBR", "GBP": "GBR", "GBS": "GBR", "RKS": "XKX"}


@dataclass(frozen=True)
class TravelDocument:
    """What a machine readable zone says; all its check digits are right.

    Attributes:
        size: `TD1` (cards), `TD2`, `TD3` (passports), or `MRV-A`, `MRV-B` (visas).
        kind: document code, one or two letters.
        issuer, nationality: ISO 3166-1 alpha-3 where there is one, else the document's own code (`XXA`, `XXX`, `UNO`).
        number: document number.
        surname, given_names: as transliterated there, in capitals.
        date_of_birth: `YYYY-MM-DD`, or `YYYY-MM`, `YYYY` where the rest is unknown; empty if all is.
        sex: `F`, `M` or `X`.
        valid_until: `YYYY-MM-DD`, empty if unknown.
        optional: optional data, fillers removed.
    """

    size: str
    kind: str
    issuer: str
    number: str
    surname: str
    given_names: str
    nationality: str
    date_of_birth: str
    sex: str
    valid_until: str
    optional: str

    @property
    def name(self) -> str:
        """Given names, then surname."""
        return f"{self.given_names} {self.surname}".strip()


def read(text: str, *, today: date | None = None) -> TravelDocument:
    """A machine readable zone from its two or three lines (spaces are ignored, letters may be small).

    Args:
        text: the lines, with line breaks; without them they are split by their known lengths.
        today: decides the century of two-digit years; default the current date.

    Raises:
        BadInput: of no known size, with other characters, or with a wrong check digit (which one is named).
    """
    lines = _lines(text)
    size = _SHAPES[(len(lines), len(lines[0]))]
    today = today or datetime.now(UTC).date()
    if size == "TD1":
        return _card(lines, today)
    return _book(lines, f"MRV-{'A' if size == 'TD3' else 'B'}" if lines[0][0] == "V" else size, today)


def check_digit(text: str) -> str:
    """Check digit of a text of A-Z, 0-9 and `<` (Doc 9303-3, 4.9): weights 7, 3, 1, modulo 10."""
    return str(sum((0 if c == "<" else int(c, 36)) * _WEIGHTS[i % 3] for i, c in enumerate(text)) % 10)


def _lines(text: str) -> list[str]:
    lines = [line for raw in text.upper().splitlines() if (line := re.sub(r"\s", "", raw))]
    if len(lines) == 1:
        count = next((n for n, width in _SHAPES if n * width == len(lines[0])), 1)
        width = len(lines[0]) // count
        lines = [lines[0][at : at + width] for at in range(0, len(lines[0]), width)]
    if not lines or (len(lines), len(lines[0])) not in _SHAPES or len({len(line) for line in lines}) != 1:
        raise BadInput(
            "That is no machine readable zone.",
            advice="It has 3 lines of 30, 2 lines of 36, or 2 lines of 44 characters.",
            code=CODE,
        )
    if not all(_ALPHABET.fullmatch(line) for line in lines):
        raise _wrong("A machine readable zone has only letters A-Z, digits and '<'.")
    return lines


def _book(lines: list[str], size: str, today: date) -> TravelDocument:
    """TD2, TD3 and visas (Doc 9303-4, 4.2; 9303-6, 4.2; 9303-7, 4)."""
    first, second = lines
    number, optional = second[:9], second[28:]
    if size == "TD3":
        optional = second[28:42]
        _require(optional, second[42], "personal number", empty="<")
        _require(second[:10] + second[13:20] + second[21:43], second[43], "whole zone")
    elif size == "TD2":
        optional = second[28:35]
        _require(second[:10] + second[13:20] + second[21:35], second[35], "whole zone")
    if second[9] == "<" and size == "TD2":
        number, optional = _long_number(number, optional)
    else:
        _require(number, second[9], "document number")
    return _document(size, first[:2], first[2:5], number, first[5:], second[10:13], second[13:28], optional, today)


def _card(lines: list[str], today: date) -> TravelDocument:
    """TD1 (Doc 9303-5, 4.2)."""
    first, second, third = lines
    number, optional = first[5:14], first[15:]
    if first[14] == "<":
        number, optional = _long_number(number, optional)
    else:
        _require(number, first[14], "document number")
    _require(first[5:] + second[:7] + second[8:15] + second[18:29], second[29], "whole zone")
    optional = f"{optional.strip('<')} {second[18:29].strip('<')}"
    return _document("TD1", first[:2], first[2:5], number, third, second[15:18], second[:15], optional, today)


def _long_number(number: str, optional: str) -> tuple[str, str]:
    """A document number of over nine characters goes on in the optional data, check digit last (Doc 9303-5, note j)."""
    rest, _, left = optional.partition("<")
    if not rest:
        raise _wrong("The check digit of the document number is missing.")
    _require(number + rest[:-1], rest[-1], "document number")
    return number + rest[:-1], left


def _document(
    size: str, kind: str, issuer: str, number: str, names: str, nationality: str, dates: str, optional: str, today: date
) -> TravelDocument:
    """`dates`: birth, check digit, sex, expiry, check digit (15 characters)."""
    for what, text in (
        ("document code", kind),
        ("issuing state", issuer),
        ("nationality", nationality),
        ("name", names),
    ):
        if not _LETTERS.fullmatch(text):
            raise _wrong(f"The {what} holds a digit.")
    if dates[7] not in "FMX<":
        raise _wrong("The sex is neither F, M, X nor '<'.")
    _require(dates[:6], dates[6], "date of birth")
    _require(dates[8:14], dates[14], "date of expiry")
    surname, _, given = names.strip("<").partition("<<")
    return TravelDocument(
        size,
        kind.replace("<", ""),
        _country(issuer),
        number.replace("<", ""),
        _words(surname),
        _words(given),
        _country(nationality),
        _birth(dates[:6], today),
        dates[7] if dates[7] in "FM" else "X",
        _expiry(dates[8:14], today),
        _words(optional),
    )


def _require(text: str, digit: str, what: str, empty: str = "") -> None:
    if digit == empty and not text.strip("<"):
        return
    if check_digit(text) != digit:
        raise _wrong(f"The check digit of the {what} is wrong.")


def _wrong(message: str) -> BadInput:
    return BadInput(message, advice="Read the zone again; a letter is misread.", code=CODE)


def _words(text: str) -> str:
    return " ".join(text.replace("<", " ").split())


def _country(code: str) -> str:
    code = code.replace("<", "")
    return _COUNTRIES.get(code, code)


def _birth(text: str, today: date) -> str:
    """`YYMMDD` of the past hundred years; unknown parts are `<<` (Doc 9303-3, 4.8)."""
    if not text[:2].isdigit():
        return ""
    year = int(text[:2]) + today.year - today.year % 100
    month = int(text[2:4]) if text[2:4].isdigit() else 0
    day = int(text[4:6]) if text[4:6].isdigit() else 0
    if (year, month, day) > (today.year, today.month, today.day):
        year -= 100
    if not month:
        return str(year)
    return _real(year, month, day, "date of birth") if day else _real(year, month, 1, "date of birth")[:7]


def _expiry(text: str, today: date) -> str:
    """`YYMMDD` within fifty years of today; unknown parts are `<<`."""
    if not text.isdigit():
        return ""
    year = int(text[:2]) + today.year - today.year % 100
    year += -100 if year - today.year > 50 else 100 if today.year - year > 50 else 0
    return _real(year, int(text[2:4]), int(text[4:6]), "date of expiry")


def _real(year: int, month: int, day: int, what: str) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise _wrong(f"The {what} is no date.") from None
