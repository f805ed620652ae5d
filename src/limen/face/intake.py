"""An operator's face model: checked in every known way before it comes among the hub's models, and again later."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from limen import models
from limen.errors import BadInput, Damaged
from limen.face import evidence
from limen.face.embed import Embedder
from limen.models import in_use
from limen.models.catalogue import read_manifest, shipped
from limen.models.installed import find
from limen.models.manifest import Manifest


def checked(name: str) -> int:
    """Check a model as far as it goes: hash, and of an added one also shape, a run and calibration.

    Returns:
        Bytes of its file.

    Raises:
        NotFound, Damaged: what is wrong with it.
    """
    model = models.manifest(name)
    size = len(models.read(name))
    if model.folder is not None:
        Embedder(model, evidence.calibration(name))
    return size


def usable(name: str) -> None:
    """Check that templates can be made with a model, shipped or added; raises as `checked`."""
    Embedder.load(name)


def add(file: Path, folder: Path) -> Manifest:
    """Copy a model into an operator's folder: its file first, its manifest last.

    Args:
        file: the manifest, `NAME.toml`; what it names lies beside it.
        folder: `models.folder_of` a hub.

    Returns:
        The manifest as it stands in `folder`.

    Raises:
        BadInput: the name is taken by another model.
        Damaged: the manifest lacks something, or the file is not what it says.
    """
    model = read_manifest(file)
    if model.name in shipped():
        raise BadInput(f"A model that comes with Limen is called '{model.name}'.", advice="Give yours another name.")
    if model.name in models.added() and models.manifest(model.name).sha256 != model.sha256:
        raise BadInput(
            f"There is another model called '{model.name}'.", advice="Templates carry the name: give this one its own."
        )
    given = file.absolute().parent / model.calibration
    kept = in_use.calibration_digest(folder / model.calibration)
    if given.is_file() and kept not in ("", in_use.calibration_digest(given)) and model.name in in_use.chosen(folder):
        raise BadInput(
            f"Model '{model.name}' is in use, and its calibration's centre is in every template.",
            advice="Add it with the new calibration under another name, then move to that.",
        )
    Embedder(model, _calibration(given, model) if given.is_file() else None)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = [model.path, *([model.calibration] if given.is_file() else []), file.name]
    for source in (find(model).parent / name for name in names):
        _copy(source, folder / source.name)
    models.look_in(folder)
    return models.manifest(model.name)


def _calibration(file: Path, model: Manifest) -> evidence.Calibration:
    try:
        return evidence.parse_calibration(file.read_text("utf-8"), model.dimension)
    except (OSError, ValueError) as error:
        raise Damaged(f"The calibration of model '{model.name}' cannot be used: {error}.") from None


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all."""
    if source.resolve() == target.resolve():
        return
    part = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, part)
    in_use.give_to_folder(part)
    part.replace(target)
