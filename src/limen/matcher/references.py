"""Enrolled samples on their way into the gallery, one by one or many in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from limen import countries
from limen.errors import BadTemplate
from limen.face.template import FaceTemplate
from limen.matcher.recordtable import EVER
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality
from limen.wire.rows import Blobs


@dataclass(frozen=True)
class Reference:
    """One enrolled sample and what binds it.

    Attributes:
        record, sample: handles, uint64, not 0.
        owner: alpha-3 code.
        visible: bitmap of 32 bytes over `limen.countries.ORDER`.
        valid_from, valid_until: Unix seconds; 0 for no bound.
        modality, position: as sealed.
        template: of the sample; packed, or as it is stored (`limen.ridge.stored`), which saves time.
    """

    record: int
    sample: int
    owner: str
    visible: bytes
    valid_from: int
    valid_until: int
    modality: Modality
    position: int
    template: FaceTemplate | RidgeTemplate | bytes


@dataclass(frozen=True)
class References:
    """Many of them, a column an attribute, each of length n.

    Attributes:
        records, samples: uint64, handles; a sample once.
        owners: int16, indices into `limen.countries.ORDER`.
        visible: uint8 (n, 32).
        valid_from, valid_until: int64, Unix seconds; 0 for no bound.
        modalities, positions: uint8, as sealed.
        templates: stored bytes of each.
    """

    records: np.ndarray
    samples: np.ndarray
    owners: np.ndarray
    visible: np.ndarray
    valid_from: np.ndarray
    valid_until: np.ndarray
    modalities: np.ndarray
    positions: np.ndarray
    templates: Blobs

    def __len__(self) -> int:
        return len(self.samples)

    @classmethod
    def of(cls, references: Sequence[Reference]) -> Self:
        """Columns of single ones; `BadTemplate` if a template is not of its modality."""
        for one in references:
            wrong = RidgeTemplate if one.modality is Modality.FACE else FaceTemplate
            if isinstance(one.template, wrong):
                raise BadTemplate("A template is not of the modality that it was sealed as.")
        return cls(
            np.array([one.record for one in references], np.uint64),
            np.array([one.sample for one in references], np.uint64),
            np.array([countries.ORDER.index(one.owner) for one in references], np.int16),
            np.array([np.frombuffer(one.visible, np.uint8) for one in references]).reshape(-1, countries.SIZE),
            np.array([one.valid_from for one in references], np.int64),
            np.array([one.valid_until for one in references], np.int64),
            np.array([one.modality for one in references], np.uint8),
            np.array([one.position for one in references], np.uint8),
            Blobs.of([one.template if isinstance(one.template, bytes) else one.template.pack() for one in references]),
        )

    def only(self, which: np.ndarray) -> References:
        """Those of these rows (int64 row numbers)."""
        return References(
            self.records[which],
            self.samples[which],
            self.owners[which],
            self.visible[which],
            self.valid_from[which],
            self.valid_until[which],
            self.modalities[which],
            self.positions[which],
            self.templates.only(which),
        )

    def one(self, row: int) -> Reference:
        """A single one."""
        return Reference(
            record=int(self.records[row]),
            sample=int(self.samples[row]),
            owner=countries.ORDER[self.owners[row]],
            visible=self.visible[row].tobytes(),
            valid_from=int(self.valid_from[row]),
            valid_until=int(self.valid_until[row]),
            modality=Modality(self.modalities[row]),
            position=int(self.positions[row]),
            template=self.templates[row],
        )

    @property
    def until(self) -> np.ndarray:
        """int64: when each ends to be valid, `EVER` for no end."""
        return np.where(self.valid_until == 0, EVER, self.valid_until)
