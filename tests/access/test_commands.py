"""`limen access ...` as an administrator types it."""

import base64
import json
import re

import pytest
from sqlalchemy import select
from tests.front.test_certificates import made
from typer.testing import CliRunner

from limen import settings
from limen.access import caps, directory, keys, sessions, watch
from limen.access.approvals import Matter
from limen.access.tables import Allowance
from limen.cli import decisions, watching
from limen.cli.access import app
from limen.errors import BadInput, LimenError, NotAllowed, NotFound, NotSignedIn, Refused
from limen.ledger.entry import Kind
from limen.records.database import open_database
from limen.settings import Settings


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMEN_DATA", str(tmp_path / "hub"))
    monkeypatch.setenv("LIMEN_KEYS", str(tmp_path / "keys"))
    return tmp_path / "hub"


def limen(*words):
    result = CliRunner().invoke(app, list(words), catch_exceptions=True)
    if isinstance(result.exception, LimenError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_from_an_empty_hub_to_a_signed_in_officer(hub):
    limen("country", "add", "BIH", "--contact", "NCB Sarajevo, +387 1")
    assert "registered" in limen("officer", "add", "BIH/officer1")
    [row] = json.loads(limen("officer", "list", "--json"))
    assert row["name"] == "BIH/officer1"
    assert row["role"] == "officer"
    assert row["key"] == keys.fingerprint(keys.load("BIH/officer1").public_key().public_bytes_raw())
    link = limen("invite", "BIH/officer1").strip()
    token = re.fullmatch(r"http://localhost:8420/enter/([\w-]{43})", link).group(1)
    with open_database(Settings(data=hub)).writing() as session:
        cookie = sessions.redeem(session, token)
        assert sessions.officer_of_session(session, cookie).name == "officer1"


def test_a_key_made_elsewhere_is_registered(tmp_path):
    limen("country", "add", "FRA")
    public = keys.generate("FRA/other", tmp_path / "elsewhere")
    (tmp_path / "public").write_bytes(base64.b64encode(public))
    limen("device", "add", "FRA/gate-1", "--public-key", str(tmp_path / "public"))
    assert not keys.path("FRA/gate-1").exists()
    assert json.loads(limen("device", "list", "--json", "--country", "FRA"))[0]["key"] == keys.fingerprint(public)


def test_a_user_registers_the_same_key_at_a_second_hub(tmp_path, monkeypatch):
    limen("country", "add", "FRA")
    limen("officer", "add", "FRA/a")
    first = keys.load("FRA/a").private_bytes_raw()
    monkeypatch.setenv("LIMEN_DATA", str(tmp_path / "hub2"))
    limen("country", "add", "FRA")
    limen("officer", "add", "FRA/a")
    assert keys.load("FRA/a").private_bytes_raw() == first


def test_people_of_the_pages_need_no_key():
    limen("country", "add", "FRA")
    assert "Private key" not in limen("officer", "add", "FRA/a", "--pages-only")
    assert not keys.path("FRA/a").exists()
    assert json.loads(limen("officer", "list", "--json"))[0]["key"] is None
    assert "/enter/" in limen("invite", "FRA/a")


def test_a_key_is_one_persons_or_devices():
    limen("country", "add", "FRA")
    limen("officer", "add", "FRA/a")
    with pytest.raises(BadInput, match="This key is registered"):
        limen("device", "add", "FRA/a")
    with pytest.raises(BadInput, match="registered already"):
        limen("officer", "add", "FRA/a")


def test_retired_people_stay_listed_and_get_no_link():
    limen("country", "add", "FRA")
    limen("officer", "add", "FRA/a", "--role", "clerk")
    limen("officer", "retire", "FRA/a")
    assert json.loads(limen("officer", "list", "--json"))[0]["retired"]
    with pytest.raises(NotFound):
        limen("invite", "FRA/a")
    assert "FRA/a" in limen("officer", "list")


def test_what_is_wrong_is_said():
    with pytest.raises(BadInput, match="no country code"):
        limen("country", "add", "FRX")
    with pytest.raises(NotFound, match="does not take part"):
        limen("officer", "add", "FRA/a")
    limen("country", "add", "FRA")
    with pytest.raises(BadInput, match="no role"):
        limen("officer", "add", "FRA/a", "--role", "king")
    with pytest.raises(BadInput, match="no name"):
        limen("officer", "add", "FRA")
    assert limen("device", "list").strip() == "none"


def people(*names):
    for name, role in names:
        limen("country", "add", name[:3])
        limen("officer", "add", name, "--role", role)


def test_the_first_administrator_comes_by_a_link_on_the_console_and_only_the_first():
    assert "/enter/" in limen("first", "FRA/admin")
    [row] = json.loads(limen("officer", "list", "--json"))
    assert (row["name"], row["role"], row["key"]) == ("FRA/admin", "administrator", None)
    with pytest.raises(Refused, match="administrator already"):
        limen("first", "BIH/admin")


def test_two_people_put_a_rule_in_force(hub, tmp_path):
    people(("FRA/admin", "administrator"), ("FRA/security", "security"))
    file = tmp_path / "by-day.cedar"
    file.write_text('forbid (principal, action == Limen::Action::"search", resource) when { context.hour < 6 };')
    parameters = limen("rule", "check", str(file)).strip()
    with pytest.raises(NotAllowed, match="takes two people"):
        limen("rule", "set", str(file), "--as", "FRA/admin")
    limen("ask", "change-policy", parameters, "--reason", "No searches at night", "--as", "FRA/admin")
    [waits] = json.loads(limen("approvals", "--as", "FRA/security", "--json"))
    assert (waits["matter"], waits["reason"], waits["verdict"]) == ("change-policy", "No searches at night", "waits")
    with pytest.raises(NotAllowed, match="Whoever asked"):
        limen("approve", waits["number"], "--as", "FRA/admin")
    limen("approve", waits["number"], "--as", "FRA/security")
    limen("rule", "set", str(file), "--as", "FRA/admin")
    assert [row["name"] for row in json.loads(limen("rule", "list", "--json"))] == ["by-day"]
    with pytest.raises(NotAllowed, match="takes two people"):
        limen("rule", "remove", "by-day", "--as", "FRA/admin")


def test_who_is_not_here_cannot_decide(tmp_path, monkeypatch):
    people(("FRA/admin", "administrator"))
    monkeypatch.setenv("LIMEN_KEYS", str(tmp_path / "elsewhere"))
    with pytest.raises(NotFound, match="no key of FRA/admin"):
        limen("approvals", "--as", "FRA/admin")
    keys.generate("FRA/admin", tmp_path / "elsewhere")
    with pytest.raises(NotSignedIn, match="not registered at this hub with the key"):
        limen("approvals", "--as", "FRA/admin")


def test_suspension_caps_and_alerts(hub):
    people(("BIH/officer1", "officer"))
    limen("suspend", "BIH/officer1")
    assert json.loads(limen("officer", "list", "--json"))[0]["suspended"]
    limen("reinstate", "BIH/officer1")
    with pytest.raises(NotFound):
        limen("reinstate", "BIH/officer1")
    limen("cap", "BIH/officer1", "--day", "200", "--hours", "6-18")
    with pytest.raises(BadInput, match="hours of the day"):
        limen("cap", "BIH", "--hours", "dawn")
    limen("cap", "BIH/officer1", "--of", "deletions", "--day", "5")
    with open_database(Settings(data=hub)).reading() as session:
        assert {row.kind for row in session.scalars(select(Allowance))} == {"officer", "deletions"}
    for words in (
        ["BIH", "--of", "reads"],
        ["BIH/gate", "--of", "reads", "--device"],
        ["BIH/officer1", "--of", "hats"],
    ):
        with pytest.raises(BadInput, match="counted"):
            limen("cap", *words)
    with open_database(Settings(data=hub)).writing() as session:
        watch.notice(session, watch.Rule.OFF_HOURS, "BIH/officer1")
    [alert] = json.loads(limen("alerts", "--unseen", "--json"))
    assert (alert["rule"], alert["who"], alert["times"]) == ("off-hours", "BIH/officer1", 1)


def test_a_certificate_is_registered_listed_and_removed(hub, tmp_path):
    people(("BIH/abis", "clerk"))
    file = made(tmp_path, "abis")
    limen("certificate", "add", "BIH/abis", str(file))
    with pytest.raises(NotFound):
        limen("certificate", "add", "BIH/nobody", str(file))
    [row] = json.loads(limen("certificate", "list", "--json"))
    assert row["officer"] == "BIH/abis"
    with pytest.raises(BadInput, match="thumbprint"):
        limen("certificate", "remove", "x")
    limen("certificate", "remove", row["thumbprint"])
    assert json.loads(limen("certificate", "list", "--json")) == []


def test_a_lost_passkey_is_no_way_in_any_more(hub):
    people(("BIH/officer1", "officer"))
    with open_database(Settings(data=hub)).writing() as session:
        officer = directory.find_officer(session, "BIH/officer1")
        cookie = sessions.begin(session, officer, sessions.Way.PASSKEY)
    assert "/enter/" in limen("invite", "BIH/officer1", "--anew")
    with open_database(Settings(data=hub)).reading() as session:
        assert sessions.officer_of_session(session, cookie) is None


def test_sessions_are_revoked_at_once(hub):
    people(("BIH/officer1", "officer"))
    token = limen("invite", "BIH/officer1").strip().rpartition("/")[2]
    with open_database(Settings(data=hub)).writing() as session:
        cookie = sessions.redeem(session, token)
    assert limen("revoke", "BIH/officer1").startswith("1 session")
    with open_database(Settings(data=hub)).reading() as session:
        assert sessions.officer_of_session(session, cookie) is None


def test_in_production_an_export_takes_two_people(hub, tmp_path, monkeypatch):
    people(("FRA/clerk", "clerk"), ("FRA/dpo", "data-protection"))
    production = settings.load(production=True)
    parameters = {"country": "FRA", "format": "manifest"}
    decisions.two_people(settings.load(), "", Matter.EXPORT, parameters, Kind.EXPORTED)  # a hub for trial
    with pytest.raises(NotAllowed, match="takes two people"):
        decisions.two_people(production, "", Matter.EXPORT, parameters, Kind.EXPORTED)
    with pytest.raises(NotAllowed, match="takes two people"):
        decisions.two_people(production, "FRA/clerk", Matter.EXPORT, parameters, Kind.EXPORTED)
    limen("ask", "export", json.dumps(parameters), "--reason", "Handover", "--as", "FRA/clerk")
    [waits] = json.loads(limen("approvals", "--as", "FRA/dpo", "--json"))
    limen("approve", waits["number"], "--as", "FRA/dpo")
    decisions.two_people(production, "FRA/clerk", Matter.EXPORT, parameters, Kind.EXPORTED)
    with pytest.raises(NotAllowed, match="takes two people"):
        decisions.two_people(production, "FRA/clerk", Matter.EXPORT, parameters, Kind.EXPORTED)


def test_a_country_deletes_more_by_itself_if_two_people_allow_it(hub, monkeypatch):
    people(("FRA/clerk", "clerk"), ("FRA/dpo", "data-protection"))
    for name, hour in (("FRA/clerk", None), ("FRA", 3)):
        with pytest.raises(BadInput, match="by country and day"):
            watching.cap(name, hour=hour, per_day=3, of="bulk")
    load = settings.load
    monkeypatch.setattr(settings, "load", lambda *given, **more: load(*given, **more | {"production": True}))
    limen("cap", "FRA", "--of", "bulk", "--day", "5")  # less than usual is anybody's
    with pytest.raises(NotAllowed, match="takes two people"):
        watching.cap("FRA", per_day=200, of="bulk")
    limen("ask", "bulk-deletion", '{"country": "FRA", "day": 200}', "--reason", "A clean-up", "--as", "FRA/clerk")
    [waits] = json.loads(limen("approvals", "--as", "FRA/dpo", "--json"))
    limen("approve", waits["number"], "--as", "FRA/dpo")
    with pytest.raises(NotAllowed, match="takes two people"):
        watching.cap("FRA", per_day=201, of="bulk", who="FRA/clerk")
    limen("cap", "FRA", "--of", "bulk", "--day", "200", "--as", "FRA/clerk")
    with open_database(Settings(data=hub)).reading() as session:
        usage = caps.Usage()
        usage.load(session, 0)
        assert usage.cap((caps.Kind.BULK, "FRA")) == caps.Cap(200, 200, 200)
        assert usage.cap((caps.Kind.BULK, "BIH")) == caps.Cap(10, 10, 10)
