"""Admit: who asks, and for what. A search without one of the allowed purposes, or by someone who may not, ends here."""

from __future__ import annotations

from dataclasses import dataclass

from limen.errors import BadInput
from limen.hits.claim import ClaimedIdentity, is_date
from limen.terms import Purpose

MAX_NAME = 200  # characters; ICAO 9303 prints 39, ANSI/NIST-ITL 2.018 takes more


@dataclass(frozen=True)
class Request:
    """What is asked: the purpose, and the identity that the person claims, if any."""

    purpose: Purpose
    claim: ClaimedIdentity | None = None


def admit(purpose: str, claim: ClaimedIdentity | None) -> Request:
    """A request whose words make sense; who may make it is for `access.policy`.

    Raises:
        BadInput: no or an unknown purpose (`bad-purpose`), or a claimed identity that cannot be one (`bad-claim`).
    """
    try:
        wanted = Purpose(purpose)
    except ValueError:
        raise BadInput(
            "A search needs one of the purposes that the rules allow.",
            advice=f"Use one of: {', '.join(Purpose)}.",
            code="bad-purpose",
        ) from None
    return Request(wanted, _checked(claim))


def _checked(claim: ClaimedIdentity | None) -> ClaimedIdentity | None:
    if claim is None or not any((claim.names, claim.date_of_birth, claim.nationality, claim.document_number)):
        return None
    if claim.date_of_birth and not is_date(claim.date_of_birth):
        raise _bad("date of birth", "Write it as 1971-05-30; month and day may be missing.")
    if claim.nationality and not (len(claim.nationality) == 3 and claim.nationality.isalpha()):
        raise _bad("nationality", "Use the country's three letters, as in a passport.")
    if len(claim.names) > MAX_NAME or len(claim.document_number) > MAX_NAME:
        raise _bad("name or document number", f"Use at most {MAX_NAME} characters.")
    return claim


def _bad(what: str, advice: str) -> BadInput:
    return BadInput(f"The claimed {what} cannot be one.", advice=advice, code="bad-claim")
