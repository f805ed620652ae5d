"""The gallery in memory: who owns each record, who may see it, until when, and its templates.

Every change is in force when the call returns. Nothing here knows names, record numbers or images.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from limen import countries
from limen.errors import BadTemplate
from limen.face.template import FaceTemplate
from limen.matcher.faces import FaceMatrix
from limen.matcher.makeup import Makeup, mask_of
from limen.matcher.positions import Group, comparable, group
from limen.ridge import chance
from limen.ridge.index import RidgeIndex
from limen.ridge.template import RidgeTemplate
from limen.terms import Modality

FIRST = 1024  # record slots at first
EVER = np.iinfo(np.int64).max  # Unix seconds


@dataclass(frozen=True)
class Reference:
    """One enrolled sample and what binds it.

    Attributes:
        record, sample: handles, uint64, not 0.
        owner: alpha-3 code.
        visible: bitmap of 32 bytes over `limen.countries.ORDER`.
        valid_from, valid_until: Unix seconds; 0 for no bound.
        modality, position: as sealed.
        template: of the sample; a ridge template may stay packed, which saves a sixth of the time of putting it.
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


class Kept(NamedTuple):
    """What is kept of a sample besides its template.

    Handle, group, the face model ("" for ridges), and of a finger the class of its clear minutiae (-1 for others).
    """

    sample: int
    group: Group
    model: str
    clear: int = -1


class Gallery:
    """Records with their templates. A record has a slot, an index into the arrays; slots are used again."""

    def __init__(self) -> None:
        self.faces: dict[str, FaceMatrix] = {}
        self.ridges: dict[Group, RidgeIndex] = {}
        self.makeup = Makeup()
        self._slot_of: dict[int, int] = {}
        self._slot_of_sample: dict[int, int] = {}
        self._samples: dict[int, list[Kept]] = {}
        self._free: list[int] = []
        self._marks: Counter[int] = Counter()  # by slot
        self._top = 0
        self._handles = np.zeros(FIRST, np.uint64)
        self._owners = np.zeros(FIRST, np.int16)
        self._visible = np.zeros((FIRST, countries.SIZE), np.uint8)
        self._from = np.zeros(FIRST, np.int64)
        self._until = np.zeros(FIRST, np.int64)

    def put(self, reference: Reference) -> None:
        """Add or replace one sample; the record's owner, visibility and validity are those that came last.

        Raises:
            BadTemplate: the template is not of the stated modality, or a field is out of range.
        """
        if isinstance(reference.template, FaceTemplate) != (reference.modality is Modality.FACE):
            raise BadTemplate("A template is not of the modality that it was sealed as.")
        self.withdraw(self._handle_of_sample(reference.sample), reference.sample)
        slot = self._slot(reference.record)
        self._describe(slot, reference)
        try:
            kept = self._store(slot, reference)
        except BadTemplate:
            if not self._samples[slot]:
                self._release(reference.record, slot)
            raise
        before = self._mask(slot)
        self._samples[slot].append(kept)
        self.makeup.changed(before, before | mask_of([kept.group]))
        self.makeup.clear[kept.clear] += kept.clear >= 0
        if reference.modality is Modality.MARK:
            self._marks[slot] += 1
        self._slot_of_sample[reference.sample] = slot

    def withdraw(self, record: int, sample: int = 0) -> bool:
        """Remove one sample of a record, or (sample 0) the whole record; whether there was anything."""
        slot = self._slot_of.get(record)
        if slot is None:
            return False
        gone = [kept for kept in self._samples[slot] if sample in (0, kept.sample)]
        before = self._mask(slot)
        for kept in gone:
            self._samples[slot].remove(kept)
            self.makeup.clear[kept.clear] -= kept.clear >= 0
            if kept.group[0] is Modality.MARK:
                self._marks -= Counter([slot])
            del self._slot_of_sample[kept.sample]
            if kept.group[0] is Modality.FACE:
                self.faces[kept.model].remove(kept.sample)
            else:
                self.ridges[kept.group].remove(kept.sample)
        self.makeup.changed(before, self._mask(slot))
        if not self._samples[slot]:
            self._release(record, slot)
        return bool(gone)

    def drop(self, country: str) -> int:
        """Remove every record of a country; how many there were."""
        owner = countries.ORDER.index(country)
        gone = [record for record, slot in self._slot_of.items() if self._owners[slot] == owner]
        for record in gone:
            self.withdraw(record)
        return len(gone)

    def allowed(self, country: str, now: int) -> np.ndarray:
        """bool (slots,): records that a country may see (its own, and those shown to it) and that are valid now."""
        bit = countries.ORDER.index(country)
        seen = (self._visible[: self._top, bit // 8] >> (bit % 8) & 1).astype(bool)
        own = self._owners[: self._top] == bit
        return (seen | own) & (self._from[: self._top] <= now) & (now < self._until[: self._top])

    def owned_by(self, bitmap: bytes, now: int) -> np.ndarray:
        """bool (slots,): records of the countries in a bitmap (`limen.countries`) that are valid now."""
        listed = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little").astype(bool)
        owners = self._owners[: self._top]
        return (owners >= 0) & listed[owners] & (self._from[: self._top] <= now) & (now < self._until[: self._top])

    def slot(self, record: int) -> int | None:
        """Where a record is, None if it is not there."""
        return self._slot_of.get(record)

    def with_marks(self) -> np.ndarray:
        """bool (slots,): records that hold a crime-scene mark."""
        held = np.zeros(self._top, bool)
        held[list(self._marks)] = True
        return held

    def samples(self, slot: int) -> list[Kept]:
        """The samples of the record in a slot."""
        return self._samples[slot]

    def handle(self, slot: int) -> int:
        """Handle of the record in a slot."""
        return int(self._handles[slot])

    def slots_of(self, samples: np.ndarray) -> np.ndarray:
        """int64: slots of samples' records, which must be there."""
        return np.array([self._slot_of_sample[int(sample)] for sample in samples], np.int64)

    def groups(self, probe: Group) -> list[Group]:
        """Groups of friction ridge references that a probe is compared with."""
        return comparable(probe, [kept for kept, index in self.ridges.items() if len(index)])

    def count(self, *modalities: Modality) -> int:
        """How many samples of these modalities there are."""
        faces = sum(len(matrix) for matrix in self.faces.values()) if Modality.FACE in modalities else 0
        return faces + sum(len(index) for kept, index in self.ridges.items() if kept[0] in modalities)

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self._slot_of)

    @property
    def memory(self) -> int:
        """Bytes of templates and record arrays."""
        arrays = (self._handles, self._owners, self._visible, self._from, self._until)
        stores: list[FaceMatrix | RidgeIndex] = [*self.faces.values(), *self.ridges.values()]
        return sum(array.nbytes for array in arrays) + sum(store.memory for store in stores)

    def _mask(self, slot: int) -> int:
        return mask_of([kept.group for kept in self._samples[slot]])

    def _handle_of_sample(self, sample: int) -> int:
        slot = self._slot_of_sample.get(sample)
        return 0 if slot is None else self.handle(slot)

    def _slot(self, record: int) -> int:
        if record in self._slot_of:
            return self._slot_of[record]
        slot = self._free.pop() if self._free else self._top
        if slot == self._top:
            self._top += 1
            if slot == len(self._handles):
                self._grow()
        self._slot_of[record], self._handles[slot], self._samples[slot] = slot, record, []
        return slot

    def _describe(self, slot: int, reference: Reference) -> None:
        self._owners[slot] = countries.ORDER.index(reference.owner)
        self._visible[slot] = np.frombuffer(reference.visible, np.uint8)
        self._from[slot] = reference.valid_from
        self._until[slot] = reference.valid_until or EVER

    def _store(self, slot: int, reference: Reference) -> Kept:
        template = reference.template
        if isinstance(template, FaceTemplate):
            matrix = self.faces.setdefault(template.model, FaceMatrix(template.vector.size))
            if template.vector.size != matrix.dimension:
                raise BadTemplate("A face template has not the dimension of its model's others.")
            matrix.put(reference.sample, slot, template.vector, template.quality)
            return Kept(reference.sample, (Modality.FACE, 0), template.model)
        where = group(reference.modality, reference.position)
        index = self.ridges.setdefault(where, RidgeIndex())
        if isinstance(template, bytes):
            index.put_packed(reference.sample, template)
        else:
            index.put(reference.sample, template)
        if reference.modality is not Modality.FINGER:
            return Kept(reference.sample, where, "")
        packed = template if isinstance(template, bytes) else template.pack()
        return Kept(reference.sample, where, "", chance.class_of(chance.clear_minutiae(packed)))

    def _release(self, record: int, slot: int) -> None:
        del self._slot_of[record], self._samples[slot]
        self._handles[slot], self._visible[slot], self._until[slot], self._owners[slot] = 0, 0, 0, -1
        self._free.append(slot)

    def _grow(self) -> None:
        for name in ("_handles", "_owners", "_visible", "_from", "_until"):
            old = getattr(self, name)
            new = np.zeros((2 * len(old), *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
