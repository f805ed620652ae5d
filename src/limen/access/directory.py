"""Who takes part: countries, their officers and their devices. A retired name is never given to anyone else."""

from __future__ import annotations

import enum
import time
import uuid
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from limen import countries
from limen.access.keys import check_id
from limen.access.tables import AccessToken, Certificate, Identity, Passkey
from limen.errors import BadInput, NotFound, Refused
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.store import registered
from limen.records.tables import Country, Device, Invite, Officer, SignIn

Listed = TypeVar("Listed", Officer, Device)


class Role(enum.StrEnum):
    """What an officer is there for; what each role may do is in `access.policy`."""

    OFFICER = "officer"  # searches, at a post or on the road
    EXAMINER = "examiner"  # verifies hits, searches marks
    CLERK = "clerk"  # keeps a National Central Bureau's records
    DATA_PROTECTION = "data-protection"  # sees that rules are kept
    SECURITY = "security"  # sees that nobody asks too much
    ADMINISTRATOR = "administrator"  # runs the hub; sees no records

    @classmethod
    def parse(cls, text: str) -> Role:
        """Role from its slug; `BadInput` names the allowed ones."""
        try:
            return cls(text.strip().lower())
        except ValueError:
            raise BadInput(f"'{text[:40]}' is no role.", advice=f"Use one of {', '.join(cls)}.") from None


def add_country(session: Session, code: str, contact: str = "", *, by: str = "") -> Country:
    """Register a country, or give a registered one a new contact.

    Here and below, `by` is who does it, `COUNTRY/NAME`, for the ledger; empty: the operator.

    Args:
        code: alpha-3.
        contact: whom an officer elsewhere calls about its records, at most 400 characters; empty leaves it as it is.
    """
    if len(contact) > 400:
        raise BadInput("The contact has more than 400 characters.")
    row = session.get(Country, countries.check(code))
    if row is None:
        row = Country(code=countries.check(code), contact="", created=int(time.time()))
        session.add(row)
    row.contact = contact or row.contact
    journal.put(session, Kind.POLICY_CHANGED, by)
    return row


def list_countries(session: Session) -> Sequence[Country]:
    """All countries that take part."""
    return session.scalars(select(Country).order_by(Country.code)).all()


def add_officer(
    session: Session, key_id: str, public_key: bytes | None, role: Role = Role.OFFICER, *, by: str = ""
) -> Officer:
    """Register an officer, `COUNTRY/NAME`.

    Args:
        public_key: raw Ed25519, 32 bytes; None for a person who uses the pages only.

    Raises:
        BadInput: the name or the key is registered already, also if it is retired.
        NotFound: the country does not take part.
    """
    country, name = _free(session, Officer, key_id, public_key)
    officer = Officer(id=uuid.uuid4(), country=country, name=name, role=role.value, public_key=public_key)
    officer.created, officer.retired = int(time.time()), None
    session.add(officer)
    journal.put(session, Kind.POLICY_CHANGED, by)
    return officer


def add_device(session: Session, key_id: str, public_key: bytes, *, by: str = "") -> Device:
    """Register a device, `COUNTRY/NAME`. Raises as `add_officer`."""
    country, name = _free(session, Device, key_id, public_key)
    device = Device(id=uuid.uuid4(), country=country, name=name, public_key=public_key)
    device.created, device.retired = int(time.time()), None
    session.add(device)
    journal.put(session, Kind.POLICY_CHANGED, by)
    return device


def advance_counter(session: Session, device_id: uuid.UUID, counter: int) -> None:
    """Note the counter of a device's signed capture; `Refused` (`counter-went-back`) unless it is higher than ever."""
    higher = update(Device).where(Device.id == device_id, Device.counter < counter).values(counter=counter)
    if session.execute(higher.returning(Device.id)).first() is None:
        raise Refused(
            "The device's counter did not go up: this capture was sent before, or the device was copied or reset.",
            advice="Capture again; if it stays, have the device checked and registered anew.",
            code="counter-went-back",
        )


def check_free_device(session: Session, key_id: str) -> None:
    """`BadInput` if there is, or was, a device of this name; `NotFound` if its country does not take part."""
    _free(session, Device, key_id, None)


def check_key(session: Session, public_key: bytes) -> None:
    """`BadInput` if a key is registered already, for an officer or a device, also a retired one."""
    for other in (Officer, Device):
        if session.scalars(select(other).where(other.public_key == public_key)).first():
            raise BadInput("This key is registered already, under another name.", advice="Make a new key for each.")


def find_officer(session: Session, key_id: str) -> Officer | None:
    """The officer of a name, unless retired."""
    return _find(session, Officer, key_id)


def find_device(session: Session, key_id: str, *, retired: bool = False) -> Device | None:
    """The device of a name, unless retired (with `retired`, also then)."""
    return _find(session, Device, key_id, retired=retired)


def list_officers(session: Session, country: str | None = None) -> Sequence[Officer]:
    """Officers of one country or all, retired ones too."""
    mine = [Officer.country == countries.check(country)] if country else []
    return session.scalars(select(Officer).where(*mine).order_by(Officer.country, Officer.name)).all()


def list_devices(session: Session, country: str | None = None) -> Sequence[Device]:
    """Devices of one country or all, retired ones too."""
    mine = [Device.country == countries.check(country)] if country else []
    return session.scalars(select(Device).where(*mine).order_by(Device.country, Device.name)).all()


def retire_officer(session: Session, key_id: str, *, by: str = "") -> Officer:
    """From now on nothing this officer signs is taken; sessions, certificates and tokens end. `NotFound` if unknown."""
    officer = find_officer(session, key_id)
    if officer is None:
        raise NotFound(f"There is no officer {key_id[:80]}, or they are retired already.")
    officer.retired = int(time.time())
    for table in (Invite, SignIn, AccessToken, Passkey, Identity, Certificate):
        session.execute(delete(table).where(table.officer_id == officer.id))
    journal.put(session, Kind.POLICY_CHANGED, by)
    return officer


def retire_device(session: Session, key_id: str, *, by: str = "") -> Device:
    """From now on nothing this device signs is taken. `NotFound` if unknown."""
    device = find_device(session, key_id)
    if device is None:
        raise NotFound(f"There is no device {key_id[:80]}, or it is retired already.")
    device.retired = int(time.time())
    journal.put(session, Kind.POLICY_CHANGED, by)
    return device


def _find(session: Session, table: type[Listed], key_id: str, *, retired: bool = False) -> Listed | None:
    country, _, name = key_id.partition("/")
    query = select(table).where(table.country == country, table.name == name)
    return session.scalars(query if retired else query.where(table.retired.is_(None))).one_or_none()


def _free(session: Session, table: type[Listed], key_id: str, public_key: bytes | None) -> tuple[str, str]:
    """Country and name, checked to be registrable."""
    country, _, name = check_id(key_id).partition("/")
    registered(session, country)
    if session.scalars(select(table).where(table.country == country, table.name == name)).first():
        raise BadInput(f"{key_id} is registered already.", advice="Names are never used again: choose another.")
    if public_key:
        check_key(session, public_key)
    return country, name
