"""Countries and their bits."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen import countries
from limen.errors import BadInput


def test_the_order_of_bits_never_changes():
    known = ",".join(countries.ORDER[:253]).encode()
    assert len(countries.ORDER) <= 256
    assert len(set(countries.ORDER)) == len(countries.ORDER)
    assert hashlib.sha256(known).hexdigest() == "ee26c56d4fc4fce35d7e72fab0e3bcaff603a13bd0b6f40661b0c195872159eb"


def test_a_code_is_checked_and_named():
    assert countries.check(" fra ") == "FRA"
    assert countries.name("XOM") == "Sovereign Order of Malta"


@pytest.mark.parametrize(
    ("wrong", "near"), [("FRE", "FRA"), ("Germany", "DEU"), ("Bosnia", "BIH"), ("FRAN", "FRA"), ("DE", "DEU")]
)
def test_a_wrong_code_gets_near_matches(wrong, near):
    with pytest.raises(BadInput) as caught:
        countries.check(wrong)
    assert near in caught.value.advice


def test_a_hopeless_code_gets_advice():
    with pytest.raises(BadInput, match="no country code") as caught:
        countries.check("4711")
    assert "alpha-3" in caught.value.advice


@given(st.sets(st.sampled_from(countries.ORDER)))
def test_a_bitmap_holds_exactly_its_countries(codes):
    bits = countries.bitmap(codes)
    assert len(bits) == 32
    assert {code for code in countries.ORDER if countries.in_bitmap(bits, code)} == codes
    assert countries.listed(bits) == [code for code in countries.ORDER if code in codes]


def test_everyone_is_all_ones():
    assert countries.bitmap(None) == b"\xff" * 32
    assert countries.listed(countries.bitmap(None)) is None


def test_a_bitmap_of_another_size_is_a_mistake():
    with pytest.raises(ValueError, match="32 bytes"):
        countries.in_bitmap(b"\xff" * 31, "FRA")
