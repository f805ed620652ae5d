"""The claimed identity beside the record's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.hits.claim import ClaimedIdentity, Verdict, compare, contradicts, is_date, same_name


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Jean Martin", "MARTIN, Jean", True),
        ("Ali Hassan", "Hassan, Ali Mohamed", True),
        ("Müller", "MUELLER", True),
        ("Jürgen Müller", "MULLER Jurgen", True),
        ("Søren Ågård", "SOEREN AAGAARD", True),
        ("Đorđe Petrović", "Petrovic Dorde", True),
        ("O'Brien Sean", "OBRIEN, Seán", True),
        ("Al-Masri Omar", "ALMASRI OMAR", True),
        ("Mohamed Hassan", "Mohammed Hassan", True),
        ("Jean Martin", "Jean Bernard", False),
        ("Ivan Petrov", "MARTIN, Jean", False),
        ("Lee", "Lea", False),
        ("Иван Петров", "MARTIN, Jean", None),
        ("", "MARTIN, Jean", None),
        ("...", "MARTIN, Jean", None),
    ],
)
def test_names_agree_whatever_their_order_and_spelling(one: str, other: str, same: bool | None) -> None:
    assert same_name(one, other) is same
    assert same_name(other, one) is same


@given(st.text(max_size=40), st.text(max_size=40))
def test_comparing_names_is_symmetric_and_every_name_is_its_own(one: str, other: str) -> None:
    assert same_name(one, other) == same_name(other, one)
    assert same_name(one, one) in (True, None)


def verdicts(claim: ClaimedIdentity) -> dict[str, Verdict]:
    rows = compare(
        claim,
        names=["MARTIN, Jean", "Le Grand"],
        date_of_birth="1971-05-30",
        nationalities=["FRA", "BEL"],
        documents=["X123"],
    )
    return {row.field: row.verdict for row in rows}


def test_each_claimed_field_gets_its_verdict() -> None:
    claim = ClaimedIdentity("Grand Le", "1971", "BEL", "X 123")
    assert set(verdicts(claim).values()) == {Verdict.AGREES}
    false = ClaimedIdentity("Ivan Petrov", "1980-01-01", "SRB", "Y9")
    assert verdicts(false) == {
        "names": Verdict.CONTRADICTS,
        "date_of_birth": Verdict.CONTRADICTS,
        "nationality": Verdict.CONTRADICTS,
        "document_number": Verdict.UNKNOWN,  # a second or forged passport is no contradiction of its own
    }


def test_nothing_claimed_or_recorded_contradicts_nothing() -> None:
    assert compare(ClaimedIdentity(), names=["A B"], date_of_birth="", nationalities=[]) == []
    rows = compare(ClaimedIdentity("A B", "1970", "FRA"), names=[], date_of_birth="", nationalities=[])
    assert {row.verdict for row in rows} == {Verdict.UNKNOWN} and not contradicts(rows)


@pytest.mark.parametrize(
    ("claimed", "recorded", "verdict"),
    [
        ("1971-05", "1971-05-30", "agrees"),
        ("1971-06", "1971", "agrees"),
        ("1971-00-00", "1971-05-30", "agrees"),
        ("1971-05-29", "1971-05-30", "contradicts"),
        ("1971", "", "unknown"),
    ],
)
def test_dates_are_compared_as_far_as_both_are_known(claimed: str, recorded: str, verdict: str) -> None:
    [row] = compare(ClaimedIdentity(date_of_birth=claimed), names=[], date_of_birth=recorded, nationalities=[])
    assert row.verdict == verdict


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("1971-05-30", True),
        ("1971", True),
        ("1971-00-00", True),
        ("1971-13-01", False),
        ("30.5.1971", False),
        ("1700-01-01", False),
        ("2999-01-01", False),
        ("", False),
        ("71", False),
    ],
)
def test_a_date_of_birth_is_a_date_of_a_living_person(text: str, good: bool) -> None:
    assert is_date(text) is good
