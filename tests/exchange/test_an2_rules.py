"""Rules of the standard and of INT-I: a good file breaks none; a broken one is named with its field and clause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.exchange.made import file, text_record, type4

from limen.errors import BadInput
from limen.exchange import an2
from limen.exchange.an2.rules import check
from limen.images import wsq

PIXELS = (np.indices((80, 64)).sum(axis=0) * 3 % 256).astype(np.uint8)
TYPE2: list[tuple[int, str | bytes]] = [
    (2, "00"), (10, "FR/4711"), (30, "Ann Lee"), (35, "19851231"), (38, "FRA"), (39, "F")
]  # fmt: skip
TYPE14: list[tuple[int, str | bytes]] = [
    (2, "02"), (3, "0"), (4, "FR"), (5, "20260131"), (6, "64"), (7, "80"), (8, "1"), (9, "500"), (10, "500"),
    (11, "WSQ20"), (12, "8"), (13, "7"),
]  # fmt: skip
WSQ = wsq.encode(PIXELS)


def changed(fields: list[tuple[int, str | bytes]], number: int, value: str | None) -> list[tuple[int, str | bytes]]:
    kept = [(n, v) for n, v in fields if n != number]
    return sorted(kept if value is None else [*kept, (number, value)], key=lambda row: row[0])


def made(
    type2: list[tuple[int, str | bytes]] = TYPE2,
    type14: list[tuple[int, str | bytes]] = TYPE14,
    image: bytes | None = WSQ,
    head: tuple[bytes, bytes] = (b"", b""),
) -> an2.Transaction:
    data = file([(2, 0, text_record(2, type2)), (14, 2, text_record(14, type14, image))]).replace(*head)
    return an2.read(data.replace(b"19.69", b"00.00"))


def broken(transaction: an2.Transaction, profile: str = "int-i") -> list[tuple[int | None, str]]:
    return [(problem.record, problem.field) for problem in check(transaction, profile)]


def test_a_good_file_breaks_no_rule() -> None:
    assert broken(made()) == []
    assert broken(made(), "base") == []


@pytest.mark.parametrize(
    ("number", "value"),
    [(3, "43"), (3, None), (4, None), (5, "20261301"), (5, None), (6, None), (6, "x"), (8, "3"), (10, "250"),
     (11, None), (11, "GIF"), (12, None), (13, "99")],
)  # fmt: skip
def test_a_print_that_breaks_the_standard(number: int, value: str | None) -> None:
    found = broken(made(type14=changed(TYPE14, number, value)), "base")
    assert (2, f"14.{number:03d}") in found


def test_bytes_that_are_not_what_the_record_says() -> None:
    assert broken(made(type14=changed(TYPE14, 11, "JP2"))) == [(2, "14.011")]
    assert broken(made(type14=changed(TYPE14, 11, "NONE"))) == [(2, "14.999")]
    assert broken(made(image=None)) == [(2, "14.999")]
    assert broken(made(image=b"nothing at all")) == [(2, "14.011")]
    low = changed(changed(TYPE14, 9, "300"), 10, "300")
    assert broken(made(type14=low)) == [(2, "14.009")]
    high = changed(changed(TYPE14, 9, "1000"), 10, "1000")
    assert broken(made(type14=high)) == [(2, "14.011")]


def test_an_amputated_finger_needs_no_image() -> None:
    amputated = [(2, "02"), (3, "0"), (4, "FR"), (5, "20260131"), (13, "7"), (18, "7~XX")]
    assert broken(made(type14=amputated, image=None)) == []


@pytest.mark.parametrize(
    ("number", "value"), [(10, None), (35, "1985"), (35, "19850231"), (38, "FR"), (39, "W"), (54, "x" * 129)]
)
def test_a_person_that_breaks_int_i(number: int, value: str | None) -> None:
    transaction = made(type2=changed(TYPE2, number, value))
    assert broken(transaction) == [(1, f"2.{number:03d}")]
    assert broken(transaction, "base") == [], "no rule of the standard itself"


def test_what_int_i_wants_of_a_transaction() -> None:
    assert broken(made(head=(b"1.004:CPS", b"1.004:XYZ"))) == [(0, "1.004")]
    assert (0, "1.013") in broken(made(head=(b"INT-I", b"NORAM")))
    assert broken(made(head=(b"1.004:CPS", b"1.004:SRE"))) == [(0, "1.010"), (1, "2.064")]
    assert broken(made(head=(b"1.004:CPS", b"1.004:ATP"))) == []
    assert broken(made(type2=changed(TYPE2, 30, None), head=(b"1.004:CPS", b"1.004:ATP"))) == [(1, "2.030")]
    mark = broken(made(head=(b"1.004:CPS", b"1.004:MPS")))
    assert mark == [(None, ""), (1, "2.007"), (1, "2.008"), (1, "2.009"), (1, "2.055")]


@pytest.mark.parametrize(
    ("rls", "right"),
    [("CPS|I|001/001|0", True), ("CPS|N", True), ("MPS|I|002/003|4711", True), ("CPS|I", False), ("CPS|X", False),
     ("XYZ|N", False), ("N", False), ("CPS|I|001/001|high", False)],
)  # fmt: skip
def test_how_int_i_writes_results(rls: str, right: bool) -> None:
    response = made(type2=changed(TYPE2, 64, rls), head=(b"1.004:CPS", b"1.004:SRE"))
    assert broken(response) == [(0, "1.010"), *([] if right else [(1, "2.064")])]


def test_errors_of_int_i() -> None:
    error = broken(made(type2=changed(TYPE2, 74, "501~~QUALITY"), head=(b"1.004:CPS", b"1.004:ERR")))
    assert error == [(0, "1.010"), (2, "")], "an error holds no prints"
    assert (1, "2.074") in broken(made(type2=changed(TYPE2, 74, "bad"), head=(b"1.004:CPS", b"1.004:ERR")))


def old(type2: list[tuple[int, str | bytes]], **changes: str) -> an2.Transaction:
    """A print search as the annex of 2008/616/JHA prints it, INT-I 4.22; `changes` to Type-1 by field number."""
    fields = {2: "0300", 3: "1~2|2~00|4~01", 4: "CPS", 5: "20050101", 6: "4", 7: "DE/BKA", 8: "NL/NAFIS",
              9: "0200000004F", 11: "19.68", 12: "19.68", 13: "INT-I~4.22", 14: "20050101125959Z"}  # fmt: skip
    fields |= {int(key.removeprefix("f")): value for key, value in changes.items()}
    head = text_record(1, [(number, value) for number, value in sorted(fields.items()) if value])
    return an2.read(head + text_record(2, type2) + type4(1, 2, PIXELS.tobytes(), 64, 80))


def test_what_version_4_wants_besides() -> None:
    type2: list[tuple[int, str | bytes]] = [(2, "00"), (3, "0422"), (10, "DE/E999999999")]
    assert broken(old(type2)) == []
    assert broken(old(type2, f6="")) == [(0, "1.006")]
    assert broken(old(type2, f7="BKA", f9="TCN-1")) == [(0, "1.007"), (0, "1.009")]
    assert broken(old(type2, f11="15.00")) == [(0, "1.011")]
    assert broken(old(changed(type2, 3, None))) == [(1, "2.003")]
    assert broken(old(changed(type2, 3, "0421"))) == [(1, "2.003")]
    assert broken(old(changed(type2, 10, "E999999999"))) == [(1, "2.010")]
    assert broken(old(type2, f4="PMS")) == []
    assert broken(old(changed(type2, 10, None), f4="PMS")) == [(1, "2.010")]
    marks = changed(changed(changed(type2, 7, "DE/E9"), 8, "one"), 9, "abc")
    assert broken(old(marks)) == [(1, "2.008"), (1, "2.009")]


def test_type_1_is_ascii() -> None:
    assert broken(made(head=(b"FR/SCIJ", "FR/SÛRT".encode()))) == [(0, "1.001"), (0, "1.008")]
    equal = made(head=(b"FR/SCIJ", b"FR/S\xdbIJ"))
    assert broken(equal, "base") == [(0, "1.008")] * 2, "not ASCII, and not UTF-8"


def test_messages_name_the_clause() -> None:
    (problem,) = check(made(type14=changed(TYPE14, 13, None)))
    assert problem.message == "FGP is missing (8.14.13)"
    (problem,) = check(made(type2=changed(TYPE2, 39, "W")), "int-i")
    assert problem.message == "SEX is not as it must be (INT-I 02.039: [MFU])"


def test_shared_idcs() -> None:
    data = file([(2, 0, text_record(2, TYPE2)), *[(14, 2, text_record(14, TYPE14, WSQ))] * 2])
    assert broken(an2.read(data.replace(b"19.69", b"00.00"))) == [(3, "14.002")]


def test_resolutions_of_type_4() -> None:
    four = [(2, 0, text_record(2, TYPE2)), (4, 1, type4(1, 2, PIXELS.tobytes(), 64, 80))]
    assert broken(an2.read(file(four))) == []
    assert broken(an2.read(file(four).replace(b"19.69", b"00.00"))) == [(0, "1.011"), (0, "1.012")]
    fourteen = file([(2, 0, text_record(2, TYPE2)), (14, 2, text_record(14, TYPE14, WSQ))])
    assert broken(an2.read(fourteen)) == [(0, "1.011"), (0, "1.012")]
    short = [(2, 0, text_record(2, TYPE2)), (4, 1, type4(1, 2, PIXELS.tobytes()[:-1], 64, 80))]
    assert broken(an2.read(file(short))) == [(2, "4.009")]


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(BadInput, match="'fbi'"):
        check(made(), "fbi")


@pytest.mark.data
def test_makers_test_files_break_few_rules(samples: Path) -> None:
    found = {}
    for path in (samples / "exchange" / "an2").iterdir():
        transaction = an2.read(path.read_bytes())
        rules = [p.field for p in check(transaction) if p not in transaction.problems]
        if rules:
            found[path.name] = rules
    assert found == {"valid1.7.an2": ["14.009"], "valid1.9.an2": ["14.009"]}, "prints of 96 ppi"
