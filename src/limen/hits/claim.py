"""Does the identity that a person claims contradict the record that their biometrics found?

Names are compared without regard to order, case, diacritics or the usual transliterations (ICAO Doc 9303-3, 6.A), and
a name agrees with any of the record's names and aliases. What cannot be compared (nothing claimed, nothing recorded,
different scripts) neither agrees nor contradicts. A claim never changes the search's answer: it is shown beside it.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# ICAO Doc 9303-3, section 6.A: Latin letters that Unicode does not decompose, and those with two usual forms.
_LETTERS = str.maketrans(
    {"ø": "oe", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n"}
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
_SHORT = {"ae": "a", "oe": "o", "ue": "u", "aa": "a"}  # the other usual form of the same letters
FUZZY_LENGTH = 5  # letters: from here on one changed letter counts as a spelling variant, not another name


@dataclass(frozen=True)
class ClaimedIdentity:
    """What the person says, or their document. All parts are optional.

    Attributes:
        names: as written, in any order.
        date_of_birth: ISO 8601; month and day may be missing ("1971", "1971-05").
        nationality: alpha-3.
        document_number: as printed.
    """

    names: str = ""
    date_of_birth: str = ""
    nationality: str = ""
    document_number: str = ""


class Verdict(StrEnum):
    """How one field of the claim stands to the record."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Compared:
    """One field: what was claimed, what is recorded (as far as the viewer may see it), and the verdict."""

    field: str
    claimed: str
    recorded: str
    verdict: Verdict


def compare(
    claim: ClaimedIdentity,
    *,
    names: Iterable[str],
    date_of_birth: str,
    nationalities: Iterable[str],
    documents: Iterable[str] = (),
) -> list[Compared]:
    """Each claimed field against the record's; fields that were not claimed are left out.

    Args:
        claim: the claimed identity.
        names: all recorded names and aliases, each as one string.
        date_of_birth: ISO 8601, possibly partial; empty if unknown.
        nationalities: alpha-3 codes.
        documents: recorded document numbers.
    """
    names, nationalities, documents = list(names), list(nationalities), list(documents)
    rows = [
        ("names", claim.names, "; ".join(names), _any_name(claim.names, names)),
        ("date_of_birth", claim.date_of_birth, date_of_birth, _dates(claim.date_of_birth, date_of_birth)),
        ("nationality", claim.nationality, ", ".join(nationalities), _listed(claim.nationality, nationalities)),
    ]
    if documents:
        # Another document of the same person is no contradiction: forged and second passports are the rule here.
        agrees = _listed(claim.document_number, documents) is Verdict.AGREES
        verdict = Verdict.AGREES if agrees else Verdict.UNKNOWN
        rows.append(("document_number", claim.document_number, ", ".join(documents), verdict))
    return [Compared(*row) for row in rows if row[1].strip()]


def contradicts(compared: Iterable[Compared]) -> bool:
    """Whether any claimed field contradicts the record."""
    return any(row.verdict is Verdict.CONTRADICTS for row in compared)


def same_name(one: str, other: str) -> bool | None:
    """Whether two written names may be the same person's; None if they cannot be compared.

    Every part of the shorter name needs its counterpart in the longer: "Ali HASSAN" is "Hassan, Ali Mohamed".
    """
    first, second = _parts(one), _parts(other)
    if not first or not second or not _scripts(one) & _scripts(other):
        return None
    if len(first) > len(second):
        first, second = second, first
    left = list(second)
    for part in first:
        match = next((candidate for candidate in left if _same_part(part, candidate)), None)
        if match is None:
            return "".join(sorted(p.folded for p in first)) == "".join(sorted(p.folded for p in second))
        left.remove(match)
    return True


@dataclass(frozen=True)
class _Part:
    """One part of a name, in its two usual transliterations."""

    folded: str
    short: str


def _parts(name: str) -> list[_Part]:
    lowered = unicodedata.normalize("NFC", name.casefold()).translate(_LETTERS)
    text = _strip_marks(lowered.translate(_UMLAUTS))
    words = "".join(c if c.isalnum() else "" if c in "'’`´ʼ" else " " for c in text).split()
    return [_Part(word, _shorten(word)) for word in words]


def _shorten(word: str) -> str:
    for pair, letter in _SHORT.items():
        word = word.replace(pair, letter)
    return word


def _strip_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _same_part(one: _Part, other: _Part) -> bool:
    if one.folded == other.folded or one.short == other.short:
        return True
    return min(len(one.short), len(other.short)) >= FUZZY_LENGTH and _one_edit(one.short, other.short)


def _one_edit(one: str, other: str) -> bool:
    """Whether one inserted, removed, changed or swapped letter makes one word the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _scripts(name: str) -> set[str]:
    return {unicodedata.name(c, "?").split()[0] for c in name if c.isalpha()}


def _any_name(claimed: str, recorded: list[str]) -> Verdict:
    found = [same for name in recorded if (same := same_name(claimed, name)) is not None]
    if not found:
        return Verdict.UNKNOWN
    return Verdict.AGREES if any(found) else Verdict.CONTRADICTS


def _dates(claimed: str, recorded: str) -> Verdict:
    pairs = list(zip(_date_parts(claimed), _date_parts(recorded), strict=False))
    known = [(a, b) for a, b in pairs if a and b]
    if not known:
        return Verdict.UNKNOWN
    return Verdict.AGREES if all(a == b for a, b in known) else Verdict.CONTRADICTS


def _date_parts(text: str) -> list[int]:
    parts = text.strip().split("-")
    return [int(part) for part in parts] if all(part.isdigit() for part in parts) else []


def _listed(claimed: str, recorded: list[str]) -> Verdict:
    if not claimed.strip() or not recorded:
        return Verdict.UNKNOWN
    bare = {_bare(code) for code in recorded}
    return Verdict.AGREES if _bare(claimed) in bare else Verdict.CONTRADICTS


def _bare(code: str) -> str:
    return "".join(c for c in code.upper() if c.isalnum())


def is_date(text: str) -> bool:
    """Whether a text is a possibly partial ISO 8601 date of the past 150 years."""
    parts = _date_parts(text)
    if not 1 <= len(parts) <= 3:
        return False
    try:
        date = datetime.date(parts[0], *(part or 1 for part in [*parts, 0, 0][1:3]))
    except ValueError:
        return False
    today = datetime.datetime.now(datetime.UTC).date()
    return today.year - 150 <= date.year and date <= today
