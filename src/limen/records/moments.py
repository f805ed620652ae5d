"""Unix seconds as people write them."""

from __future__ import annotations

import datetime


def iso(seconds: int) -> str:
    """ISO 8601 in UTC, to the second: `2031-01-01T00:00:00+00:00`."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()


def day(seconds: int) -> str:
    """The UTC day: `2030-12-31`."""
    return iso(seconds)[:10]
