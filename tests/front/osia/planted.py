"""What France has in a hub and shows to nobody, each with a word in it that no other country may ever read."""

from __future__ import annotations

import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from tests.front.osia.client import Osia
from tests.front.real_hub import samples

from limen.access import approvals, cases, directory, keys, watch
from limen.access.approvals import Matter
from limen.access.directory import Role
from limen.access.signing import HttpSignature
from limen.access.watch import Rule
from limen.client.hub import HubClient
from limen.hits import leads
from limen.hits.leads import Pair
from limen.records.database import open_database
from limen.records.tables import Lead, Record

WORD = "zqfrench"  # stands in everything that is planted
PERSON = "only-of-france"  # an id that others may use for a person of their own
OFFICER, CLERK, EXAMINER = (f"FRA/{WORD}-{role}" for role in ("officer", "clerk", "examiner"))
DUE = datetime.timedelta(days=60)  # within the six months in which an owner is reminded


def plant(osia: Osia) -> dict[str, str]:
    """People, a device, a record that ends soon, a hit, a lead, a case, an alert, a request to two people, a search and
    a task.

    Returns:
        Names and numbers by which these could be asked for, by the names that parameters have.
    """
    for name, role in ((OFFICER, Role.OFFICER), (CLERK, Role.CLERK), (EXAMINER, Role.EXAMINER)):
        osia.made.limen("access", "officer", "add", name, "--role", role.value)
    _put_record(osia)
    case = f'{WORD} Paris", {WORD} asks'
    osia.made.limen("cases", "open", "access", "--country", "FRA", "--person", case, "--request", case)
    return {"person": PERSON, "encounter": "1"} | _of_searches(osia) | _of_people(osia)


def _put_record(osia: Osia) -> None:
    ends = (datetime.datetime.now(datetime.UTC) + DUE).date().isoformat()
    said = {"visibleTo": "none", "offence": WORD, "instructions": WORD, "contact": WORD, "validUntil": ends}
    named = {"firstName": WORD, "lastName": WORD}
    encounter = osia.encounter(biographicData=named, contextualData=said, encounterType=WORD)
    with osia.http(CLERK) as api:
        assert api.post(f"/persons/{PERSON}/encounters/1", json=encounter).status_code == 200


def _of_searches(osia: Osia) -> dict[str, str]:
    """A search that found somebody and its hit, another that waits, and a task."""
    url = osia.made.settings.url
    with HubClient(url, HttpSignature(keys.load(OFFICER), OFFICER)) as client:
        found = client.search(samples(osia.made.wanted), "border-control", claimed={"names": WORD})
        assert found["answer"] == "hit"
    with osia.made.http(EXAMINER) as api:
        hit = api.get("/v1/hits").json()[0]["id"]
    with osia.made.http(OFFICER) as api:
        search = api.post("/v1/searches", json={"purpose": "border-control"}).json()["id"]
    with osia.http(CLERK) as api:
        task = api.get("/galleries", params={"callback": f"{osia.client.origin}/planted"}).json()["taskId"]
    return {"hit_id": hit, "search_id": search, "shown": found["id"], "task": task}


def _of_people(osia: Osia) -> dict[str, str]:
    """A device, an alert, what waits for a second person, a lead, and the case's number."""
    database = open_database(osia.made.settings)
    device = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with database.writing() as session:
        clerk = directory.find_officer(session, CLERK)
        assert clerk is not None
        directory.add_device(session, f"FRA/{WORD}-gate", device)
        alert = watch.notice(session, Rule.CANARY, f"FRA/{WORD}-gate", device=True, suspends=False)
        assert alert is not None
        asked = {"country": "FRA", "record": WORD}
        approval = approvals.ask(session, clerk, Matter.EXPORT, asked, what=WORD, reason=WORD, country="FRA")
        handles = [one.handle for one in session.scalars(select(Record).order_by(Record.created.desc(), Record.id))]
        leads.keep(session, [Pair(handles[0], handles[1])], leads.searched_upto(session))
        [lead] = session.scalars(select(Lead))
        [case] = cases.list_cases(session, "FRA")
        return {"alert": str(alert.id), "approval": str(approval.id), "lead_id": lead.id.hex, "case": case.number}
