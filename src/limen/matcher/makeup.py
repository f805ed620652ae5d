"""What the gallery's records are made of: how many hold a face, which fingers, palms or marks; how clear prints are.

A search of face and fingers meets records that lack one or the other. What such a record can gather by chance differs,
and so each kind of record counts in the threshold with its own law and its own number (`matcher.tail`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from limen.matcher.positions import Group, comparable
from limen.matcher.tail import BOUND, MARK, FaceTerms, Kind, PrintTerms
from limen.ridge import chance
from limen.terms import Modality

_FACE, _PALM, _MARK = 1, 1 << 20, 1 << 21
_FINGERS = {1 << (1 + position): (Modality.FINGER, position) for position in range(16)}  # 13 to 15 are slaps
_ALL_FINGERS = sum(_FINGERS)


class Makeup:
    """Counts of a gallery, kept as samples come and go."""

    def __init__(self) -> None:
        self.records: Counter[int] = Counter()  # by mask of what they hold
        self.clear: Counter[int] = Counter()  # finger references by class of clear minutiae

    def changed(self, before: int, after: int, count: int = 1) -> None:
        """The masks of so many records changed; 0 is no record."""
        if before == after:
            return
        if after:
            self.records[after] += count
        if before:
            self.records[before] -= count
            if not self.records[before]:
                del self.records[before]

    def references(self) -> tuple[tuple[int, float], ...]:
        """(clear minutiae, share) of the finger references, shares rounded up to hundredths: laws can be kept."""
        total = sum(self.clear.values())
        shares = ((at, -(-100 * count // total) / 100) for at, count in sorted(self.clear.items()) if count)
        return tuple((chance.CLASSES[at], share) for at, share in shares)

    def repeats(self) -> float:
        """How many prints a record holds of each finger that it holds, on average, rounded up to quarters."""
        fingers = sum((mask & _ALL_FINGERS).bit_count() * count for mask, count in self.records.items())
        return -(-4 * sum(self.clear.values()) // fingers) / 4 if fingers else 1.0

    def kinds(self, face: FaceTerms | None, prints: Sequence[tuple[Group, int]]) -> tuple[Kind, ...]:
        """Kinds of records that a probe meets, with the share of each; those that it cannot be compared with left out.

        Args:
            prints: group and clear minutiae of each print of the probe.
        """
        total = sum(self.records.values())
        references, repeats = self.references(), self.repeats()
        terms = [PrintTerms(chance.CLASSES[chance.class_of(clear)], references, repeats) for _, clear in prints]
        worst_first = sorted(terms, key=lambda one: one.clear)  # the fewer minutiae, the more by chance
        found: Counter[tuple[bool, int, int, bool]] = Counter()
        reach = [_reach(where) for where, _ in prints]
        for mask, count in self.records.items():
            fingers = sum(bool(mask & bits & _ALL_FINGERS) for bits in reach)
            marks = sum(bool(mask & bits & _MARK) and not mask & bits & _ALL_FINGERS for bits in reach)
            palms = any(mask & bits & _PALM for bits in reach)
            found[bool(mask & _FACE) and face is not None, fingers, marks, palms] += count
        return tuple(
            Kind(
                count / total,
                face if faces else None,
                (*worst_first[:fingers], *[MARK] * marks, *[BOUND] * palms),
            )
            for (faces, fingers, marks, palms), count in sorted(found.items())
            if faces or fingers or marks or palms
        )


def mask_of(groups: Iterable[Group]) -> int:
    """What a record with samples of these groups holds, as bits."""
    mask = 0
    for modality, position in groups:
        if modality is Modality.FINGER:
            mask |= 1 << (1 + position)
        else:
            mask |= {Modality.FACE: _FACE, Modality.PALM: _PALM, Modality.MARK: _MARK}[modality]
    return mask


def _reach(where: Group) -> int:
    """Bits of what a probe print is compared with."""
    modality, _ = where
    fingers = comparable(where, _FINGERS.values())
    palms = _PALM if modality in (Modality.PALM, Modality.MARK) else 0
    return sum(bit for bit, group in _FINGERS.items() if group in fingers) | palms | _MARK
