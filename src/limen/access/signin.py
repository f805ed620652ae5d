"""Who sends this request: its signatures checked, its keys looked up, its nonces spent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from limen.access import directory, signing
from limen.access.signing import DEVICE, OFFICER, Headers, Signed
from limen.errors import NotSignedIn
from limen.records.database import Database
from limen.records.tables import Device, Nonce, Officer


class RetiredDevice(NotSignedIn):
    """A good signature by a device that is retired. Attribute `name`: the device's."""

    def __init__(self, name: str) -> None:
        super().__init__("The request's signature is not good.")  # what an unknown key is told, too
        self.name = name


@dataclass(frozen=True)
class Requester:
    """Who signed a request: the officer, the device if it signed too, and the check that the body must pass."""

    officer: Officer
    device: Device | None
    signed: Signed


def requester(database: Database, method: str, url: str, headers: Headers) -> Requester:
    """Authenticate a signed request (arguments as in `signing.verify`).

    The caller must run the body through `Requester.signed.body()` before using it.

    Raises:
        NotSignedIn: no signature, or one that is not good, too old, used before, or of nobody registered here.
        RetiredDevice: of a device that is retired (sounds the same).
    """
    found: dict[str, Officer | None] = {}

    def officer_key(name: str) -> bytes | None:
        officer = found[name] = directory.find_officer(session, name)
        return officer.public_key if officer else None

    with database.reading() as session:
        signed = signing.verify(method, url, headers, officer_key, tag=OFFICER)
        officer = found.get(signed.key_id)
        by_device = _device_signature(session, method, url, headers)
        device = directory.find_device(session, by_device.key_id, retired=True) if by_device else None
    if device is not None and device.retired is not None:
        raise RetiredDevice(f"{device.country}/{device.name}")
    if officer is None or (device is not None and device.country != officer.country):
        raise NotSignedIn("The request's signatures are of two countries.")
    spend(database, *filter(None, (signed, by_device)))
    return Requester(officer, device, signed)


def spend(database: Database, *signatures: Signed) -> None:
    """Spend signatures' nonces, durably. `NotSignedIn` if one was spent before: the request is a replay.

    What is past its time is deleted by the sweep (`records.retention`).
    """
    rows = [{"digest": _digest(signed), "expires": signed.expires} for signed in signatures]
    with database.inserting() as connection:
        try:
            connection.execute(insert(Nonce), rows)
        except IntegrityError:
            raise NotSignedIn("This request was sent before.", advice="Sign every request anew.") from None


def _digest(signed: Signed) -> bytes:
    return hashlib.sha256(f"{signed.key_id}\0{signed.nonce}".encode()).digest()


def _device_signature(session: Session, method: str, url: str, headers: Headers) -> Signed | None:
    """A device's signature must be good if there is one; there need not be one (policy may ask for it)."""
    lines = [value for name, value in headers.items() if name.lower() == "signature-input"]
    if not any(f'tag="{DEVICE}"' in line for line in lines):
        return None
    return signing.verify(method, url, headers, lambda name: _device_key(session, name), tag=DEVICE)


def _device_key(session: Session, name: str) -> bytes | None:
    device = directory.find_device(session, name, retired=True)
    return device.public_key if device else None
