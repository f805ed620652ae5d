"""Two people: who asks, who decides, and that it is done once and exactly as it was approved."""

import threading

import pytest
from sqlalchemy import select

from limen.access import approvals, directory
from limen.access.approvals import KEPT_SECONDS, WAIT_SECONDS, Matter
from limen.access.directory import Role
from limen.access.tables import Approval
from limen.errors import BadInput, NotAllowed, NotFound
from limen.records.tables import JournalRow
from limen.settings import Settings

NOW = 1_800_000_000
PEOPLE = {
    "BIH/clerk1": Role.CLERK,
    "BIH/clerk2": Role.CLERK,
    "BIH/dpo": Role.DATA_PROTECTION,
    "BIH/officer": Role.OFFICER,
    "FRA/clerk": Role.CLERK,
    "FRA/admin": Role.ADMINISTRATOR,
    "FRA/security": Role.SECURITY,
}
EXPORT = {"records": ["A-1", "A-2"]}


@pytest.fixture
def people(database):
    with database.writing() as session:
        directory.add_country(session, "BIH")
        directory.add_country(session, "FRA")
        session.flush()
        found = {name: directory.add_officer(session, name, None, role) for name, role in PEOPLE.items()}
    return found


def ask(database, who, *, parameters=EXPORT, matter=Matter.EXPORT, country="BIH", now=NOW):
    with database.writing() as session:
        return approvals.ask(
            session, who, matter, parameters, what="Two records", reason="Court order", country=country, now=now
        ).id


def decide(database, who, asked, approved=True, now=NOW + 1):
    with database.writing() as session:
        approvals.decide(session, who, asked, approved=approved, now=now)


def use(database, who, *, parameters=EXPORT, matter=Matter.EXPORT, now=NOW + 2):
    with database.writing() as session:
        return approvals.use(session, who, matter, parameters, now=now)


def test_two_people_of_one_country_cannot_agree_to_what_is_anothers(database, people):
    for matter in (Matter.EXPORT, Matter.BULK_DELETION):
        for country, parameters in (("BIH", {"country": "FRA"}), (None, {"country": "FRA"}), (None, {})):
            with pytest.raises((BadInput, NotAllowed)):
                ask(database, people["BIH/clerk1"], parameters=parameters, matter=matter, country=country)
    asked = ask(database, people["BIH/clerk1"], parameters={"country": "BIH"})
    decide(database, people["BIH/dpo"], asked)
    with database.writing() as session:  # somebody who may write the database
        row = session.get(Approval, asked)
        row.digest = approvals.digest(Matter.EXPORT, {"country": "FRA"})
    with pytest.raises(BadInput, match="own data"):
        use(database, people["BIH/clerk1"], parameters={"country": "FRA"})


def test_a_switch_is_thrown_back_by_two_people_of_its_country(database, people):
    with database.writing() as session:
        own = [directory.add_officer(session, f"BIH/sec{n}", None, Role.SECURITY) for n in (1, 2)]
    parameters = {"country": "BIH"}
    for who in (people["BIH/clerk1"], people["FRA/security"], people["FRA/admin"]):
        with pytest.raises(NotAllowed):
            ask(database, who, parameters=parameters, matter=Matter.SWITCH_ON)
    asked = ask(database, own[0], parameters=parameters, matter=Matter.SWITCH_ON)
    for who in (own[0], people["FRA/security"], people["BIH/clerk2"]):
        with pytest.raises(NotAllowed):
            decide(database, who, asked)
    decide(database, own[1], asked)
    assert use(database, own[0], parameters=parameters, matter=Matter.SWITCH_ON).used


def test_one_asks_another_approves_and_it_is_done_once(database, people):
    asked = ask(database, people["BIH/clerk1"])
    with pytest.raises(NotAllowed, match="takes two people"):
        use(database, people["BIH/clerk1"])
    decide(database, people["BIH/dpo"], asked)
    assert use(database, people["BIH/clerk1"]).used == NOW + 2
    with pytest.raises(NotAllowed, match="takes two people"):
        use(database, people["BIH/clerk1"])
    with database.reading() as session:
        kinds = [(row.kind, row.who) for row in session.scalars(select(JournalRow).order_by(JournalRow.number))]
    assert kinds[-2:] == [("approval-asked", "BIH/clerk1"), ("approved", "BIH/dpo")]


def test_nobody_approves_what_they_asked_themselves(database, people):
    asked = ask(database, people["BIH/clerk1"])
    with pytest.raises(NotAllowed, match="Whoever asked cannot decide"):
        decide(database, people["BIH/clerk1"], asked)


def test_an_approval_is_for_exactly_this_and_this_person(database, people):
    decide(database, people["BIH/clerk2"], ask(database, people["BIH/clerk1"]))
    for who, parameters, matter in (
        ("BIH/clerk1", {"records": ["A-1", "A-2", "A-3"]}, Matter.EXPORT),
        ("BIH/clerk1", EXPORT, Matter.BULK_DELETION),
        ("BIH/clerk2", EXPORT, Matter.EXPORT),
    ):
        with pytest.raises(NotAllowed, match="takes two people"):
            use(database, people[who], parameters=parameters, matter=matter)
    assert use(database, people["BIH/clerk1"])


def test_what_was_denied_or_waited_too_long_is_not_done(database, people):
    decide(database, people["BIH/dpo"], ask(database, people["BIH/clerk1"]), approved=False)
    with pytest.raises(NotAllowed):
        use(database, people["BIH/clerk1"])
    late = ask(database, people["BIH/clerk1"])
    with pytest.raises(NotFound):
        decide(database, people["BIH/dpo"], late, now=NOW + WAIT_SECONDS)
    decide(database, people["BIH/dpo"], late)
    with pytest.raises(NotAllowed):
        use(database, people["BIH/clerk1"], now=NOW + 1 + WAIT_SECONDS)


def test_roles_and_countries_hold_for_asking_and_deciding(database, people):
    with pytest.raises(NotAllowed, match="may not ask for approval"):
        ask(database, people["BIH/officer"])
    with pytest.raises(NotAllowed, match="may not decide about BIH"):
        ask(database, people["FRA/clerk"])
    asked = ask(database, people["BIH/clerk1"])
    for name in ("FRA/clerk", "FRA/admin", "BIH/officer", "FRA/security"):
        with pytest.raises(NotAllowed):
            decide(database, people[name], asked)
    hubs = ask(database, people["FRA/admin"], matter=Matter.CHANGE_THRESHOLDS, country=None)
    decide(database, people["FRA/security"], hubs)
    assert use(database, people["FRA/admin"], matter=Matter.CHANGE_THRESHOLDS)


def test_an_approval_of_someone_who_was_retired_since_is_worth_nothing(database, people):
    decide(database, people["BIH/clerk2"], ask(database, people["BIH/clerk1"]))
    with database.writing() as session:
        directory.retire_officer(session, "BIH/clerk2")
    with pytest.raises(NotAllowed, match="may no longer do so"):
        use(database, people["BIH/clerk1"])


def test_if_carrying_it_out_fails_the_approval_stays(database, people):
    decide(database, people["BIH/dpo"], ask(database, people["BIH/clerk1"]))
    with pytest.raises(RuntimeError), database.writing() as session:
        approvals.use(session, people["BIH/clerk1"], Matter.EXPORT, EXPORT, now=NOW + 2)
        raise RuntimeError("the disk is full")
    assert use(database, people["BIH/clerk1"])


def test_of_many_at_once_one_wins(database, people):
    decide(database, people["BIH/dpo"], ask(database, people["BIH/clerk1"]))
    outcomes = []

    def run():
        try:
            use(database, people["BIH/clerk1"])
            outcomes.append("done")
        except Exception as error:
            outcomes.append(getattr(error, "code", "?"))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("done") == 1


def test_who_sees_what_waits(database, people):
    asked = ask(database, people["BIH/clerk1"])
    with database.reading() as session:
        seen = {name for name, who in people.items() if approvals.waiting(session, who, now=NOW)}
        assert seen == {"BIH/clerk1", "BIH/clerk2", "BIH/dpo"}
        assert [row.id for row in approvals.waiting(session, people["BIH/dpo"], now=NOW)] == [asked]


def test_words_are_needed_and_old_ones_go(database, people):
    with database.writing() as session:
        for what, reason in (("", "why"), ("what", " "), ("x" * 401, "why")):
            with pytest.raises(BadInput):
                approvals.ask(session, people["BIH/clerk1"], Matter.EXPORT, {}, what=what, reason=reason, country="BIH")
    ask(database, people["BIH/clerk1"])
    with database.writing() as session:
        assert approvals.purge(session, now=NOW + KEPT_SECONDS) == 0
        assert approvals.purge(session, now=NOW + KEPT_SECONDS + WAIT_SECONDS) == 1


def test_thresholds_other_than_the_releases_need_two_people(database, people):
    usual = (Settings.fpir_refer, Settings.fpir_hit)
    with database.reading() as session:
        approvals.check_thresholds(session, *usual)
        with pytest.raises(NotAllowed, match="no two people agreed"):
            approvals.check_thresholds(session, 0.01, usual[1])
    asked = ask(
        database,
        people["FRA/admin"],
        matter=Matter.CHANGE_THRESHOLDS,
        parameters={"fpir_refer": 0.01, "fpir_hit": usual[1]},
        country=None,
    )
    decide(database, people["FRA/security"], asked)
    with database.writing() as session:
        assert approvals.purge(session, now=NOW + 9 * KEPT_SECONDS) == 0
        approvals.check_thresholds(session, 0.01, usual[1])
