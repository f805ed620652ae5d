"""Who may do what: the table of roles, what nobody may, and what a hub adds."""

import statistics
import time
from types import SimpleNamespace

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.access import policy
from limen.access.directory import Role
from limen.access.policy import Action, DeviceState, Policy, may
from limen.errors import BadInput, NotAllowed
from limen.terms import Purpose


def person(role, country="BIH", **more):
    return SimpleNamespace(**{"country": country, "role": str(role), "retired": None, "suspended": None} | more)


@pytest.fixture(autouse=True)
def rules_of_the_house():
    yield
    policy.put_in_force(Policy())


def allowed(*args, **more):
    try:
        may(*args, **more)
    except NotAllowed:
        return False
    return True


def test_the_policies_fit_their_schema():
    for file in policy.FILES:
        text = (policy.FOLDER / file).read_text("utf-8")
        assert cedarpy.validate_policies(
            text, (policy.FOLDER / "limen.cedarschema").read_text("utf-8")
        ).validation_passed


TABLE = {
    Action.SEARCH: {Role.OFFICER, Role.EXAMINER, Role.CLERK},
    Action.SEE_HIT: {Role.OFFICER, Role.EXAMINER, Role.CLERK},
    Action.VERIFY_HIT: {Role.EXAMINER},
    Action.READ_RECORDS: {Role.EXAMINER, Role.CLERK, Role.DATA_PROTECTION},
    Action.WRITE_RECORDS: {Role.CLERK},
    Action.EXPORT_RECORDS: {Role.CLERK},
    Action.AUDIT: {Role.DATA_PROTECTION, Role.SECURITY},
    Action.ADMINISTER: {Role.ADMINISTRATOR},
    Action.HANDLE_CASES: {Role.CLERK, Role.DATA_PROTECTION},
    Action.SEE_ALERTS: {Role.SECURITY, Role.DATA_PROTECTION},
    Action.REINSTATE: {Role.SECURITY},
    Action.SWITCH_OFF: {Role.SECURITY, Role.DATA_PROTECTION},
}


@pytest.mark.parametrize("action", TABLE)
def test_each_role_may_do_what_it_is_there_for(action):
    for owner in (None, "BIH"):
        able = {role for role in Role if allowed(person(role), action, purpose=Purpose.ALERT, owner=owner)}
        assert able == TABLE[action]


@given(st.sampled_from(list(Role)), st.sampled_from([*TABLE]), st.sampled_from(list(Purpose)))
def test_nobody_reaches_another_countrys_data(role, action, purpose):
    shared = (Action.SEARCH, Action.SEE_HIT, Action.AUDIT, Action.ADMINISTER)
    assert action in shared or not allowed(person(role), action, purpose=purpose, owner="FRA")


@given(st.sampled_from(list(Role)), st.sampled_from([*Action]), st.sampled_from([None, "BIH", "FRA"]))
def test_the_retired_and_the_suspended_may_nothing(role, action, owner):
    said = {"purpose": Purpose.ALERT, "owner": owner, "subject": "officer", "matter": "export"}
    for state in ({"retired": 1}, {"suspended": 1}):
        assert not allowed(person(role, **state), action, **said)
    assert not allowed(person(role), action, device=DeviceState.SUSPENDED, **said)


def test_a_country_authorises_its_own():
    for subject in ("officer", "examiner", "clerk", "device", "data-protection"):
        may(person("clerk"), Action.MANAGE_PEOPLE, owner="BIH", subject=subject)
        with pytest.raises(NotAllowed, match="BIH authorises its own people"):
            may(person("clerk"), Action.MANAGE_PEOPLE, owner="FRA", subject=subject)
    with pytest.raises(NotAllowed, match="may not manage people"):
        may(person("clerk"), Action.MANAGE_PEOPLE, owner="BIH", subject="administrator")
    may(person("administrator"), Action.MANAGE_PEOPLE, owner="FRA", subject="clerk")
    with pytest.raises(NotAllowed, match="may not manage people"):
        may(person("administrator"), Action.MANAGE_PEOPLE, owner="FRA", subject="officer")


def test_denials_say_which_rule_and_what_to_do():
    with pytest.raises(NotAllowed, match="may not audit") as denied:
        may(person("officer"), Action.AUDIT)
    assert denied.value.advice == "Ask someone of the role data-protection, security."
    with pytest.raises(NotAllowed, match="A purpose must be stated") as denied:
        may(person("officer"), Action.SEARCH)
    assert "border-control" in denied.value.advice
    with pytest.raises(NotAllowed, match="BIH may not read records of FRA"):
        may(person("clerk"), Action.READ_RECORDS, owner="FRA")
    with pytest.raises(NotAllowed, match="may not act for the purpose 'crime-analysis'"):
        may(person("officer"), Action.SEARCH, purpose=Purpose.CRIME_ANALYSIS)


def test_a_hub_adds_restrictions_by_hour_and_device():
    night = """@because("{country} searches by day.") forbid (principal, action == Limen::Action::"search", resource)
        when { principal.country == Limen::Country::"BIH" && (context.hour < 6 || context.hour >= 20) };"""
    gates = """@id("gates-only") forbid (principal, action == Limen::Action::"search", resource)
        unless { context.device == "registered" };"""
    policy.put_in_force(Policy({"night": night, "gates": gates}))
    search = {"purpose": Purpose.ALERT, "device": DeviceState.REGISTERED}
    may(person("officer"), Action.SEARCH, now=43_200, **search)
    may(person("officer", "FRA"), Action.SEARCH, now=0, **search)
    with pytest.raises(NotAllowed, match="BIH searches by day"):
        may(person("officer"), Action.SEARCH, now=0, **search)
    with pytest.raises(NotAllowed, match="'gates-only' of this hub"):
        may(person("officer"), Action.SEARCH, now=43_200, purpose=Purpose.ALERT)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("permit (principal, action, resource);", "does not only forbid"),
        ("forbid (principal, action, resource); permit (principal, action, resource);", "does not only forbid"),
        ("// nothing", "does not only forbid"),
        ("forbid (principal, action, resource) when { context.colour == 1 };", "speaks of something"),
        ("forbid (principal", "no Cedar policy"),
    ],
)
def test_a_restriction_that_widens_or_makes_no_sense_is_refused(text, says):
    with pytest.raises(BadInput, match=says):
        Policy({"x": text})


@pytest.mark.parametrize("role", list(Role))
def test_a_decision_takes_less_than_a_millisecond_also_where_it_is_a_denial(role):
    times = []
    for _ in range(30):
        for action in Action:
            began = time.thread_time()
            allowed(person(role), action, purpose=Purpose.BORDER_CONTROL, owner="BIH")
            times.append(time.thread_time() - began)
    assert statistics.median(times) < 1e-3


def test_whom_to_ask_is_found_anew_for_every_kind_of_question():
    for owner, matter, able in (
        ("BIH", "export", "clerk, data-protection"),
        ("BIH", "change-policy", "data-protection, security, administrator"),
        (None, "open-pseudonym", "data-protection, security"),
    ):
        for _ in range(2):  # the second time it is remembered
            with pytest.raises(NotAllowed) as refused:
                may(person("officer"), Action.APPROVE, owner=owner, matter=matter)
            assert refused.value.advice == f"Ask someone of the role {able}."
