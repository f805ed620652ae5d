"""What one line of the ledger says: canonical JSON (RFC 8785 for what entries hold), at most 1 KiB.

    {"answer":"no-hit","id":"<hex>","kind":"search-answered","minute":29000000,"models":"<hex>","purpose":"...",
     "software":"limen 0.1.0","v":1,"who":"<hex>"}

There is no field for a name, a biometric, a hash of one, a country or an officer; `who` is a pseudonym, made anew for
every entry, that only the vault can open (`ledger.pseudonym`).
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from enum import StrEnum

from limen import __version__
from limen.errors import BadInput
from limen.ledger.pseudonym import LENGTH
from limen.terms import Answer, Purpose

VERSION = 1
MAX_ENTRY = 1024  # bytes; ours have about 250, or 500 with a pseudonym, and tlog-tiles allows 65,535
MINUTE = 60  # seconds
MAX_WHO = 68  # characters of `COUNTRY/NAME`, as `access.directory` limits them
_HEX = re.compile(rf"(?:[0-9a-f]{{2}}){{0,{LENGTH}}}")
_SOFTWARE = re.compile(r"[A-Za-z0-9 .+_-]{0,64}")


class Kind(StrEnum):
    """What happened."""

    SEARCH_ADMITTED = "search-admitted"
    SEARCH_ANSWERED = "search-answered"
    SEARCH_FORGOTTEN = "search-forgotten"
    RECORD_ADDED = "record-added"
    RECORD_CHANGED = "record-changed"
    RECORD_WITHDRAWN = "record-withdrawn"
    RECORD_EXPIRED = "record-expired"
    OWNER_REMINDED = "owner-reminded"  # that a record ends in six months: to be extended with a reason, or let go
    KEY_CHANGED = "key-changed"  # made, rotated, or its custody changed
    SWITCH_CHANGED = "switch-changed"  # a country took its key away, or gave it back
    POLICY_CHANGED = "policy-changed"  # rules, thresholds, who takes part and in which role
    SIGNED_IN = "signed-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SUSPENDED = "suspended"  # somebody or a device that must not go on, by a rule or a person
    TOO_MUCH_OPENED = "too-much-opened"  # the vault refused the front records that no honest hit needs
    APPROVAL_ASKED = "approval-asked"
    APPROVED = "approved"
    DENIED = "denied"
    CASE_OPENED = "case-opened"  # a person concerned asks for access, correction or deletion
    CASE_CLOSED = "case-closed"
    HIT_KEPT = "hit-kept"  # with what its verification needs, until its deadline
    HIT_VERIFIED = "hit-verified"
    HIT_FORGOTTEN = "hit-forgotten"
    DELETED = "deleted"  # anything else that was deleted at somebody's word
    EXPORTED = "exported"
    BACKUP_MADE = "backup-made"
    BACKUP_RESTORED = "backup-restored"
    PSEUDONYM_OPENED = "pseudonym-opened"


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        kind: what happened.
        id: 16 random bytes: of the search, or made for this entry; never derived from what it is about.
        minute: Unix time in minutes, no finer.
        purpose, answer: of a search.
        who: pseudonym (`ledger.pseudonym`), or empty.
        software: name and version.
        models: digest of the models in use, at most 32 bytes, or empty.
    """

    kind: Kind
    id: bytes
    minute: int
    purpose: Purpose | None = None
    answer: Answer | None = None
    who: bytes = b""
    software: str = f"limen {__version__}"
    models: bytes = b""

    def pack(self) -> bytes:
        """The line as it is hashed and kept; `BadInput` if a field is out of range."""
        if len(self.id) != 16 or len(self.who) not in (0, LENGTH) or len(self.models) > 32:
            raise BadInput("A ledger entry has an id or a digest of the wrong length.")
        if not 0 <= self.minute < 2**32 or not _SOFTWARE.fullmatch(self.software):
            raise BadInput("A ledger entry has a time or a software name that cannot be.")
        fields = {name: _said(value) for name, value in dataclasses.asdict(self).items()}
        known = {name: value for name, value in fields.items() if value not in ("", None)}
        return json.dumps(known | {"v": VERSION}, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def unpack(cls, line: bytes) -> Entry:
        """The entry of a line; `BadInput` if it is none, or not written canonically."""
        try:
            if len(line) > MAX_ENTRY:
                raise ValueError
            found = json.loads(line)
            if found.pop("v") != VERSION:
                raise ValueError
            for name in ("id", "who", "models"):
                if not _HEX.fullmatch(text := found.pop(name, "")):
                    raise ValueError
                found[name] = bytes.fromhex(text)
            found["kind"] = Kind(found["kind"])
            found["purpose"] = Purpose(found["purpose"]) if "purpose" in found else None
            found["answer"] = Answer(found["answer"]) if "answer" in found else None
            found.setdefault("software", "")
            entry = cls(**found)
            if entry.pack() != line:
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, BadInput):
            raise BadInput("A line of the ledger is no entry.", code="bad-ledger-entry") from None
        return entry


def _said(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
