"""Machine readable zones: ICAO's own specimens, every check digit, and what misread ones are told."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import BadInput
from limen.exchange import mrz

TODAY = date(2026, 11, 22)
# the specimens of ICAO Doc 9303, parts 4, 5, 6 and 7
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
VISA_A = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<"
VISA_B = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<"


@pytest.mark.parametrize(
    ("text", "size", "number", "nationality", "birth", "expiry"),
    [
        (TD3, "TD3", "L898902C3", "UTO", "1974-08-12", "2012-04-15"),
        (TD1, "TD1", "D23145890", "UTO", "1974-08-12", "2012-04-15"),
        (TD2, "TD2", "D23145890", "UTO", "1974-08-12", "2012-04-15"),
        (VISA_A, "MRV-A", "L8988901C", "XXX", "1940-09-07", "1996-12-10"),
        (VISA_B, "MRV-B", "L8988901C", "XXX", "1940-09-07", "1996-12-10"),
    ],
)
def test_icao_specimens(text: str, size: str, number: str, nationality: str, birth: str, expiry: str) -> None:
    document = mrz.read(text, today=TODAY)
    assert (document.size, document.number, document.nationality) == (size, number, nationality)
    assert (document.surname, document.given_names, document.sex) == ("ERIKSSON", "ANNA MARIA", "F")
    assert (document.date_of_birth, document.issuer) == (birth, "UTO")
    if size.startswith("TD"):
        assert document.valid_until == expiry
    assert document.name == "ANNA MARIA ERIKSSON"


def test_spaces_small_letters_and_missing_line_breaks() -> None:
    assert mrz.read(f"  {TD3.lower()} \n\n", today=TODAY) == mrz.read(TD3, today=TODAY)
    for text in (TD1, TD2, TD3):
        assert mrz.read(text.replace("\n", ""), today=TODAY) == mrz.read(text, today=TODAY)


@pytest.mark.parametrize(
    ("at", "what"), [(45, "whole zone|document number"), (58, "date of birth|whole zone"), (66, "expiry|whole zone")]
)
def test_misread_digits_are_noticed(at: int, what: str) -> None:
    wrong = TD3[:at] + str((int(TD3[at], 36) + 1) % 10) + TD3[at + 1 :]
    with pytest.raises(BadInput, match=what):
        mrz.read(wrong, today=TODAY)


@given(st.sampled_from([TD1, TD2, TD3]), st.data())
def test_a_changed_digit_is_always_noticed(text: str, data: st.DataObject) -> None:
    lines = text.split("\n")
    row = 1 if len(lines) == 2 else data.draw(st.sampled_from([0, 1]))
    spots = [i for i, c in enumerate(lines[row]) if c.isdigit()]
    spot = data.draw(st.sampled_from(spots))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != lines[row][spot]]))
    lines[row] = lines[row][:spot] + digit + lines[row][spot + 1 :]
    with pytest.raises(BadInput):
        mrz.read("\n".join(lines), today=TODAY)


def made(birth: str = "740812", expiry: str = "300415", issuer: str = "D<<", sex: str = "<", optional: str = "") -> str:
    second = "C01X00T47" + mrz.check_digit("C01X00T47") + issuer + birth + mrz.check_digit(birth) + sex
    second += expiry + mrz.check_digit(expiry) + optional.ljust(14, "<")
    second += mrz.check_digit(second[28:42]) if optional else "<"
    second += mrz.check_digit(second[:10] + second[13:20] + second[21:43])
    return f"P<{issuer}MUSTERMANN<<ERIKA".ljust(44, "<") + "\n" + second


def test_german_passports_unknown_sex_and_dates() -> None:
    document = mrz.read(made(), today=TODAY)
    assert (document.issuer, document.nationality, document.sex) == ("DEU", "DEU", "X")
    assert document.valid_until == "2030-04-15"
    assert mrz.read(made(birth="74<<<<"), today=TODAY).date_of_birth == "1974"
    assert mrz.read(made(birth="7408<<"), today=TODAY).date_of_birth == "1974-08"
    assert mrz.read(made(birth="<<<<<<"), today=TODAY).date_of_birth == ""
    assert mrz.read(made(birth="261122"), today=TODAY).date_of_birth == "2026-11-22", "born today"
    assert mrz.read(made(birth="261123"), today=TODAY).date_of_birth == "1926-11-23"
    assert mrz.read(made(expiry="760101"), today=TODAY).valid_until == "2076-01-01"
    assert mrz.read(made(expiry="780101"), today=TODAY).valid_until == "1978-01-01"
    with pytest.raises(BadInput, match="no date"):
        mrz.read(made(birth="741332"), today=TODAY)


def test_long_document_numbers_of_cards() -> None:
    number = "D23145890734"
    first = f"I<UTO{number[:9]}<{number[9:]}{mrz.check_digit(number)}".ljust(30, "<")
    second = "7408122F1204159UTO".ljust(29, "<")
    second += mrz.check_digit(first[5:] + second[:7] + second[8:15] + second[18:29])
    text = "\n".join([first, second, "ERIKSSON<<ANNA".ljust(30, "<")])
    assert mrz.read(text, today=TODAY).number == number


@pytest.mark.parametrize(
    "text", ["", "P<UTO", TD3[:-1], TD3 + "\n" + TD3, TD3.replace("ANNA", "ÄNNA"), "A" * 90 + "\n" + "B" * 90]
)
def test_what_is_no_zone(text: str) -> None:
    with pytest.raises(BadInput):
        mrz.read(text, today=TODAY)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (TD3.replace("2F1", "271"), "sex"),
        (TD3.replace("ANNA", "ANN4"), "name"),
        (TD3.replace("UTO7", "UT07"), "nationality"),
        (TD3.replace("<UTO", "<UT0"), "issuing state"),
        (TD1.replace("159UTO", "159UT0"), "nationality"),
    ],
)
def test_misreadings_that_no_check_digit_covers(wrong: str, what: str) -> None:
    with pytest.raises(BadInput, match=what) as refused:
        mrz.read(wrong, today=TODAY)
    assert refused.value.code == mrz.CODE


@given(st.text(alphabet="ABC019<", min_size=88, max_size=90))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        mrz.read(text, today=TODAY)
    except BadInput as error:
        assert text not in str(error)
