"""Who sits at this machine: someone whose private key is here, for commands that need a person and not only a shell."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from limen.access import directory, keys
from limen.errors import NotSignedIn
from limen.records.tables import Officer


def officer_here(session: Session, key_id: str, folder: Path | None = None) -> Officer:
    """The registered officer of this name, whose private key is on this machine.

    Args:
        session: any of the database's.
        key_id: `COUNTRY/NAME`.
        folder: of private keys, default `keys.folder()`.

    Raises:
        NotFound: there is no such key here.
        NotSignedIn: nobody of this name is registered with that key, or they are retired.
    """
    public = keys.load(key_id, folder).public_key().public_bytes_raw()
    officer = directory.find_officer(session, key_id)
    if officer is None or officer.public_key != public:
        raise NotSignedIn(
            f"{key_id} is not registered at this hub with the key that is on this machine.",
            advice=f"Register it: limen access officer add {key_id}.",
        )
    return officer
