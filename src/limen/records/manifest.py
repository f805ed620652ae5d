"""Manifests: a folder's list of records and images, as CSV or JSON Lines, in one of two shapes.

One row a record, its images in the column `images` (`face=a.jpg; right-index=b.png`) or in columns named after the kind
of image (`face`, `right_index`, ...); or one row an image (columns `file`, `modality`, `position`), rows of the same
`record_id` together making the record. docs/records.md has the columns.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limen.errors import BadFile, BadInput, LimenError
from limen.records.entry import Entry, ImageRef, Reject, entry_of, image_kind

MAX_BYTES = 256 << 20  # of a manifest: half a million records
NAMES = ("manifest.csv", "manifest.jsonl")
_ALIASES = {
    "id": "record_id", "record": "record_id", "name": "names", "dob": "date_of_birth", "birth_date": "date_of_birth",
    "gender": "sex", "nationality": "nationalities", "notice_kind": "notice", "notice_type": "notice",
    "valid_to": "valid_until", "expires": "valid_until", "visible": "visible_to", "visibility": "visible_to",
    "instruction": "instructions", "image": "file", "path": "file", "filename": "file", "image_file": "file",
    "finger_position": "position", "finger": "position",
}  # fmt: skip
COLUMNS = (
    "record_id", "names", "date_of_birth", "sex", "nationalities", "notice", "notice_number", "offence",
    "instructions", "contact", "valid_from", "valid_until", "visible_to", "disclosure", "purpose", "images", "file",
    "modality", "position", "ppi",
)  # fmt: skip
_IMAGE_COLUMNS = ("file", "modality", "position", "ppi")


@dataclass(frozen=True)
class Row:
    """One row: where it stands, and its values by column name."""

    place: str
    values: dict[str, Any]


def find(path: Path) -> Path | None:
    """The manifest that a path is, or the one of a folder; None if there is none.

    Raises:
        BadFile: a folder has two manifests.
    """
    if path.is_file():
        return path if path.suffix.lower() in (".csv", ".jsonl", ".ndjson") else None
    found = [path / name for name in NAMES if (path / name).is_file()]
    if len(found) > 1:
        raise BadFile(f"{path} has two manifests.", advice=f"Name one: limen records import {path / NAMES[0]}.")
    return found[0] if found else None


def read(manifest: Path, defaults: Mapping[str, Any] | None = None) -> tuple[list[Entry], list[Reject]]:
    """All records of a manifest, in its order, and the rows that cannot be used.

    Args:
        defaults: values for columns that a record leaves empty.

    Raises:
        BadFile: the whole file cannot be used: unreadable, empty, or with wrong columns, which are named.
    """
    rows = _csv_rows(manifest) if manifest.suffix.lower() == ".csv" else _json_rows(manifest)
    groups: dict[str, list[Row]] = {}
    rejects = []
    for row in rows:
        if isinstance(row, Reject):
            rejects.append(row)
        elif record_id := str(row.values.get("record_id") or "").strip():
            groups.setdefault(record_id, []).append(row)
        else:
            rejects.append(Reject(row.place, "", "The row has no record_id.", "Give each record an id of its own."))
    entries = []
    for record_id, group in groups.items():
        try:
            values = {**(defaults or {}), **_merged(group)}
            images = [ref for row in group for ref in _images(row)]
            entries.append(entry_of(record_id, values, images, group[0].place))
        except LimenError as error:
            rejects.append(Reject(group[0].place, record_id, error.message, error.advice))
    return entries, rejects


def _csv_rows(manifest: Path) -> Iterator[Row | Reject]:
    text = io.StringIO(_text(manifest), newline="")
    header = text.readline()
    text.seek(0)
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(reader), manifest)
    except (StopIteration, csv.Error):
        raise BadFile(f"{manifest.name} is empty or has no header.", advice=_HEADER) from None
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # quoting is broken: where the next row begins cannot be known
            yield Reject(
                _place(manifest, reader.line_num), "", f"The row cannot be read: {error}.", "Check its quotes."
            )
            return
        place = _place(manifest, reader.line_num)
        if len(cells) > len(columns):
            yield Reject(place, "", f"The row has {len(cells)} cells, the header {len(columns)}.", "Quote the cells.")
        elif any(cell.strip() for cell in cells):
            yield Row(place, dict(zip(columns, cells, strict=False)))


def _json_rows(manifest: Path) -> Iterator[Row | Reject]:
    checked: set[str] = set()
    for number, line in enumerate(_text(manifest).splitlines(), 1):
        place = _place(manifest, number)
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            yield Reject(place, "", "The line is no JSON.", "Write one JSON object a line.")
            continue
        if not isinstance(values, dict):
            yield Reject(place, "", "The line is no JSON object.", "Write one JSON object a line.")
            continue
        if not checked:
            checked = set(_columns(list(values), manifest))
        try:
            yield Row(place, dict(zip(_columns(list(values), manifest, partial=True), values.values(), strict=True)))
        except BadFile as error:
            yield Reject(place, str(values.get("record_id", ""))[:128], error.message, error.advice)


def _text(manifest: Path) -> str:
    try:
        if manifest.stat().st_size > MAX_BYTES:
            raise BadFile(f"{manifest.name} has more than {MAX_BYTES >> 20} MiB.", advice="Split it.")
        return manifest.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadFile(f"{manifest} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadFile(f"{manifest.name} is not in UTF-8 (line {line}).", advice="Save it as UTF-8.") from None


def _columns(header: list[str], manifest: Path, *, partial: bool = False) -> list[str]:
    """Canonical column names; `BadFile` names the ones that are unknown, doubled or missing."""
    names = [_name(word) for word in header]
    unknown = [word for word, name in zip(header, names, strict=True) if not _known(name)]
    if unknown:
        words = ", ".join(f"'{word[:40]}'" for word in unknown[:8])
        near = [match for word in unknown for match in difflib.get_close_matches(_name(word), COLUMNS, n=1)]
        hint = f"Did you mean {', '.join(near)}? " if near else ""
        raise BadFile(f"{manifest.name} has unknown columns: {words}.", advice=f"{hint}Known: {', '.join(COLUMNS)}.")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise BadFile(f"{manifest.name} has columns twice: {', '.join(doubled)}.")
    if "record_id" not in names and not partial:
        raise BadFile(f"{manifest.name} has no column 'record_id'.", advice=_HEADER)
    if not partial and not any(name in ("images", "file") or name not in COLUMNS for name in names):
        raise BadFile(f"{manifest.name} has no column for images.", advice="Add 'images', 'file', or such as 'face'.")
    return names


_HEADER = f"The first line must name the columns: record_id, and of {', '.join(COLUMNS[1:])}."


def _name(word: object) -> str:
    name = re.sub(r"[\s-]+", "_", str(word).strip().lower())
    return _ALIASES.get(name, name)


def _known(name: str) -> bool:
    if name in COLUMNS:
        return True
    try:
        image_kind(name)
    except BadInput:
        return False
    return not name.isdigit()


def _merged(group: list[Row]) -> dict[str, Any]:
    """The values of rows that make one record; empty cells leave what other rows say."""
    merged: dict[str, Any] = {}
    for row in group:
        for name, value in row.values.items():
            if name not in COLUMNS or name in (*_IMAGE_COLUMNS, "images") or value in ("", None, []):
                continue
            if merged.setdefault(name, value) != value:
                raise BadInput(
                    f"Rows of this record disagree on '{name}'.", advice="Say it once, or alike in each row."
                )
    return merged


def _images(row: Row) -> Iterator[ImageRef]:
    values = row.values
    ppi = _ppi(values.get("ppi"))
    if values.get("file"):
        modality, position = str(values.get("modality") or ""), str(values.get("position") or "")
        if not modality and not position:
            raise BadInput("A row with a file needs its modality, and for fingers its position.")
        kind = f"{modality}:{position}" if modality and position else modality or position
        yield ImageRef(str(values["file"]), *image_kind(kind), ppi)
    yield from _listed(values.get("images"), ppi)
    for name, value in values.items():
        if name not in COLUMNS and value:
            for file in value if isinstance(value, list) else re.split(r"[;|]", str(value)):
                if str(file).strip():
                    yield ImageRef(str(file).strip(), *image_kind(name), ppi)


def _listed(images: Any, ppi: int) -> Iterator[ImageRef]:
    """Images of one cell: `kind=path; ...`, {kind: path or paths}, or a list of such or of objects with `file`."""
    if not images:
        return
    if isinstance(images, str):
        for part in filter(str.strip, re.split(r"[;|]", images)):
            kind, equals, file = part.partition("=")
            if not equals or not file.strip():
                raise BadInput("The images are not listed as 'kind=path; kind=path'.", advice="Such as face=a.jpg.")
            yield ImageRef(file.strip(), *image_kind(kind), ppi)
    elif isinstance(images, dict) and "file" in (named := {_name(key): value for key, value in images.items()}):
        yield from _images(Row("", {"ppi": ppi, **named}))
    elif isinstance(images, dict):
        for kind, files in images.items():
            for file in files if isinstance(files, list) else [files]:
                yield ImageRef(str(file), *image_kind(str(kind)), ppi)
    elif isinstance(images, list):
        for image in images:
            yield from _listed(image, ppi)
    else:
        raise BadInput("The images are not listed in a form that can be read.", advice="Such as face=a.jpg.")


def _ppi(value: object) -> int:
    if value in (None, ""):
        return 0
    try:
        ppi = int(str(value))
    except ValueError:
        ppi = -1
    if not 0 <= ppi <= 5000:  # beyond any scanner
        raise BadInput("The column 'ppi' is no resolution in pixels per inch.")
    return ppi


def _place(manifest: Path, line: int) -> str:
    return f"{manifest.name}:{line}"
