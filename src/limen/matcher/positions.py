"""Which friction ridge references a probe may be compared with, by modality and position.

A print of a known position is compared with references of that position, with slaps that hold it, and with references
whose position nobody knows; a print of unknown position with all of its kind; a crime-scene mark with prints of
fingers and palms alike; and prints with unsolved marks.
"""

from __future__ import annotations

from collections.abc import Iterable

from limen.terms import Modality, Position

Group = tuple[Modality, int]  # modality and normalised position: what is kept, and searched, together

SLAPS = {
    Position.PLAIN_RIGHT_FOUR: frozenset({2, 3, 4, 5}),
    Position.PLAIN_LEFT_FOUR: frozenset({7, 8, 9, 10}),
    Position.PLAIN_THUMBS: frozenset({1, 6}),
}
RIGHT_PALM = frozenset({21, 22, 25, 26, 29, 31, 32, 33, 37})  # codes of the right hand, ANSI/NIST-ITL Table 8
LEFT_PALM = frozenset({23, 24, 27, 28, 30, 34, 35, 36, 38})
FINGERS = frozenset(range(1, 11))


def group(modality: Modality, position: int) -> Group:
    """The group of a sample: plain thumbs are thumbs."""
    return modality, int(Position(position).finger)


def comparable(probe: Group, groups: Iterable[Group]) -> list[Group]:
    """Of the groups that hold references, those that a probe is compared with, sorted."""
    return sorted(kept for kept in groups if _same_kind(probe[0], kept[0]) and _may_overlap(probe[1], kept[1]))


def _same_kind(probe: Modality, reference: Modality) -> bool:
    if Modality.FACE in (probe, reference):
        return False
    return probe == reference or Modality.MARK in (probe, reference)


def _may_overlap(probe: int, reference: int) -> bool:
    first, second = _parts(probe), _parts(reference)
    return not first or not second or bool(first & second)


def _parts(position: int) -> frozenset[int]:
    """Fingers (1-10) or palms (21, 23) that a position may show; empty for anything."""
    if position in SLAPS:
        return SLAPS[Position(position)]
    if position in RIGHT_PALM:
        return frozenset({Position.RIGHT_FULL_PALM})
    if position in LEFT_PALM:
        return frozenset({Position.LEFT_FULL_PALM})
    return frozenset({position}) & FINGERS or (
        frozenset({21, 23}) if position == Position.UNKNOWN_PALM else frozenset()
    )
