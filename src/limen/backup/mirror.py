"""The keys as the hub's vault has them now: the one part of a repository that has no history.

    keys/ring           sealed: hub identity and custody, wrapped root key file where there is one
    keys/FRA.data       sealed: the country's wrapped data keys
    keys/FRA.key        sealed: the country's own wrapped key; wiped when the country takes its key back
    keys/FRA.records    the records' secrets, slot for slot as in DATA/vault/records (each wrapped already)

Every backup replaces these. Between backups, shredding reaches into them: a slot is overwritten here as in the vault,
for which nobody needs the passphrase. So no snapshot, however old, brings back what was shredded since.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from limen.backup.repository import Repository
from limen.errors import Damaged, Unavailable
from limen.settings import Settings
from limen.vault.files import replace_private, wipe, write_private
from limen.vault.recordkeys import ids_in, shred_slots

ROOTS = ("root.key", "root.locked")  # files of the custodies that have one
LIST = "backups.json"  # in the data folder: repositories that mirror its keys

Shredding = Mapping[str, Sequence[bytes]]  # UUIDs of records by owner


def known(settings: Settings) -> list[Path]:
    """Repositories that mirror this hub's keys."""
    try:
        return [Path(text) for text in json.loads((settings.data / LIST).read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        raise Damaged(f"{settings.data / LIST} is damaged.", advice="List the repositories' paths in it.") from None


def enrol(settings: Settings, folder: Path) -> None:
    """Have shredding reach this repository from now on."""
    listed = {str(path) for path in known(settings)} | {str(folder.resolve())}
    replace_private(settings.data / LIST, json.dumps(sorted(listed), indent=1).encode())


def forget(settings: Settings, repository: Path) -> None:
    """A repository is gone for good: shredding waits for it no longer."""
    listed = [str(path) for path in known(settings) if path != repository.resolve()]
    replace_private(settings.data / LIST, json.dumps(listed, indent=1).encode())


def refresh(settings: Settings, repository: Repository) -> None:
    """Replace the mirrored keys by those of the hub's vault; what the old files held is overwritten."""
    vault, keys = settings.data / "vault", repository.folder / "keys"
    content = json.loads((vault / "keys.json").read_bytes())
    roots = {name: (vault / name).read_bytes() for name in ROOTS if (vault / name).exists()}
    ring = {name: value for name, value in content.items() if name != "countries"}
    ring["roots"] = {name: base64.b64encode(root).decode() for name, root in roots.items()}
    _put(repository, "ring", ring)
    for country, entry in content["countries"].items():
        _put(repository, f"{country}.data", {name: value for name, value in entry.items() if name != "key"})
        if entry.get("key"):
            _put(repository, f"{country}.key", {"key": entry["key"]})
        else:
            wipe(keys / f"{country}.key")
        records = vault / "records" / f"{country}.keys"
        if records.exists():
            replace_private(keys / f"{country}.records", records.read_bytes(), erase=True)


def shred(settings: Settings, shredding: Shredding) -> bool:
    """Overwrite records' secrets in every mirror; whether all could be reached."""
    reached = True
    for folder in known(settings):
        try:
            if not (folder / "repository.json").is_file():
                raise FileNotFoundError
            for country, records in shredding.items():
                path = folder / "keys" / f"{country}.records"
                if path.exists():
                    slots = ids_in(path)
                    shred_slots(path, {one: slots[one] for one in records if one in slots})
        except (OSError, Damaged):
            reached = False
    return reached


def take_back(settings: Settings, country: str) -> None:
    """Wipe a country's own key from every mirror.

    Raises:
        Unavailable: one cannot be reached; it still holds the key.
    """
    missed = []
    for folder in known(settings):
        try:
            if not (folder / "repository.json").is_file():
                raise FileNotFoundError
            wipe(folder / "keys" / f"{country}.key")
        except OSError:
            missed.append(str(folder))
    if missed:
        raise Unavailable(
            f"The key of {country} is still in {', '.join(missed)}.",
            advice="Bring the repository back and run the command again, or destroy it.",
        )


def write_back(repository: Repository, vault: Path) -> dict[str, set[bytes]]:
    """Write the mirrored keys as a new hub's vault folder.

    Returns:
        By country, the records that have a secret.
    """
    vault.mkdir(mode=0o700, parents=True)
    (vault / "records").mkdir(mode=0o700)
    ring = _get(repository, "ring")
    for name, root in ring.pop("roots").items():
        if name in ROOTS:
            write_private(vault / name, base64.b64decode(root))
    ring["countries"], found = {}, {}
    for path in sorted((repository.folder / "keys").glob("???.data")):
        country = path.stem
        entry = _get(repository, f"{country}.data")
        if (repository.folder / "keys" / f"{country}.key").exists():
            entry |= _get(repository, f"{country}.key")
        elif entry.get("custody") != "token":
            entry |= {"key": "", "away": True, "state": "revoked"}
        ring["countries"][country] = entry
        records = repository.folder / "keys" / f"{country}.records"
        found[country] = set(ids_in(records)) if records.exists() else set()
        if records.exists():
            write_private(vault / "records" / f"{country}.keys", records.read_bytes())
    write_private(vault / "keys.json", json.dumps(ring, indent=1).encode())
    return found


def epochs(repository: Repository) -> dict[str, set[int]]:
    """By country, the epochs whose data keys are mirrored."""
    countries = [path.stem for path in (repository.folder / "keys").glob("???.data")]
    return {country: set(map(int, _get(repository, f"{country}.data")["data"])) for country in countries}


def records(repository: Repository) -> set[bytes]:
    """All records that have a secret."""
    found = [ids_in(path) for path in (repository.folder / "keys").glob("???.records")]
    return set().union(*found)


def _put(repository: Repository, name: str, content: dict[str, Any]) -> None:
    sealed = repository.seal(b"keys/" + name.encode(), json.dumps(content).encode())
    replace_private(repository.folder / "keys" / name, sealed, erase=True)


def _get(repository: Repository, name: str) -> dict[str, Any]:
    try:
        sealed = (repository.folder / "keys" / name).read_bytes()
    except OSError:
        raise Damaged("The repository lacks its keys.", advice="Use another copy of it.") from None
    content: dict[str, Any] = json.loads(repository.unseal(b"keys/" + name.encode(), sealed))
    return content
