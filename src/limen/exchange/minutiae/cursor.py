"""A cursor over a file's bytes that never runs past their end."""

from __future__ import annotations

from dataclasses import dataclass

from limen.errors import BadTemplate


@dataclass
class Bytes:
    """Bytes, and how far they are read.

    missing: bytes by which the last extended data block falls short; stated: a total length that is not the file's.
    """

    data: bytes
    at: int = 0
    missing: int = 0
    stated: int | None = None

    def take(self, count: int, what: str) -> bytes:
        """The next bytes, or `BadTemplate` that says where the file ends."""
        if count > len(self.data) - self.at:
            raise BadTemplate(f"The minutiae file ends at byte {len(self.data)}, within its {what}.")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, what: str) -> int:
        """The next big-endian number."""
        return int.from_bytes(self.take(size, what), "big")
