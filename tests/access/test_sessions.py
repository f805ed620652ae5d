"""One-time links and sessions of the pages."""

import threading

import pytest
import sqlalchemy as sa

from limen.access import directory, sessions
from limen.errors import LimenError, NotSignedIn
from limen.records.tables import Invite, SignIn


@pytest.fixture
def officer(database):
    with database.writing() as session:
        directory.add_country(session, "BIH")
        session.flush()
        return directory.add_officer(session, "BIH/officer1", None)


def link(database, officer, **more):
    with database.writing() as session:
        return sessions.invite(session, officer, **more)


def redeem(database, token, **more):
    with database.writing() as session:
        return sessions.redeem(session, token, **more)


def whose(database, cookie, **more):
    with database.reading() as session:
        officer = sessions.officer_of_session(session, cookie, **more)
        return officer and f"{officer.country}/{officer.name}"


def test_a_link_signs_in_once(database, officer):
    token = link(database, officer)
    cookie = redeem(database, token)
    assert whose(database, cookie) == "BIH/officer1"
    with pytest.raises(NotSignedIn, match="used already or is too old"):
        redeem(database, token)


def test_a_link_lasts_15_minutes_and_a_session_8_hours(database, officer):
    token = link(database, officer, now=1000)
    with pytest.raises(NotSignedIn):
        redeem(database, token, now=1000 + 900)
    cookie = redeem(database, token, now=1000 + 899)
    for minutes in range(29, 8 * 60, 29):
        assert whose(database, cookie, now=1899 + minutes * 60)
        with database.writing() as session:
            sessions.touch(session, cookie, now=1899 + minutes * 60)
    assert whose(database, cookie, now=1899 + 8 * 3600 - 1)
    assert whose(database, cookie, now=1899 + 8 * 3600) is None


def test_a_session_that_nobody_uses_ends_after_half_an_hour(database, officer):
    cookie = redeem(database, link(database, officer, now=1000), now=1000)
    assert whose(database, cookie, now=1000 + 1799)
    assert whose(database, cookie, now=1000 + 1800) is None


def test_a_new_link_voids_the_old_one(database, officer):
    old, new = link(database, officer), link(database, officer)
    with pytest.raises(NotSignedIn):
        redeem(database, old)
    assert redeem(database, new)


def test_of_two_who_use_a_link_at_once_one_wins(database, officer):
    token, cookies, errors = link(database, officer), [], []

    def use():
        try:
            cookies.append(redeem(database, token))
        except LimenError as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(cookies), len(errors)) == (1, 5)


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "\ud800" * 43, "x" * 5000])
def test_any_other_cookie_signs_nobody_in(database, officer, cookie):
    assert whose(database, cookie) is None


def test_sessions_end_when_signed_out_revoked_or_retired(database, officer):
    for end in (
        lambda session, cookie: sessions.sign_out(session, cookie),
        lambda session, cookie: sessions.revoke(session, officer),
        lambda session, cookie: directory.retire_officer(session, "BIH/officer1"),
    ):
        cookie = redeem(database, link(database, officer))
        assert whose(database, cookie)
        with database.writing() as session:
            end(session, cookie)
        assert whose(database, cookie) is None


def test_the_database_holds_no_secret(database, officer):
    first = link(database, officer)
    with database.reading() as session:
        kept = [row.token_hash for row in session.scalars(sa.select(Invite))]
    cookie = redeem(database, first)
    with database.reading() as session:
        kept += [row.token_hash for row in session.scalars(sa.select(SignIn))]
    assert len(kept) == 2
    for secret in (first, cookie):
        assert all(secret.encode() not in row and len(row) == 32 for row in kept)
