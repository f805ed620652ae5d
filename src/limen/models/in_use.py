"""Which face models a hub works with, in order, kept in `DATA/models/in-use.toml`.

The first makes new templates. While a gallery moves from one model to the next (`limen records reextract`), the earlier
model stays in the list: probes are extracted with every model of it, so that each record is found by the templates that
it has. Each model is kept with the hashes of its file and of its calibration, whose centre is in every template: others
under the same name would make templates that look comparable and are not.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from limen.errors import Damaged
from limen.models import catalogue

DEFAULT = "sface"  # of a hub whose operator never chose
_FIELDS = ("name", "sha256", "calibration")
_HEAD = "# Kept by `limen records reextract`. The first model makes new templates; probes are extracted with all.\n"


def chosen(folder: Path) -> list[str]:
    """Names of the models in use, at least one.

    Args:
        folder: `catalogue.folder_of` a hub.

    Raises:
        Damaged: the list cannot be read, or a model has another file or calibration than when it was chosen.
        NotFound: a model is gone.
    """
    try:
        text = (folder / catalogue.NOTES).read_text("utf-8")
    except FileNotFoundError:
        return [DEFAULT]
    try:
        rows = [tuple(str(row[field]) for field in _FIELDS) for row in tomllib.loads(text)["model"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        raise Damaged(f"{folder / catalogue.NOTES} cannot be read.", advice="Restore it from a backup.") from None
    for name, *digests in rows:
        if digests != _digests(name):
            raise Damaged(
                f"Model '{name}' is not the one that made this hub's templates: its file or calibration is another.",
                advice="Put manifest and calibration back, and add the other model under a name of its own.",
            )
    if not rows or len({name for name, *_ in rows}) != len(rows):
        raise Damaged(f"{folder / catalogue.NOTES} names no model, or one twice.", advice="Restore it from a backup.")
    return [name for name, *_ in rows]


def choose(folder: Path, names: Sequence[str]) -> None:
    """Keep these models as the ones in use; a running hub follows within a second or with its next capture.

    Raises:
        NotFound, Damaged: one of them cannot be used.
    """
    rows = [
        "\n".join(["[[model]]", *(f'{field} = "{value}"' for field, value in zip(_FIELDS, row, strict=True)), ""])
        for row in ([name, *_digests(name)] for name in names)
    ]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = folder / f".{catalogue.NOTES}.{os.getpid()}"
    new.write_text("\n".join([_HEAD, *rows]), "utf-8")
    give_to_folder(new)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    new.replace(folder / catalogue.NOTES)


def give_to_folder(file: Path) -> None:
    """Let the folder's owner and group read a file: the hub's parts may have users of their own (`hub.users`)."""
    folder = file.parent.stat()
    file.chmod(0o640)
    with suppress(PermissionError):  # only root may give away
        os.chown(file, folder.st_uid, folder.st_gid)


def calibration_digest(file: Path) -> str:
    """SHA-256 of a calibration file, hexadecimal; empty if there is none."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _digests(name: str) -> list[str]:
    """Of a model's file and calibration; the calibration of a shipped model comes and goes with Limen's release."""
    model = catalogue.manifest(name)
    if model.folder is None:
        return [model.sha256, ""]
    return [model.sha256, calibration_digest(model.folder / model.calibration)]


def stamp(folder: Path) -> tuple[int, int]:
    """Changes whenever the list does; cheap enough to ask before every capture."""
    try:
        status = (folder / catalogue.NOTES).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino
