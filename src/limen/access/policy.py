"""Who may do what, and for which purpose: the one place that is asked, `may`.

Rules, until they come from a policy language: a role may do what its row says; searches and records need a purpose of
RPD Art. 10 that the role has; what belongs to a country is for that country's people, unless the owner shows it.
"""

from __future__ import annotations

import enum
from typing import Protocol

from limen.access.directory import Role
from limen.errors import NotAllowed
from limen.terms import Purpose


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


class Asker(Protocol):
    """An officer, as far as policy looks at them (`records.tables.Officer` fits)."""

    country: str
    role: str
    retired: int | None


_EVERYDAY = frozenset(Purpose) - {Purpose.FORENSIC_ANALYSIS, Purpose.CRIME_ANALYSIS}
_PURPOSES: dict[Role, frozenset[Purpose]] = {
    Role.OFFICER: _EVERYDAY,
    Role.EXAMINER: frozenset(Purpose),
    Role.CLERK: frozenset(Purpose),
}
_ACTIONS: dict[Role, frozenset[Action]] = {
    Role.OFFICER: frozenset({Action.SEARCH, Action.SEE_HIT}),
    Role.EXAMINER: frozenset({Action.SEARCH, Action.SEE_HIT, Action.VERIFY_HIT, Action.READ_RECORDS}),
    Role.CLERK: frozenset(
        {Action.SEARCH, Action.SEE_HIT, Action.READ_RECORDS, Action.WRITE_RECORDS, Action.EXPORT_RECORDS}
    ),
    Role.DATA_PROTECTION: frozenset({Action.AUDIT, Action.READ_RECORDS}),
    Role.SECURITY: frozenset({Action.AUDIT}),
    Role.ADMINISTRATOR: frozenset({Action.ADMINISTER}),
}
_WITH_PURPOSE = frozenset({Action.SEARCH, Action.WRITE_RECORDS})
_OWN_ONLY = frozenset({Action.READ_RECORDS, Action.WRITE_RECORDS, Action.EXPORT_RECORDS, Action.VERIFY_HIT})


def may(asker: Asker, action: Action, *, purpose: Purpose | None = None, owner: str | None = None) -> None:
    """Return if the officer may do this.

    Args:
        asker: who.
        action: what.
        purpose: what for; needed for searches and for putting records in.
        owner: whose data it is about, alpha-3, where it is about one country's.

    Raises:
        NotAllowed: the message says which rule forbids it.
    """
    role = Role(asker.role)
    if asker.retired is not None:
        raise NotAllowed("This officer is retired.")
    if action not in _ACTIONS[role]:
        allowed = ", ".join(sorted(other for other, actions in _ACTIONS.items() if action in actions))
        raise NotAllowed(f"The role '{role}' may not {action}.", advice=f"Ask someone of the role {allowed}.")
    if action in _WITH_PURPOSE and purpose is None:
        raise NotAllowed("A purpose must be stated.", advice=f"One of {', '.join(Purpose)}.")
    if purpose is not None and purpose not in _PURPOSES.get(role, frozenset()):
        raise NotAllowed(f"The role '{role}' may not act for the purpose '{purpose}'.")
    if action in _OWN_ONLY and owner is not None and owner != asker.country:
        raise NotAllowed(f"{asker.country} may not {action} of {owner}.")
