"""The rejects file: what could not be imported and why, one JSON object a line; never any content."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from limen.errors import BadInput, Unavailable
from limen.records.entry import Reject

NAME = "rejects.jsonl"


class RejectsFile:
    """Written as the import goes on, so that it is there if the import is cut off; removed if there was nothing."""

    def __init__(self, path: Path) -> None:
        """Start anew. `BadInput` if the file cannot be written."""
        self.path, self.count = path, 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = path.open("w", encoding="utf-8")
        except OSError as error:
            raise BadInput(
                f"The rejects file {path} cannot be written: {error.strerror}.",
                advice="Name another: --rejects FILE.",
            ) from None

    def add(self, reject: Reject) -> None:
        """One more. `Unavailable` if the disk is full."""
        try:
            self._file.write(json.dumps(dataclasses.asdict(reject), ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise Unavailable(f"The rejects file {self.path} cannot be written: {error.strerror}.") from None
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self.count:
            self.path.unlink(missing_ok=True)


def default_place(source: Path, fallback: Path) -> Path:
    """Beside what is imported; below `fallback` (the hub's data folder) where that folder cannot be written."""
    folder = source if source.is_dir() else source.parent
    beside = folder / NAME
    try:
        with beside.open("a"):
            return beside
    except OSError:
        return fallback / NAME
