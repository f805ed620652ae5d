"""One person who lets others in at the desk is not two."""

import pytest
from sqlalchemy import select

from limen.access import approvals, directory, passkeys, sessions, vouching
from limen.access.approvals import Matter
from limen.access.directory import Role
from limen.access.tables import Passkey
from limen.access.vouching import Voucher
from limen.errors import NotAllowed
from limen.records.tables import Officer

NAMES = ("chief", "one", "two", "three", "dpo")


@pytest.fixture
def people(database):
    """All let in by the operator; who let in whom is up to the test."""
    with database.writing() as session:
        directory.add_country(session, "BIH")
        session.flush()
        roles = {"dpo": Role.DATA_PROTECTION}
        return {
            name: directory.add_officer(session, f"BIH/{name}", None, roles.get(name, Role.CLERK)) for name in NAMES
        }


def vouch(database, officer, by, **more):
    with database.writing() as session:
        vouching.vouch(session, officer, by, **more)


def agree(database, asker, decider):
    """Whether these two count as two people."""
    with database.writing() as session:
        asked = approvals.ask(session, asker, Matter.EXPORT, {}, what="All", reason="A court", country="BIH").id
    try:
        with database.writing() as session:
            approvals.decide(session, decider, asked, approved=True)
    except NotAllowed as refused:
        assert "could be one person" in refused.message
        return False
    return True


def test_whoever_let_somebody_in_is_not_their_second_person_nor_the_other_way_round(database, people):
    assert agree(database, people["chief"], people["one"])
    vouch(database, people["one"], people["chief"])
    assert not agree(database, people["chief"], people["one"]) and not agree(database, people["one"], people["chief"])
    assert agree(database, people["chief"], people["dpo"]) and agree(database, people["one"], people["dpo"])


def test_neither_are_two_whom_one_let_in_nor_a_chain_of_them(database, people):
    vouch(database, people["one"], people["chief"])
    vouch(database, people["two"], people["chief"])
    vouch(database, people["three"], people["two"])
    for pair in (("one", "two"), ("three", "one"), ("chief", "three"), ("three", "two")):
        assert not agree(database, *(people[name] for name in pair)), pair
    assert agree(database, people["three"], people["dpo"])


def test_circles_end(database, people):
    vouch(database, people["one"], people["two"])
    vouch(database, people["two"], people["one"])
    assert not agree(database, people["one"], people["two"])
    assert agree(database, people["one"], people["three"])


def test_the_operator_begins_anew_and_what_was_there_before_ends(database, people):
    dpo, chief = people["dpo"], people["chief"]
    vouch(database, dpo, chief)
    with database.writing() as session:
        row = Passkey(id=dpo.id, officer_id=dpo.id, credential=b"c", public_key=b"k", count=0, name="", created=1)
        session.add(row)
        cookie = sessions.begin(session, dpo, sessions.Way.PASSKEY)
        old = sessions.invite(session, dpo)
    with database.writing() as session:
        link = vouching.renew(session, session.get_one(Officer, dpo.id))
    with database.reading() as session:
        assert sessions.officer_of_session(session, cookie) is None and passkeys.of(session, dpo) == []
        assert sessions.invited(session, link).name == "dpo"
        assert session.scalars(select(Voucher)).all() == []
        with pytest.raises(Exception, match="used already"):
            sessions.invited(session, old)
    assert agree(database, chief, dpo)


def test_a_key_that_somebody_brought_stays_theirs(database, people):
    one, chief = people["one"], people["chief"]
    vouch(database, one, chief, by_key=True)
    vouch(database, one, chief)  # and a link later
    with database.writing() as session:
        vouching.renew(session, session.get_one(Officer, one.id))
    assert not agree(database, chief, one)
