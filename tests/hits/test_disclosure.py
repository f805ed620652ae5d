"""How much of a hit another country is shown is its owner's decision."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.errors import BadInput
from limen.hits.view import PortraitRef, RecordView
from limen.records.entry import ImageRef, entry_of
from limen.records.personal import Personal
from limen.search.words import WITHHELD, next_steps
from limen.terms import Answer, Disclosure, Modality, Notice, Position

WHOLE = RecordView(
    number="FRA-7", strength=2, agreed=("face",), opened=True, owner="FRA", owner_name="France",
    names=("MARTIN, Jean",), date_of_birth="1971-05-30", sex="M", nationalities=("FRA",), notice=Notice.RED,
    notice_number="A-1/2026", urgent=True, offence="Armed robbery", instructions="Inform the NCB.",
    contact="NCB Paris", portrait=PortraitRef(b"r" * 16, b"s" * 16),
)  # fmt: skip


def shown(view):
    return {
        field.name for field in fields(view) if getattr(view, field.name) != field.default and field.name != "withheld"
    }


def test_each_level_shows_less_and_always_whom_to_call():
    assert WHOLE.as_disclosed(Disclosure.FULL) == WHOLE
    identity, contact = WHOLE.as_disclosed(Disclosure.IDENTITY), WHOLE.as_disclosed(Disclosure.CONTACT)
    assert shown(WHOLE) - shown(identity) == {"offence"}
    assert shown(contact) == {
        "number", "strength", "agreed", "opened", "owner", "owner_name", "urgent", "instructions", "contact"
    }  # fmt: skip
    assert identity.withheld and contact.withheld and not WHOLE.withheld
    steps = next_steps(Answer.HIT, [contact], [], [])
    assert WITHHELD in steps and any("NCB Paris" in step and "FRA-7" in step for step in steps)


@given(st.sampled_from(list(Disclosure)))
def test_it_is_kept_with_the_record_and_old_records_are_shown_whole(disclosure):
    person = Personal(record_id="FRA-7", disclosure=disclosure)
    assert Personal.unpack(person.pack()).disclosure is disclosure
    assert (b"disclosure" in person.pack()) == (disclosure is not Disclosure.FULL)


def test_a_manifest_says_it():
    image = [ImageRef("a.jpg", Modality.FACE, Position.UNKNOWN)]
    assert entry_of("A", {"disclosure": "contact"}, image).personal.disclosure is Disclosure.CONTACT
    assert entry_of("A", {}, image).personal.disclosure is Disclosure.FULL
    with pytest.raises(BadInput, match="disclosure"):
        entry_of("A", {"disclosure": "some"}, image)
