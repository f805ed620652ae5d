"""Which models there are: those that come with Limen, and those that an operator added to `DATA/models`.

A process looks in one operator's folder, which it is told as it starts (`look_in`). An operator's model cannot take the
name of a shipped one.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from limen.errors import Damaged, NotFound
from limen.models.manifest import NAME, Manifest, parse

NOTES = "in-use.toml"  # what `limen.models.in_use` keeps beside the manifests
_operators: list[Path] = []


def folder_of(data: Path) -> Path:
    """Where the operator of a hub keeps models; it need not exist."""
    return data.absolute() / "models"


def look_in(folder: Path | None) -> None:
    """From now on an operator's models are those of this folder; None for shipped models alone."""
    _operators[:] = [] if folder is None else [folder.absolute()]
    _manifest.cache_clear()


def operators_folder() -> Path | None:
    """The folder that this process was told to look in."""
    return _operators[0] if _operators else None


def shipped() -> list[str]:
    """Names of the models that come with Limen, sorted."""
    folder = resources.files("limen.models")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def added() -> list[str]:
    """Names of the manifests that an operator added, sorted, whether they can be used or not."""
    folder = operators_folder()
    files = sorted(folder.glob("*.toml")) if folder else []
    beside = {NOTES, *(_calibration(file) for file in files)}  # of a short name, a calibration could be a manifest too
    named = {file.stem for file in files if file.name not in beside and NAME.fullmatch(file.stem)}
    return sorted(named - set(shipped()))


def _calibration(file: Path) -> str:
    """The file that a manifest names as its calibration; empty where it is none, or a damaged one."""
    try:
        named = str(tomllib.loads(file.read_text("utf-8")).get("calibration", ""))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return named if named != file.name else ""


def names() -> list[str]:
    """Names of all models that have a manifest, sorted."""
    return sorted([*shipped(), *added()])


def manifest(name: str) -> Manifest:
    """The manifest of a model.

    Raises:
        NotFound: there is no model of that name.
        Damaged: the manifest lacks a field or holds one that is out of range.
    """
    return _manifest(name)


@cache
def _manifest(name: str) -> Manifest:
    folder = operators_folder()
    if name in shipped():
        return parse(name, (resources.files("limen.models") / f"{name}.toml").read_text("utf-8"))
    if folder is None or name not in added():
        raise NotFound(f"There is no model '{name[:40]}'.", advice=f"Known: {', '.join(names())}.")
    return read_manifest(folder / f"{name}.toml")


def read_manifest(file: Path) -> Manifest:
    """An operator's manifest; the model has the file's name.

    Raises:
        Damaged: it cannot be read, or lacks or misstates something.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}.") from None
    return parse(file.stem, text, file.absolute().parent)
