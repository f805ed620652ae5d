"""Finding elements by local name, whatever wraps them: makers nest the same elements differently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_STAMP = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})")


def at(element: Element | None, *names: str) -> Element | None:
    """The first element of the first name, then of the second below it, and so on; None if one is missing."""
    for name in names:
        if element is None:
            return None
        element = next(element.iter(name), None)
    return element


def text(element: Element | None, *names: str) -> str:
    """Text of the element that `at` finds; empty if there is none."""
    found = at(element, *names)
    return (found.text or "") if found is not None else ""


def every(element: Element | None, name: str) -> list[Element]:
    """All elements of a name below this one, in document order."""
    return [] if element is None else list(element.iter(name))


def within(element: Element, skip: tuple[str, ...] = ()) -> Iterator[Element]:
    """Everything below an element, without the elements (and what is below them) whose names contain a word."""
    for child in element:
        if not any(word in child.tag for word in skip):
            yield child
            yield from within(child, skip)


def date(element: Element | None) -> str:
    """A date or the date of a time as `YYYYMMDD`; empty if there is none."""
    found = _DATE.match(text(element, "Date") or text(element, "DateTime"))
    return "".join(found.groups()) if found else ""


def stamp(element: Element | None) -> str:
    """A UTC time as `YYYYMMDDHHMMSSZ`; empty if there is none."""
    found = _STAMP.match(text(element, "DateTime"))
    return "".join(found.groups()) + "Z" if found else ""
