"""Who may do what, and for which purpose: the one place that is asked, `may`.

The rules are Cedar policies (`policies/*.cedar`; https://www.cedarpolicy.com): what each role is there for, what nobody
may, and what a hub adds to that (`access.rules`), which can only forbid. Where nothing permits, it is denied. A denial
says which rule it was, in that rule's own words.
"""

from __future__ import annotations

import enum
import json
import time
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Protocol

import cedarpy

from limen.access.directory import Role
from limen.errors import BadInput, LimenError, NotAllowed
from limen.terms import Purpose

FOLDER = resources.files("limen.access") / "policies"
FILES = ("roles.cedar", "limits.cedar")
HUB = {"type": "Limen::Hub", "id": "hub"}
MAX_REMEMBERED = 1_000  # kinds of denials: a bound on memory, some 500 kB


class Action(enum.StrEnum):
    """What can be asked for."""

    SEARCH = "search"
    SEE_HIT = "see-hit"  # of one's own country's searches, or of one's own records
    VERIFY_HIT = "verify-hit"
    READ_RECORDS = "read-records"
    WRITE_RECORDS = "write-records"
    EXPORT_RECORDS = "export-records"
    AUDIT = "audit"
    ADMINISTER = "administer"
    MANAGE_PEOPLE = "manage-people"  # register, invite, retire officers and devices, and end their sessions
    HANDLE_CASES = "handle-cases"  # of persons concerned
    SEE_ALERTS = "see-alerts"
    REINSTATE = "reinstate"  # somebody or a device that was suspended
    SWITCH_OFF = "switch-off"  # one's own country's records, all of them, at once
    ASK_APPROVAL = "ask-approval"  # for what takes two people
    APPROVE = "approve"

    @property
    def words(self) -> str:
        """What it is, for those who are refused it."""
        return _WORDS.get(self, self.value.replace("-", " "))


_WORDS = {
    Action.SEE_HIT: "see hits",
    Action.VERIFY_HIT: "verify hits",
    Action.REINSTATE: "reinstate people",
    Action.SWITCH_OFF: "switch records off",
    Action.ASK_APPROVAL: "ask for approval",
}


class DeviceState(enum.StrEnum):
    """What is known of the device that a request comes from."""

    NONE = "none"
    REGISTERED = "registered"
    SUSPENDED = "suspended"


class Asker(Protocol):
    """An officer, as far as policy looks at them (`records.tables.Officer` fits)."""

    country: str
    role: str
    retired: int | None


class Policy:
    """Rules that are in force together."""

    def __init__(self, restrictions: Mapping[str, str] | None = None) -> None:
        """Read the hub's own rules, and add restrictions.

        Args:
            restrictions: Cedar text by name; they may only forbid.

        Raises:
            BadInput: a restriction is no Cedar policy, does not fit the schema, or permits something.
        """
        texts = [(FOLDER / file).read_text("utf-8") for file in FILES]
        texts += [checked(name, text) for name, text in sorted((restrictions or {}).items())]
        whole = "\n".join(texts)
        self._set = cedarpy.PolicySet.from_str(whole)
        policies = json.loads(cedarpy.policies_to_json_str(whole))["staticPolicies"]
        self._notes: dict[str, dict[str, str]] = {key: one.get("annotations") or {} for key, one in policies.items()}
        self._able: dict[tuple[object, ...], list[str]] = {}

    def able(self, country: str, action: Action, resource: Mapping[str, str], context: Mapping[str, Any]) -> list[str]:
        """Roles of whom somebody of this country might do it; remembered, because a denial asks for all of them."""
        asked = (country, action, resource["id"], *sorted(context.items()))
        found = self._able.get(asked)
        if found is None:
            found = [role.value for role in Role if self.decide(_As(country, role), action, resource, context) is None]
            if len(self._able) >= MAX_REMEMBERED:
                self._able.clear()
            self._able[asked] = found
        return found

    def decide(
        self, asker: Asker, action: Action, resource: Mapping[str, str], context: Mapping[str, Any]
    ) -> list[dict[str, str]] | None:
        """None if it is permitted, else the annotations of the rules that forbid it (none: nothing permits it)."""
        uid = {"type": "Limen::Officer", "id": "asker"}  # who it is makes no difference to any rule
        country = {"__entity": {"type": "Limen::Country", "id": asker.country}}
        attributes = {
            "country": country,
            "retired": asker.retired is not None,
            "suspended": getattr(asker, "suspended", None) is not None,
        }
        entity = {"uid": uid, "attrs": attributes, "parents": [{"type": "Limen::Role", "id": asker.role}]}
        request = {
            "principal": uid,
            "action": {"type": "Limen::Action", "id": action.value},
            "resource": resource,
            "context": context,
        }
        result = cedarpy.is_authorized(request, self._set, [entity])
        if result.diagnostics.errors:
            raise LimenError("A policy could not be applied; nothing is permitted.", code="bad-policy")
        if result.allowed:
            return None
        return [self._notes.get(reason, {}) for reason in sorted(result.diagnostics.reasons)]


_in_force: list[Policy] = []  # one, once it is needed


def in_force() -> Policy:
    """The policy that `may` asks."""
    if not _in_force:
        _in_force.append(Policy())
    return _in_force[0]


def put_in_force(policy: Policy) -> None:
    """From now on `may` asks this policy."""
    _in_force[:] = [policy]


def may(
    asker: Asker,
    action: Action,
    *,
    purpose: Purpose | None = None,
    owner: str | None = None,
    device: DeviceState = DeviceState.NONE,
    device_name: str | None = None,
    subject: str | None = None,
    matter: str | None = None,
    now: float | None = None,
) -> None:
    """Return if the officer may do this.

    Args:
        asker: who.
        action: what.
        purpose: what for; needed for searches and for putting records in.
        owner: whose data or people it is about, alpha-3, where it is about one country's.
        device, device_name: that the request comes from.
        subject: of `MANAGE_PEOPLE`, the role of whom it is about, or `device`.
        matter: of `ASK_APPROVAL` and `APPROVE`, what takes two people (`approvals.Matter`).
        now: Unix seconds; rules may look at the hour and day (UTC).

    Raises:
        NotAllowed: the message says which rule forbids it.
    """
    moment = time.gmtime(now)
    said = {"purpose": purpose, "device_name": device_name, "subject": subject, "matter": matter}
    context = {
        "device": device.value,
        "hour": moment.tm_hour,
        "weekday": moment.tm_wday + 1,
        **{name: str(value) for name, value in said.items() if value is not None},
    }
    resource = {"type": "Limen::Country", "id": owner} if owner is not None else HUB
    policy = in_force()
    forbidden = policy.decide(asker, action, resource, context)
    if forbidden is None:
        return
    words = {
        "role": asker.role,
        "action": action.words,
        "country": asker.country,
        "owner": owner or "the hub",
        "purpose": str(purpose or ""),
        "purposes": ", ".join(Purpose),
    }
    for notes in forbidden:
        if "because" in notes:
            raise NotAllowed(_filled(notes["because"], words), advice=_filled(notes.get("advice", ""), words))
    if forbidden:
        raise NotAllowed(f"The rule '{forbidden[0].get('id', 'unnamed')}' of this hub forbids it.")
    raise _nothing_permits(policy, asker, action, resource, context)


def checked(name: str, text: str) -> str:
    """A restriction's text, if it can be added: `BadInput` unless it is Cedar, fits the schema and only forbids."""
    try:
        policies = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError:
        raise BadInput(
            f"The rule '{name[:64]}' is no Cedar policy.", advice="See https://docs.cedarpolicy.com."
        ) from None
    static = policies["staticPolicies"]
    if not static or policies.get("templates") or any(one["effect"] != "forbid" for one in static.values()):
        raise BadInput(f"The rule '{name[:64]}' does not only forbid.", advice="A hub can add `forbid` rules alone.")
    result = cedarpy.validate_policies(text, _schema())
    if not result.validation_passed:
        raise BadInput(
            f"The rule '{name[:64]}' speaks of something that there is not: {str(result.errors[0].error)[:300]}",
            advice="What there is: src/limen/access/policies/limen.cedarschema.",
        )
    return text


@lru_cache
def _schema() -> str:
    return (FOLDER / "limen.cedarschema").read_text("utf-8")


def _nothing_permits(
    policy: Policy, asker: Asker, action: Action, resource: Mapping[str, str], context: Mapping[str, Any]
) -> NotAllowed:
    able = policy.able(asker.country, action, resource, context)
    what = (
        f" ({context['matter']})" if "matter" in context else f" ({context['subject']})" if "subject" in context else ""
    )
    return NotAllowed(
        f"The role '{asker.role}' may not {action.words}{what}.",
        advice=f"Ask someone of the role {', '.join(able)}." if able else "Nobody may.",
    )


class _As:
    """The same request by someone of another role."""

    def __init__(self, country: str, role: str) -> None:
        self.country, self.role = country, role
        self.retired: int | None = None


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", value)
    return text
