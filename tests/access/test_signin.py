"""From a signed request to the registered officer and device behind it."""

import threading
import uuid

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limen.access import directory, signing
from limen.access.directory import Role
from limen.access.policy import Action, may
from limen.access.signin import requester
from limen.access.signing import DEVICE, HttpSignature, sign
from limen.errors import BadInput, NotAllowed, NotFound, NotSignedIn
from limen.records.tables import Officer
from limen.terms import Purpose

URL = "http://hub.example/v1/searches"
KEY, GATE, OTHER = (Ed25519PrivateKey.generate() for _ in range(3))


def public(key):
    return key.public_key().public_bytes_raw()


@pytest.fixture
def people(database):
    with database.writing() as session:
        directory.add_country(session, "BIH", "NCB Sarajevo")
        directory.add_country(session, "FRA")
        session.flush()
        directory.add_officer(session, "BIH/officer1", public(KEY))
        directory.add_device(session, "BIH/gate-3", public(GATE))
        directory.add_device(session, "FRA/gate-3", public(OTHER))
    return database


def signed(key=KEY, name="BIH/officer1"):
    return next(HttpSignature(key, name).auth_flow(httpx.Request("POST", URL, content=b"{}")))


def ask(database, request):
    return requester(database, request.method, URL, request.headers)


def test_a_registered_officer_is_known(people):
    found = ask(people, signed())
    assert (found.officer.country, found.officer.name, found.device) == ("BIH", "officer1", None)


def test_a_request_is_taken_once(people):
    request = signed()
    ask(people, request)
    with pytest.raises(NotSignedIn, match="sent before"):
        ask(people, request)


def test_of_many_replays_at_once_one_is_taken(people):
    request, outcomes = signed(), []

    def send():
        try:
            outcomes.append(bool(ask(people, request)))
        except NotSignedIn:
            outcomes.append(False)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 5 + [True]


def test_a_device_signs_beside_the_officer(people):
    request = signed()
    sign(request, GATE, "BIH/gate-3", tag=DEVICE)
    assert ask(people, request).device.name == "gate-3"


def test_a_bad_device_signature_is_not_ignored(people):
    request = signed()
    sign(request, KEY, "BIH/gate-3", tag=DEVICE)
    with pytest.raises(NotSignedIn):
        ask(people, request)


def test_a_device_of_another_country_is_refused(people):
    request = signed()
    sign(request, OTHER, "FRA/gate-3", tag=DEVICE)
    with pytest.raises(NotSignedIn, match="two countries"):
        ask(people, request)


def test_a_retired_officer_or_device_is_nobody(people):
    with people.writing() as session:
        directory.retire_device(session, "BIH/gate-3")
    request = signed()
    sign(request, GATE, "BIH/gate-3", tag=DEVICE)
    with pytest.raises(NotSignedIn):
        ask(people, request)
    with people.writing() as session:
        directory.retire_officer(session, "BIH/officer1")
    with pytest.raises(NotSignedIn):
        ask(people, signed())


def test_names_and_keys_are_used_once(people):
    with pytest.raises(BadInput, match="registered already"), people.writing() as session:
        directory.add_officer(session, "BIH/officer1", public(OTHER))
    with pytest.raises(BadInput, match="This key"), people.writing() as session:
        directory.add_officer(session, "BIH/officer2", public(GATE))
    with people.writing() as session:
        directory.retire_officer(session, "BIH/officer1")
    with pytest.raises(BadInput, match="never used again"), people.writing() as session:
        directory.add_officer(session, "BIH/officer1", None)


def test_officers_belong_to_a_registered_country(people):
    with pytest.raises(NotFound, match="ITA does not take part"), people.writing() as session:
        directory.add_officer(session, "ITA/officer1", None)
    with pytest.raises(BadInput, match="no country code"), people.writing() as session:
        directory.add_officer(session, "ZZZ/officer1", None)


def test_a_country_added_again_gets_its_new_contact(people):
    with people.writing() as session:
        directory.add_country(session, "bih", "NCB Sarajevo, +387 1")
    with people.reading() as session:
        assert [row.contact for row in directory.list_countries(session)] == ["NCB Sarajevo, +387 1", ""]


def officer(role=Role.OFFICER, **more):
    return Officer(**{"id": uuid.uuid4(), "country": "BIH", "name": "x", "role": role.value, "retired": None, **more})


def test_policy_lets_each_role_do_its_work():
    may(officer(), Action.SEARCH, purpose=Purpose.BORDER_CONTROL)
    may(officer(Role.CLERK), Action.WRITE_RECORDS, purpose=Purpose.LOCATE_WANTED, owner="BIH")
    may(officer(Role.DATA_PROTECTION), Action.AUDIT)


@pytest.mark.parametrize(
    ("who", "what", "why"),
    [
        (officer(), {"action": Action.SEARCH}, "purpose must be stated"),
        (officer(), {"action": Action.SEARCH, "purpose": Purpose.CRIME_ANALYSIS}, "may not act for the purpose"),
        (officer(), {"action": Action.EXPORT_RECORDS, "owner": "BIH"}, "may not export"),
        (officer(Role.CLERK), {"action": Action.EXPORT_RECORDS, "owner": "FRA"}, "BIH may not .* of FRA"),
        (officer(Role.ADMINISTRATOR), {"action": Action.SEARCH, "purpose": Purpose.ALERT}, "may not search"),
        (officer(retired=1), {"action": Action.SEARCH, "purpose": Purpose.ALERT}, "retired"),
    ],
)
def test_policy_refuses_with_its_reason(who, what, why):
    with pytest.raises(NotAllowed, match=why):
        may(who, **what)


def test_every_role_has_its_rules():
    for role in Role:
        for action in Action:
            try:
                may(officer(role), action, purpose=Purpose.IDENTIFY_PERSON, owner="BIH")
            except NotAllowed as error:
                assert error.message
    with pytest.raises(BadInput, match="no role"):
        Role.parse("king")


def test_the_tag_of_a_signature_is_signed(people):
    request = signed()
    request.headers["signature-input"] = request.headers["signature-input"].replace(signing.OFFICER, signing.DEVICE)
    with pytest.raises(NotSignedIn):
        ask(people, request)
