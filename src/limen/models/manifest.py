"""What a model's manifest says."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from limen.errors import Damaged, NotFound

ROLES = ("face-detector", "face-embedder", "minutiae-extractor")
CHANNELS = ("RGB", "BGR", "L")
METRICS = ("", "cosine")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")  # at most 16 ASCII characters: it travels in templates


@dataclass(frozen=True)
class Manifest:
    """A model's description.

    Attributes:
        name: at most 16 characters; templates carry it.
        role: one of `ROLES`.
        package: installed package that ships the file; path: of the file, below the package's folder.
        sha256: of the file as shipped, 64 lower-case hexadecimal digits.
        prepare: "module:function", bytes to bytes, that rewrites the graph; empty for none.
        licence: SPDX identifier; source: where the weights come from.
        input: name of the graph's image input.
        width, height: of the input in pixels; 0 where the graph takes any.
        channels: order of the colour channels, one of `CHANNELS`.
        mean, scale: the input is (pixel - mean) * scale, pixel 0-255.
        dimension: of the template, 0 for none; metric: how two templates compare, one of `METRICS`.
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
    mean: float
    scale: float
    dimension: int
    metric: str


def names() -> list[str]:
    """Names of all models that have a manifest, sorted."""
    folder = resources.files("limen.models")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def manifest(name: str) -> Manifest:
    """The manifest of a model.

    Raises:
        NotFound: there is no model of that name.
        Damaged: the manifest lacks a field or holds one that is out of range.
    """
    if not _NAME.fullmatch(name) or name not in names():
        raise NotFound(f"There is no model '{name}'.", advice=f"Known: {', '.join(names())}.")
    return parse(name, (resources.files("limen.models") / f"{name}.toml").read_text("utf-8"))


def parse(name: str, text: str) -> Manifest:
    """A manifest from its text; `Damaged` says which field is missing or wrong."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Damaged(f"The manifest of model '{name}' cannot be read: {error}.") from None
    graph, template = table.get("input", {}), table.get("template", {})
    try:
        found = Manifest(
            name=name,
            role=_text(table, "role"),
            package=_text(table, "package"),
            path=_text(table, "path"),
            sha256=_text(table, "sha256"),
            prepare=str(table.get("prepare", "")),
            licence=_text(table, "licence"),
            source=_text(table, "source"),
            input=_text(graph, "name"),
            width=int(graph["width"]),
            height=int(graph["height"]),
            channels=_text(graph, "channels"),
            mean=float(graph["mean"]),
            scale=float(graph["scale"]),
            dimension=int(template.get("dimension", 0)),
            metric=str(template.get("metric", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"The manifest of model '{name}' lacks or misstates {error}.") from None
    _check(found)
    return found


def _text(table: dict[str, Any], field: str) -> str:
    value = table[field]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"'{field}'")
    return value


def _check(found: Manifest) -> None:
    wrong = [
        field
        for field, fits in {
            "name": _NAME.fullmatch(found.name) is not None,
            "role": found.role in ROLES,
            "path": not found.path.startswith("/") and ".." not in found.path.split("/"),
            "sha256": re.fullmatch(r"[0-9a-f]{64}", found.sha256) is not None,
            "channels": found.channels in CHANNELS,
            "metric": found.metric in METRICS,
            "dimension": (found.dimension > 0) == (found.role == "face-embedder") and found.dimension <= 1024,
            "input size": found.width >= 0 and found.height >= 0,
        }.items()
        if not fits
    ]
    if wrong:
        raise Damaged(f"The manifest of model '{found.name}' has an unusable {', '.join(wrong)}.")
