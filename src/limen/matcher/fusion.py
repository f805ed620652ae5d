"""Evidence for one record: calibrated log-likelihood ratios (nats) of face and fingers, added.

A modality that probe or record lacks adds nothing, so nobody is favoured or punished for it. Faces and fingers of two
people are independent; so are different fingers of two people, given how clear they are (decision 0281).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from limen.matcher.positions import Group
from limen.terms import Modality


class Finding(NamedTuple):
    """One probe sample against one reference of the record.

    probe: index of the probe sample; sample: handle of the reference; group: the reference's; llr: nats.
    """

    probe: int
    sample: int
    group: Group
    llr: float


@dataclass(frozen=True)
class Evidence:
    """All that speaks for and against a record.

    Attributes:
        slot: of the record.
        face: nats, 0 where no face was compared.
        ridges: the counted finding of each probe print that was compared.
        best: the finding that speaks most for the record.
    """

    slot: int
    face: float
    ridges: tuple[Finding, ...]
    best: Finding | None
    has_face: bool = field(default=False)

    @property
    def ridge(self) -> float:
        """Nats of all prints together."""
        return sum(finding.llr for finding in self.ridges)

    @property
    def total(self) -> float:
        """Nats of everything."""
        return self.face + self.ridge


def fuse(slot: int, face: Finding | None, ridges: Sequence[Finding]) -> Evidence:
    """Combine the findings about one record.

    Args:
        face: the probe's face against the record's photos; None where there is none.
        ridges: every comparison of a probe print with a reference print of the record.
    """
    counted = assign(ridges)
    best = max([*([face] if face else []), *counted], key=lambda finding: finding.llr, default=None)
    return Evidence(slot, face.llr if face else 0.0, counted, best, face is not None)


def assign(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Which reference print counts for each probe print: the most alike, each finger at most once, best first.

    A probe print that was compared with k fingers of the record had k chances, so its evidence is less by ln k: the
    likelihood of "one of these k, all equally likely" lies between the best's k-th part and the best.
    """
    chances = {
        probe: len({finding.group for finding in findings if finding.probe == probe})
        for probe in {finding.probe for finding in findings}
    }
    counted: dict[int, Finding] = {}
    taken: set[Group] = set()
    for finding in sorted(findings, key=lambda finding: finding.llr, reverse=True):
        shared = chances[finding.probe] == 1 or finding.group[1] == 0 or finding.group[0] is Modality.MARK
        if finding.probe in counted or (finding.group in taken and not shared):
            continue
        counted[finding.probe] = finding._replace(llr=finding.llr - float(np.log(chances[finding.probe])))
        taken.add(finding.group)
    return tuple(counted[probe] for probe in sorted(counted))
