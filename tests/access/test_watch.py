"""Alerts count up, suspend when the rule says so, and are for one's own country."""

import pytest

from limen.access import directory, sessions, watch
from limen.access.directory import Role
from limen.access.watch import HOUR, KEPT_SECONDS, LIMITS, Rule
from limen.errors import NotAllowed, NotFound

NOW = 1_800_000_000
WHO = "BIH/officer1"


@pytest.fixture
def people(database):
    with database.writing() as session:
        directory.add_country(session, "BIH")
        directory.add_country(session, "FRA")
        session.flush()
        names = {WHO: Role.OFFICER, "BIH/security": Role.SECURITY, "FRA/security": Role.SECURITY}
        return {name: directory.add_officer(session, name, None, role) for name, role in names.items()}


def notice(database, rule, now=NOW, **more):
    with database.writing() as session:
        return watch.notice(session, rule, WHO, now=now, **more)


def test_what_comes_together_is_one_alert(database, people):
    for minute in range(3):
        notice(database, Rule.OFF_HOURS, NOW + 60 * minute)
    notice(database, Rule.OFF_HOURS, NOW + 3 * HOUR)
    with database.reading() as session:
        assert [one.count for one in watch.alerts(session)] == [1, 3]


def test_the_same_target_needs_twenty_and_suspends_at_two_hundred(database, people):
    limits = LIMITS[Rule.SAME_TARGET]
    assert notice(database, Rule.SAME_TARGET, count=limits.alert - 1) is None
    assert not notice(database, Rule.SAME_TARGET, count=limits.alert).suspended
    assert notice(database, Rule.SAME_TARGET, count=limits.suspend).suspended
    with database.reading() as session:
        assert len(watch.alerts(session)) == 1
        assert directory.find_officer(session, WHO).suspended == NOW


def test_suspension_ends_sessions_and_links(database, people):
    with database.writing() as session:
        cookie = sessions.redeem(session, sessions.invite(session, people[WHO]))
        link = sessions.invite(session, people[WHO])
        assert watch.suspend(session, WHO) and not watch.suspend(session, WHO)
    with database.reading() as session:
        assert sessions.officer_of_session(session, cookie) is None
        with pytest.raises(Exception, match="used already or is too old"):
            sessions.invited(session, link)


def test_who_sees_and_who_reinstates(database, people):
    notice(database, Rule.CANARY)
    with database.writing() as session:
        with pytest.raises(NotAllowed):
            watch.alerts(session, people[WHO])
        assert watch.alerts(session, people["FRA/security"]) == []
        [one] = watch.alerts(session, people["BIH/security"], unseen=True)
        with pytest.raises(NotFound):
            watch.see(session, people["FRA/security"], one.id)
        watch.see(session, people["BIH/security"], one.id)
        with pytest.raises(NotAllowed, match="may not reinstate people of BIH"):
            watch.reinstate(session, people["FRA/security"], WHO)
        watch.reinstate(session, people["BIH/security"], WHO)
    with database.reading() as session:
        assert watch.alerts(session, people["BIH/security"], unseen=True) == []
        assert directory.find_officer(session, WHO).suspended is None


def test_old_alerts_go(database, people):
    notice(database, Rule.BURST)
    with database.writing() as session:
        assert watch.purge(session, now=NOW + KEPT_SECONDS - 1) == 0
        assert watch.purge(session, now=NOW + KEPT_SECONDS) == 1
