"""The desk: what a person of each role decides, looks into and keeps, beside searching.

Clerks register their own country's officers and devices and see which records end soon; whoever approves finds what
waits for a second person; security officers find alerts; clerks and data-protection officers find cases.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from limen.access import approvals, cases, directory, sessions, vouching, watch
from limen.access.directory import Role
from limen.access.policy import Action, may
from limen.errors import BadInput, NotAllowed, NotFound
from limen.front.forms import form
from limen.front.identity import Caller, caller, of_session
from limen.front.parts import Parts
from limen.front.routes.pages import page
from limen.records import reminders
from limen.records.moments import day
from limen.records.tables import Officer

router = APIRouter(prefix="/desk", include_in_schema=False)

DEVICE = "device"


@router.get("")
async def desk(request: Request) -> Response:
    """Everything on the desk of whoever is signed in."""
    officer = await of_session(request)
    if officer is None:
        return RedirectResponse("/", 303)
    return await _desk(_parts(request), officer)


@router.post("/approvals/{number}")
async def decide(request: Request, number: uuid.UUID) -> Response:
    """Approve or deny."""
    who, said = await _person(request)
    verdict = said.get("verdict")
    if verdict not in ("approve", "deny"):
        raise BadInput("A decision is to approve or to deny.", code="bad-request")
    await _write(request, lambda session: approvals.decide(session, who.officer, number, approved=verdict == "approve"))
    return RedirectResponse("/desk", 303)


@router.post("/alerts/{number}")
async def see(request: Request, number: uuid.UUID) -> Response:
    """Note that an alert was looked into."""
    who, _ = await _person(request)
    await _write(request, lambda session: watch.see(session, who.officer, number))
    return RedirectResponse("/desk", 303)


@router.post("/people")
async def register(request: Request) -> Response:
    """Register an officer or a device of one's own country; an officer without a key gets a one-time link."""
    who, said = await _person(request)
    officer, role = who.officer, said.get("role", "")
    name = f"{officer.country}/{said.get('name', '')}"
    key = _key(said.get("key", ""))
    may(officer, Action.MANAGE_PEOPLE, owner=officer.country, subject=role)

    def add(session: Session) -> str:
        if role == DEVICE:
            if key is None:
                raise BadInput("A device needs a public key.", advice="Make it on the device, and paste it here.")
            directory.add_device(session, name, key, by=_name(officer))
            return ""
        made = directory.add_officer(session, name, key, Role.parse(role), by=_name(officer))
        session.flush()
        vouching.vouch(session, made, officer, by_key=key is not None)
        return sessions.invite(session, made)

    return await _again(request, officer, await _write(request, add))


@router.post("/people/{action}")
async def change(request: Request, action: str) -> Response:
    """Invite, revoke, retire or reinstate an officer or device of one's own country."""
    who, said = await _person(request)
    officer, name = who.officer, said.get("name", "")
    device = said.get("kind") == DEVICE
    by = _name(officer)

    def work(session: Session) -> str:
        found = (directory.find_device if device else directory.find_officer)(session, name)
        if found is None or found.country != officer.country:
            raise NotFound("There is nobody of this name in your country.")
        subject = found.role if isinstance(found, Officer) else DEVICE
        if action == "reinstate":
            watch.reinstate(session, officer, name, device=device)
            return ""
        may(officer, Action.MANAGE_PEOPLE, owner=found.country, subject=subject)
        if action == "retire":
            (directory.retire_device if device else directory.retire_officer)(session, name, by=by)
        elif action == "revoke" and isinstance(found, Officer):
            sessions.revoke(session, found, by=by)
        elif action == "invite" and isinstance(found, Officer):
            vouching.vouch(session, found, officer)
            return sessions.invite(session, found)
        else:
            raise NotFound("There is nothing at this address.")
        return ""

    return await _again(request, officer, await _write(request, work))


@router.get("/cases/{number}")
async def case(request: Request, number: str) -> Response:
    """What a case of one's own country says."""
    officer = await of_session(request)
    if officer is None:
        return RedirectResponse("/", 303)
    parts = _parts(request)
    may(officer, Action.HANDLE_CASES, owner=officer.country)

    def find() -> Any:
        with parts.database.reading(officer.country) as session:
            return cases.find(session, number, officer.country)

    row = await asyncio.to_thread(find)
    said = cases.unpack(await parts.vault.unseal(cases.context(row), row.content))
    return page("case", officer=_name(officer), case=_case(row), said=said, day=day)


def _gathered(parts: Parts, officer: Officer) -> dict[str, Any]:
    """What is on somebody's desk; a part that their role may not see is empty."""
    found: dict[str, Any] = {
        "verifies": _can(officer, Action.VERIFY_HIT),
        "waiting": [],
        "alerts": [],
        "people": [],
        "roles": [],
        "cases": [],
        "due": 0,
    }
    with parts.database.reading() as session:
        found["waiting"] = [
            {
                "number": row.id,
                "matter": row.action,
                "what": row.what,
                "reason": row.reason,
                "verdict": row.verdict,
                "own": row.asked_by == officer.id,
                "until": time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(row.expires)),
            }
            for row in approvals.waiting(session, officer)
        ]
        if _can(officer, Action.SEE_ALERTS):
            found["alerts"] = [
                {"number": one.id, "rule": one.rule, "name": one.name, "count": one.count, "last": day(one.last),
                 "suspended": one.suspended}
                for one in watch.alerts(session, officer, unseen=True)
            ]  # fmt: skip
        roles = [str(role) for role in (*Role, DEVICE) if _can(officer, Action.MANAGE_PEOPLE, subject=str(role))]
        found["roles"], found["reinstates"] = roles, _can(officer, Action.REINSTATE)
        if roles or found["reinstates"]:
            found["people"] = _people(session, officer, roles)
    with parts.database.reading(officer.country) as session:
        if _can(officer, Action.HANDLE_CASES):
            found["cases"] = [_case(row) for row in cases.list_cases(session, officer.country, only_open=True)]
        if _can(officer, Action.READ_RECORDS):
            found["due"] = reminders.count(session, officer.country)
    return found


def _people(session: Session, officer: Officer, roles: list[str]) -> list[dict[str, Any]]:
    officers = [
        {"kind": "officer", "name": _name(one), "role": one.role, "suspended": one.suspended, "mine": one.role in roles}
        for one in directory.list_officers(session, officer.country)
        if one.retired is None
    ]
    devices = [
        {"kind": DEVICE, "name": f"{one.country}/{one.name}", "role": DEVICE, "suspended": one.suspended,
         "mine": DEVICE in roles}
        for one in directory.list_devices(session, officer.country)
        if one.retired is None
    ]  # fmt: skip
    return officers + devices


def _case(row: Any) -> dict[str, Any]:
    return {"number": row.number, "kind": row.kind, "due": day(row.due), "stands": cases.standing(row)}


def _can(officer: Officer, action: Action, **more: Any) -> bool:
    try:
        may(officer, action, owner=officer.country, **more)
    except NotAllowed:
        return False
    return True


async def _person(request: Request) -> tuple[Caller, dict[str, str]]:
    """Who is at the pages, and what their form says; `NotAllowed` for requests from elsewhere."""
    who = await caller(request)
    if not who.person:
        raise NotAllowed("The desk is for people who are signed in to the pages.")
    return who, await form(request)


async def _write(request: Request, work: Callable[[Session], Any]) -> Any:
    parts = _parts(request)

    def run() -> Any:
        with parts.database.writing() as session:
            return work(session)

    return await asyncio.to_thread(run)


async def _again(request: Request, officer: Officer, token: str) -> Response:
    """The desk once more; with a one-time link if one was made, which is shown this once."""
    if not token:
        return RedirectResponse("/desk", 303)
    parts = _parts(request)
    return await _desk(parts, officer, f"{parts.settings.pages}/enter/{token}")


async def _desk(parts: Parts, officer: Officer, link: str = "") -> Response:
    found = await asyncio.to_thread(_gathered, parts, officer)
    switch = ""
    if _can(officer, Action.SWITCH_OFF):
        held = (await parts.vault.countries()).get(officer.country)
        switch = "" if held is None else "on" if held else "off"  # none: it keeps no records here
    return page("desk", officer=_name(officer), link=link, switch=switch, **found)


def _key(text: str) -> bytes | None:
    if not text.strip():
        return None
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise BadInput("The public key is not 32 bytes in base64.", advice="Copy it as the device shows it.")
    return key


def _name(officer: Officer) -> str:
    return f"{officer.country}/{officer.name}"


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts
