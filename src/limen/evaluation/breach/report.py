"""What the drill found, place by place, and whether that is what the documentation says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from limen.evaluation.breach.linkage import Linkage
from limen.evaluation.breach.loot import Loot

PLACES = ("disk", "database", "backup", "front-memory", "logs", "device", "front-asks-matcher", "front-asks-vault")
OPENED = 2  # records that the vault of the robbed hub opens for its front in an hour
EXPECTED = {  # what is not 0, and why: docs/security.md
    "front-memory": {"readable_personal_fields": "of the one record that is being shown for a hit at that moment"},
    "device": {"usable_keys": "the device's own key, good for searches under its caps until it is retired"},
    "front-asks-vault": {
        "readable_biometrics": "who runs code in the live front sees portraits and files of so many records an hour",
        "readable_personal_fields": "and the names (unsealed_per_hour, 2 in the drill)",
    },
}


@dataclass
class Place:
    """What one thief got."""

    readable_biometrics: int = 0
    readable_personal_fields: int = 0
    usable_keys: int = 0
    linkable: int = 0
    looked_at: int = 0

    @classmethod
    def of(cls, loot: Loot, linkable: int = 0) -> Place:
        """Counts of a loot."""
        biometrics = len(loot.images) + len(loot.templates) + loot.plain_blobs
        return cls(biometrics, len(loot.words), len(loot.keys), linkable, loot.size)

    @property
    def counts(self) -> dict[str, int]:
        """The four that must be 0."""
        names = ("readable_biometrics", "readable_personal_fields", "usable_keys", "linkable")
        return {name: getattr(self, name) for name in names}


@dataclass
class Report:
    """What the drill found.

    Attributes:
        places: by name, of the sealed hub; control: of the one without sealing.
        there: how many biometrics, personal fields and keys there were to be found.
        linkage: by linkage function, between the two sealed hubs; control_linkage: without sealing.
        opened: people of whom the subverted front could have anything opened; `OPENED` are allowed.
        not_played: places that could not be, and why; not_shown: personal fields in the front's memory of people whom
            no hit showed.
        seconds: that it took.
    """

    places: dict[str, Place] = field(default_factory=dict)
    control: dict[str, Place] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)
    linkage: dict[str, Linkage] = field(default_factory=dict)
    control_linkage: dict[str, Linkage] = field(default_factory=dict)
    not_played: dict[str, str] = field(default_factory=dict)
    not_shown: int = 0
    opened: int = 0
    seconds: float = 0.0

    @property
    def unexpected(self) -> list[str]:
        """Counts that are not 0 and that the documentation does not explain."""
        found = [
            f"{name}: {what} {count}"
            for name, place in self.places.items()
            for what, count in place.counts.items()
            if count and what not in EXPECTED.get(name, {})
        ]
        if self.not_shown:
            found.append(f"front-memory: {self.not_shown} personal fields of people who were not shown")
        if self.opened > OPENED:
            found.append(f"front-asks-vault: {self.opened} records, {OPENED} are allowed an hour")
        return found

    @property
    def blind(self) -> list[str]:
        """Places where the drill did not see what the control left there."""
        return [name for name, place in self.control.items() if not self._seen(name, place)]

    @property
    def passed(self) -> bool:
        """Nothing that must not be, and an eye that sees."""
        return not self.unexpected and not self.blind and set(self.control) == set(self.places)

    def json(self) -> dict[str, object]:
        """As `limen drill breach --json` prints it."""
        return {
            "places": {name: place.counts for name, place in self.places.items()},
            "control": {name: place.counts for name, place in self.control.items()},
            "there": self.there,
            "d_sys": {name: round(found.d_sys, 3) for name, found in self.linkage.items()},
            "control_d_sys": {name: round(found.d_sys, 3) for name, found in self.control_linkage.items()},
            "explained": EXPECTED,
            "opened_by_a_live_front": {"records": self.opened, "allowed_an_hour": OPENED},
            "not_played": self.not_played,
            "unexpected": self.unexpected,
            "blind": self.blind,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
        }

    def _seen(self, name: str, place: Place) -> bool:
        all_there = (
            place.readable_biometrics >= self.there["biometrics"]
            and place.readable_personal_fields >= self.there["personal_fields"]
        )
        stores = name in ("disk", "database", "backup")
        return all_there and (not stores or place.linkable > 0) and (name != "disk" or place.usable_keys > 0)


def table(report: Report) -> Iterable[tuple[str, ...]]:
    """Rows for people: place, and what was found of what the control left there."""
    for name, place in report.places.items():
        seen = report.control.get(name, Place()).counts
        yield (name, *(f"{count} of {seen[what]}" for what, count in place.counts.items()))
