"""What a model's manifest says."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limen.errors import Damaged

ROLES = ("face-detector", "face-embedder", "minutiae-extractor")
CHANNELS = ("RGB", "BGR", "L")
LAYOUTS = ("NCHW", "NHWC")
METRICS = ("", "cosine")
MOST_SIDE = 1024  # pixels of an embedder's input; those in use take 112 to 224
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")  # at most 16 ASCII characters: it travels in templates
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a file beside the manifest, nowhere else


@dataclass(frozen=True)
class Manifest:
    """A model's description.

    Attributes:
        name: at most 16 characters; templates carry it.
        role: one of `ROLES`.
        package: installed package that ships the file, empty for an operator's; path: of the file, below the package's
            folder or beside the operator's manifest.
        sha256: of the file as shipped, 64 lower-case hexadecimal digits.
        prepare: "module:function", bytes to bytes, that rewrites the graph; empty for none.
        licence: SPDX identifier; source: where the weights come from.
        input: name of the graph's image input.
        width, height: of the input in pixels; 0 where the graph takes any.
        channels: order of the colour channels, one of `CHANNELS`; layout: order of the axes, one of `LAYOUTS`.
        mean, scale: the input is (pixel - mean) * scale, pixel 0-255, for each channel in the order of `channels`.
        dimension: of the template, 0 for none; metric: how two templates compare, one of `METRICS`.
        calibration: an operator's file of measured score distributions, beside the manifest; empty for shipped models.
        folder: of an operator's manifest; None for a model that comes with Limen.
    """

    name: str
    role: str
    package: str
    path: str
    sha256: str
    prepare: str
    licence: str
    source: str
    input: str
    width: int
    height: int
    channels: str
    layout: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    dimension: int
    metric: str
    calibration: str = ""
    folder: Path | None = None


def parse(name: str, text: str, folder: Path | None = None) -> Manifest:
    """A manifest from its text; `Damaged` says which fields are missing or wrong.

    Args:
        name: of the model.
        text: TOML.
        folder: where an operator's manifest lies; its model is the face embedder in a file of that folder.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Damaged(f"The manifest of model '{name}' cannot be read: {error}.") from None
    graph, template = _table(table, "input"), _table(table, "template")
    try:
        found = Manifest(
            name=name,
            role=_text(table, "role"),
            package=_text(table, "package") if folder is None else "",
            path=_text(table, "path" if folder is None else "file"),
            sha256=_text(table, "sha256"),
            prepare=str(table.get("prepare", "")) if folder is None else "",
            licence=_text(table, "licence"),
            source=_text(table, "source"),
            input=_text(graph, "name"),
            width=_whole(graph, "width"),
            height=_whole(graph, "height"),
            channels=_text(graph, "channels"),
            layout=str(graph.get("layout", "NCHW")),
            mean=_numbers(graph, "mean"),
            scale=_numbers(graph, "scale"),
            dimension=_whole(template, "dimension") if template else 0,
            metric=str(template.get("metric", "")),
            calibration=_text(table, "calibration") if folder is not None else "",
            folder=folder,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"The manifest of model '{name}' lacks or misstates {error}.", advice=_SEE) from None
    _check(found)
    return found


_SEE = "docs/models.md lists every field."


def _table(table: dict[str, Any], field: str) -> dict[str, Any]:
    found = table.get(field, {})
    return found if isinstance(found, dict) else {}


def _text(table: dict[str, Any], field: str) -> str:
    value = table[field]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"'{field}'")
    return value


def _whole(table: dict[str, Any], field: str) -> int:
    value = table[field]
    if type(value) is not int:
        raise ValueError(f"'{field}'")
    return value


def _numbers(table: dict[str, Any], field: str) -> tuple[float, ...]:
    """One finite number for every channel, or one for each of three."""
    value = table[field]
    values = value if isinstance(value, list) else [value]
    if len(values) not in (1, 3) or not all(type(one) in (int, float) and math.isfinite(one) for one in values):
        raise ValueError(f"'{field}'")
    return tuple(float(one) for one in values)


def _check(found: Manifest) -> None:
    embedder, operators = found.role == "face-embedder", found.folder is not None
    wrong = [
        field
        for field, fits in {
            "name": NAME.fullmatch(found.name) is not None,
            "role": found.role in ROLES and (embedder or not operators),
            "path": not found.path.startswith("/") and ".." not in found.path.split("/"),
            "file": not operators or _FILE.fullmatch(found.path) is not None,
            "calibration": not operators or _FILE.fullmatch(found.calibration) is not None,
            "sha256": re.fullmatch(r"[0-9a-f]{64}", found.sha256) is not None,
            "channels": found.channels in (CHANNELS[:2] if embedder else CHANNELS),
            "layout": found.layout in LAYOUTS,
            "scale": 0.0 not in found.scale,
            "metric": found.metric in METRICS and (found.metric != "") == embedder,
            "dimension": (found.dimension > 0) == embedder and found.dimension <= 1024,
            "input size": found.width >= 0 and found.height >= 0,
            "input size (a square of 32 to 1024 pixels)": not embedder
            or 32 <= found.width == found.height <= MOST_SIDE,
        }.items()
        if not fits
    ]
    if wrong:
        raise Damaged(f"The manifest of model '{found.name}' has an unusable {', '.join(wrong)}.", advice=_SEE)
