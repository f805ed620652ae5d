"""Devices that register themselves with a one-time code: a bureau gives the code out, the device brings its own key.

1. `issue`: whoever registers devices names one, and gets a code of ten letters and digits for whoever holds it.
2. The device makes a key that cannot leave it and signs `proof` of it and the code.
3. `enlist`: the code is used up, and the key is the device's.

So no private key and no copied public key passes through anybody's hands. The database knows only a hash of the code;
of 50 random bits, good for a quarter of an hour and for signed-in officers of its country alone, none is guessed.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from limen.access import directory
from limen.access.keys import check_id
from limen.access.tables import DeviceCode
from limen.errors import BadInput
from limen.records.tables import Device

CODE_SECONDS = 15 * 60  # as long as links live (`access.sessions`): time to walk to the device
LENGTH = 10  # symbols of 5 bits
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that is mistaken for something else
_READ_AS = str.maketrans("OIL", "011", " -")
_PROOF = b"limen-device-code-v1\0"


def issue(session: Session, name: str, *, by: str, now: int | None = None) -> str:
    """A code with which a device registers itself once as `name`; codes given for it earlier stop working.

    Args:
        session: of `Database.writing`.
        name: `COUNTRY/NAME`.
        by: who gives it out, `COUNTRY/NAME`, for the ledger's entry of the registration; empty: the operator.
        now: Unix seconds.

    Returns:
        The code as people read it: `7KQ2M-9XD4T`.

    Raises:
        BadInput: the name is malformed, or has been given to a device already.
        NotFound: the country does not take part.
    """
    now = _now(now)
    country, _, own = check_id(name).partition("/")
    directory.check_free_device(session, name)
    same = (DeviceCode.country == country) & (DeviceCode.name == own)
    session.execute(delete(DeviceCode).where(same | (DeviceCode.expires <= now)))
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    session.add(
        DeviceCode(code_hash=_hash(code), country=country, name=own, by=by, created=now, expires=now + CODE_SECONDS)
    )
    return f"{code[:5]}-{code[5:]}"


def proof(code: str, public_key: bytes) -> bytes:
    """What the device signs with its new key: the code as it was given, without blanks and hyphens, and the key."""
    return _PROOF + read_as(code).encode("ascii", "replace") + b"\0" + public_key


def enlist(
    session: Session, country: str, code: str, public_key: bytes, signature: bytes, *, now: int | None = None
) -> str:
    """Use a code up: the key is the device's from now on. Asked again with the same key, it tells the name again.

    Args:
        session: of `Database.writing`.
        country: of the officer at the device; the code must be of theirs.
        code: as it was typed.
        public_key, signature: Ed25519, 32 bytes, and over `proof`.
        now: Unix seconds.

    Returns:
        The device's name, `COUNTRY/NAME`.

    Raises:
        BadInput: `bad-device-code`: used, too old, another country's, or never one (which is not said);
            `bad-device-key`: no key, or the signature is not by it.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, proof(code, public_key))
    except (InvalidSignature, ValueError):
        raise BadInput("This key did not sign for itself.", advice="Begin again.", code="bad-device-key") from None
    here = (Device.country == country, Device.public_key == public_key, Device.retired.is_(None))
    if (known := session.scalars(select(Device).where(*here)).one_or_none()) is not None:
        return f"{known.country}/{known.name}"  # the answer was lost on its way; the key shows who asks again
    mine = (DeviceCode.code_hash == _hash(read_as(code)), DeviceCode.country == country)
    used = delete(DeviceCode).where(*mine, DeviceCode.expires > _now(now))
    row = session.execute(used.returning(DeviceCode.name, DeviceCode.by)).one_or_none()  # of two at once, one wins
    if row is None:
        raise BadInput(
            "This code was used already, is too old, or never was one.",
            advice="Ask your National Central Bureau for a new code.",
            code="bad-device-code",
        )
    name = f"{country}/{row.name}"
    directory.add_device(session, name, public_key, by=row.by)
    return name


def read_as(code: str) -> str:
    """A code as it is compared: however it was typed, and with O, I and L read as what they were meant to be."""
    return code.upper().translate(_READ_AS)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode("ascii", "replace")).digest()


def _now(now: int | None) -> int:
    return int(time.time()) if now is None else now
