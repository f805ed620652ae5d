"""Where a National Central Bureau is called when something waits for it: an https address that the operator names.

A call says whose and how many, never what: the bureau then looks, signed in or with a signed request.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from limen.access.tables import Bureau
from limen.errors import BadInput, NotFound
from limen.ledger.entry import Kind
from limen.records import journal
from limen.records.store import registered
from limen.settings import LOOPBACK

MAX_ADDRESS = 400  # characters


def name(session: Session, country: str, address: str, *, by: str = "") -> None:
    """From now on this address is called, in place of an earlier one; empty: none.

    Raises:
        BadInput: no https address (http only on this machine).
        NotFound: the country does not take part, or has no address to take away.
    """
    country = registered(session, country).code
    row = session.get(Bureau, country)
    if not address and row is None:
        raise NotFound(f"{country} has named no address.")
    if not address:
        session.delete(row)
    else:
        session.merge(Bureau(country=country, address=_checked(address), created=int(time.time())))
    journal.put(session, Kind.POLICY_CHANGED, by)


def addresses(session: Session) -> Mapping[str, str]:
    """All addresses, by country."""
    return {row.country: row.address for row in session.scalars(select(Bureau))}


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        usable = usable and bool(parts.hostname) and parts.port != 0 and not (parts.fragment or parts.username)
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable or len(address) > MAX_ADDRESS or not address.isascii() or not address.isprintable():
        raise BadInput("A bureau's address must be https.", advice="Give one such as https://ncb.example/limen.")
    return address
