"""OSIA's persons and encounters: a country's own records, each an encounter of a person (`records.encounters`)."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from limen.access.caps import Kind
from limen.access.policy import Action
from limen.errors import BadInput, NotAllowed
from limen.exchange import osia
from limen.front.osia.answers import OsiaRoute, Result
from limen.front.osia.asked import MAX_LIST, Asked, Request_
from limen.records import encounters
from limen.records.encountering import STATES, Encounters
from limen.records.encounters import Ids
from limen.records.tables import Record, State
from limen.terms import Modality, Position

router = APIRouter(route_class=OsiaRoute)


@router.post("/persons")
async def create_encounter_no_ids(asked: Request_) -> Response:
    """Put somebody in; the hub makes both ids."""
    return await _put(asked, Ids(uuid.uuid4().hex, uuid.uuid4().hex))


@router.post("/persons/{person}/encounters")
async def create_encounter_no_id(asked: Request_, person: str) -> Response:
    """Put an encounter of a person in; the hub makes its id."""
    return await _put(asked, Ids(person, uuid.uuid4().hex))


@router.post("/persons/{person}/encounters/{encounter}")
async def create_encounter(asked: Request_, person: str, encounter: str) -> Response:
    """Put an encounter in."""
    return await _put(asked, Ids(person, encounter))


@router.put("/persons/{person}/encounters/{encounter}")
async def update_encounter(asked: Request_, person: str, encounter: str) -> Response:
    """Replace an encounter."""
    return await _put(asked, Ids(person, encounter), replace=True)


@router.get("/persons/{person}/encounters")
async def read_all_encounters(asked: Request_, person: str) -> Response:
    """All encounters of one of the country's own persons, without images."""

    def read(own: Encounters) -> list[dict[str, Any]]:
        with own.database.reading(own.country) as session:
            found = encounters.of_person(session, own.hashes, own.country, person)
            return [_said(own, one, encounters.ids_of(session, one, own.vault).encounter) for one in found]

    return await _read(asked, read)


@router.get("/persons/{person}/encounters/{encounter}")
async def read_encounter(asked: Request_, person: str, encounter: str) -> Response:
    """One encounter of one of the country's own persons, without images."""

    def read(own: Encounters) -> dict[str, Any]:
        with own.database.reading(own.country) as session:
            return _said(own, encounters.one(session, own.hashes, own.country, Ids(person, encounter)), encounter)

    return await _read(asked, read)


@router.get("/persons/{person}/encounters/{encounter}/templates")
async def read_template(asked: Request_, person: str, encounter: str) -> Response:
    """Templates leave the hub for nobody."""
    asked.may(Action.READ_RECORDS)
    raise NotAllowed(
        "Templates never leave the hub, for anyone: whoever has one can be followed by it.",
        advice="A country can export the images of its own records: limen records export.",
    )


@router.delete("/persons/{person}/encounters/{encounter}")
async def delete_encounter(asked: Request_, person: str, encounter: str) -> Response:
    """Delete an encounter; with the last one the person is gone."""
    return await _write(asked, lambda own: own.withdraw(person, encounter), Kind.DELETIONS)


@router.delete("/persons/{person}")
async def delete_all(asked: Request_, person: str) -> Response:
    """Delete a person with all encounters."""
    return await _write(asked, lambda own: own.withdraw(person), Kind.DELETIONS)


@router.post("/persons/{target}/merge/{source}")
async def merge_encounter(asked: Request_, target: str, source: str) -> Response:
    """Make all encounters of one person those of another."""
    return await _write(asked, lambda own: own.move(source, target))


@router.post("/persons/{target}/move/{source}/encounters/{encounter}")
async def move_encounter(asked: Request_, target: str, source: str, encounter: str) -> Response:
    """Make one encounter of a person that of another."""
    return await _write(asked, lambda own: own.move(source, target, encounter))


@router.put("/persons/{person}/encounters/{encounter}/status")
async def update_encounter_status(
    asked: Request_, person: str, encounter: str, status: Annotated[str, Query()]
) -> Response:
    """Keep an encounter out of searches, or let it take part again."""
    if status not in STATES:
        raise NotAllowed("An encounter's status is ACTIVE or INACTIVE.")
    return await _write(asked, lambda own: own.set_status(Ids(person, encounter), status))


@router.put("/persons/{person}/encounters/{encounter}/galleries")
async def update_encounter_galleries(asked: Request_, person: str, encounter: str) -> Response:
    """Keep an encounter for another purpose."""

    async def work() -> Result:
        asked.may_write()
        asked.parts.guard.records(asked.who.searcher, Kind.CHANGES)
        purpose = osia.gallery(_names(await asked.body(MAX_LIST)))
        asked.taken()
        await asked.with_records(lambda own: own.set_gallery(Ids(person, encounter), purpose.value))
        return Result()

    return await asked.answered(work)


async def _put(asked: Asked, ids: Ids, *, replace: bool = False) -> Response:
    async def work() -> Result:
        asked.may_write()
        asked.parts.guard.records(asked.who.searcher, Kind.CHANGES)
        data = await asked.body()
        await asked.with_records(lambda own: own.put(ids, data, replace=replace))
        return Result({"personId": ids.person, "encounterId": ids.encounter})

    return await asked.answered(work)


async def _read(asked: Asked, read: Any) -> Response:
    async def work() -> Result:
        asked.may(Action.READ_RECORDS)
        asked.parts.guard.records(asked.who.searcher, Kind.READS)
        asked.taken()
        return Result(await asked.with_records(read))

    return await asked.answered(work)


async def _write(asked: Asked, change: Any, kind: Kind = Kind.CHANGES) -> Response:
    async def work() -> Result:
        asked.may_write()
        asked.parts.guard.records(asked.who.searcher, kind)
        asked.taken()
        await asked.with_records(change)
        return Result()

    return await asked.answered(work)


def _names(data: bytes) -> list[str]:
    try:
        names = json.loads(data)
    except (ValueError, RecursionError):
        names = None
    strings = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not strings or not names or len(set(names)) != len(names):
        raise BadInput("The body is no list of different galleries.", code="bad-request")
    return list(names)


def _said(own: Encounters, record: Record, encounter: str) -> dict[str, Any]:
    """An encounter as OSIA has it, without images: those leave by an export alone, which takes two people."""
    kept = encounters.rest_of(record, own.vault)
    items = kept.get("biometricData") or [
        {"biometricType": _type(sample.modality), "biometricSubType": _subtype(sample.modality, sample.position)}
        for sample in record.samples
        if sample.modality
    ]
    return {
        **kept,
        "encounterId": encounter,
        "status": "ACTIVE" if record.state == State.ACTIVE else "INACTIVE",
        "encounterType": kept.get("encounterType", "record"),
        "createdDate": _moment(record.created),
        "updatedDate": _moment(record.updated),
        "galleries": [record.purpose],
        "biometricData": items,
    }


def _type(modality: int) -> str:
    return "FACE" if modality == Modality.FACE else "FINGER"


def _subtype(modality: int, position: int) -> str:
    return osia.subtype(Modality(modality), Position(position))


def _moment(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")
