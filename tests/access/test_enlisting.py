"""One-time codes with which devices register themselves."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from limen.access import directory, enlisting
from limen.access.enlisting import ALPHABET, CODE_SECONDS, LENGTH, enlist, issue, proof, read_as
from limen.access.tables import DeviceCode
from limen.errors import BadInput, NotFound
from limen.records.database import Database
from limen.records.retention import purge
from limen.records.tables import JournalRow

NAME, CLERK = "BIH/tablet1", "BIH/clerk"


@pytest.fixture(autouse=True)
def two_countries(database: Database) -> None:
    with database.writing() as session:
        directory.add_country(session, "BIH")
        directory.add_country(session, "SRB")


class Phone:
    """A device with a key of its own."""

    def __init__(self, database: Database) -> None:
        self.database, self.key = database, Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()

    def use(self, code: str, country: str = "BIH", signature: bytes | None = None, now: int | None = None) -> str:
        signed = self.key.sign(proof(code, self.public)) if signature is None else signature
        with self.database.writing() as session:
            return enlist(session, country, code, self.public, signed, now=now)


def given_out(database: Database, name: str = NAME, now: int | None = None) -> str:
    with database.writing() as session:
        return issue(session, name, by=CLERK, now=now)


def test_a_code_makes_one_device_of_the_key_that_signed_for_it(database: Database) -> None:
    code, phone = given_out(database), Phone(database)
    assert phone.use(code) == NAME
    with database.reading() as session:
        device = directory.find_device(session, NAME)
        assert device is not None and device.public_key == phone.public
        assert session.scalars(select(func.count()).select_from(DeviceCode)).one() == 0
        assert [row.who for row in session.scalars(select(JournalRow).where(JournalRow.who != ""))] == [CLERK]
    assert phone.use(code) == NAME  # its answer was lost: it asks again, and shows its key
    with pytest.raises(BadInput) as caught:
        Phone(database).use(code)
    assert caught.value.code == "bad-device-code"


def test_a_code_is_good_for_a_quarter_of_an_hour_and_in_its_country(database: Database) -> None:
    code = given_out(database, now=1000)
    for wrong in (
        lambda: Phone(database).use(code, now=1000 + CODE_SECONDS),
        lambda: Phone(database).use(code, "SRB", now=1001),
        lambda: Phone(database).use("00000-00000", now=1001),
        lambda: Phone(database).use("", now=1001),
        lambda: Phone(database).use("ſß\u0130", now=1001),
    ):
        with pytest.raises(BadInput) as caught:
            wrong()
        assert caught.value.code == "bad-device-code"
    assert Phone(database).use(code, now=1000 + CODE_SECONDS - 1) == NAME


def test_a_new_code_for_a_device_ends_the_one_before(database: Database) -> None:
    first, second = given_out(database), given_out(database)
    with pytest.raises(BadInput):
        Phone(database).use(first)
    assert Phone(database).use(second) == NAME


def test_nobody_registers_a_key_that_they_do_not_hold(database: Database) -> None:
    code, mine, other = given_out(database), Phone(database), Phone(database)
    for signature in (b"", bytes(64), other.key.sign(proof(code, mine.public)), mine.key.sign(proof("X", mine.public))):
        with pytest.raises(BadInput) as caught:
            mine.use(code, signature=signature)
        assert caught.value.code == "bad-device-key"
    assert mine.use(code) == NAME  # the code was not used up


def test_codes_are_for_names_that_nobody_has_or_had(database: Database) -> None:
    code, phone = given_out(database), Phone(database)
    phone.use(code)
    with database.writing() as session:
        directory.retire_device(session, NAME)
    for name, error in ((NAME, BadInput), ("FRA/tablet1", NotFound), ("BIH/", BadInput), ("nonsense", BadInput)):
        with pytest.raises(error):
            given_out(database, name)
    again = given_out(database, "BIH/tablet2")
    with pytest.raises(BadInput):  # the key of a retired device
        phone.use(again)


def test_only_hashes_are_kept_and_no_longer_than_the_code_is_good(database: Database) -> None:
    code = given_out(database, now=1000)
    with database.reading() as session:
        [row] = session.scalars(select(DeviceCode))
        assert read_as(code).encode() not in row.code_hash and len(row.code_hash) == 32
    assert purge(database)["device codes"] == 1


@given(st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH), st.data())
def test_a_code_is_read_however_people_type_it(code: str, data: st.DataObject) -> None:
    likes = {"0": "0oO", "1": "1iIlL"}
    typed = "".join(data.draw(st.sampled_from(likes.get(symbol, symbol + symbol.lower()))) for symbol in code)
    at = data.draw(st.integers(0, LENGTH))
    assert read_as(f" {typed[:at]}-{typed[at:]} ") == code


def test_codes_are_of_fifty_bits() -> None:
    assert len(set(ALPHABET)) == 32 and LENGTH * 5 == 50
    assert enlisting.CODE_SECONDS <= 15 * 60
