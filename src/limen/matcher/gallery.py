"""The gallery in memory: which records there are, and their templates.

Every change is in force when the call returns. Nothing here knows names, record numbers or images.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from limen.errors import BadTemplate
from limen.face.template import unpack_many
from limen.matcher import _native
from limen.matcher.faces import FaceMatrix
from limen.matcher.makeup import Makeup, mask_of
from limen.matcher.positions import Group, comparable, group
from limen.matcher.recordtable import RecordTable
from limen.matcher.references import Reference, References
from limen.ridge import chance
from limen.ridge.index import RidgeIndex
from limen.terms import Modality, Position

NO_CLASS = -1  # of clear minutiae: of all but fingers
_POSITIONS = {int(position) for position in Position}
_MODALITIES = {int(modality) for modality in Modality}


class Kept(NamedTuple):
    """What is kept of a sample besides its template.

    Handle, group, the face model ("" for ridges), and of a finger the class of its clear minutiae (-1 for others).
    """

    sample: int
    group: Group
    model: str
    clear: int = NO_CLASS


class Kinds:
    """Numbers for the kinds of samples that there are: a group, and of faces a model."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Group, str], int] = {}
        self._kinds: list[tuple[Group, str]] = []

    def number(self, where: Group, model: str = "") -> int:
        """The number of a kind."""
        found = self._numbers.setdefault((where, model), len(self._kinds))
        if found == len(self._kinds):
            self._kinds.append((where, model))
        return found

    def __getitem__(self, number: int) -> tuple[Group, str]:
        return self._kinds[number]


class Gallery:
    """Records (`table`) with their templates."""

    def __init__(self) -> None:
        self.table = RecordTable()
        self.faces: dict[str, FaceMatrix] = {}
        self.ridges: dict[Group, RidgeIndex] = {}
        self.makeup = Makeup()
        self._directory = _native.Directory()
        self._kinds = Kinds()

    def put(self, reference: Reference) -> None:
        """Add or replace one sample; the record's owner, visibility and validity are those that came last.

        Raises:
            BadTemplate: the template is not of the stated modality, or a field is out of range; it is not there then,
                nor what was there under its handle.
        """
        if not self.put_many(References.of([reference])).all():
            raise BadTemplate("A template is not of its modality or of its model's dimension, or is out of range.")

    def put_many(self, references: References) -> np.ndarray:
        """As `put` for each; bool (n,): which went in. On one thread: in a load others read and open beside it."""
        for row in np.flatnonzero(self.slots_of(references.samples) >= 0).tolist():
            sample = int(references.samples[row])
            self.withdraw(self._record_of(sample), sample)
        kinds = np.full(len(references), -1, np.int64)
        clear = np.full(len(references), NO_CLASS, np.int32)
        self._store_prints(references, kinds, clear)
        faces = self._read_faces(references, kinds)
        went = kinds >= 0
        rows = np.flatnonzero(went)
        if len(rows):
            self._enter(references, rows, kinds, clear, faces)
        return went

    def withdraw(self, record: int, sample: int = 0) -> bool:
        """Remove one sample of a record, or (sample 0) the whole record; whether there was anything."""
        slot = self.table.slot(record)
        if slot is None:
            return False
        held = self.samples(slot)
        gone = [kept for kept in held if sample in (0, kept.sample)]
        for kept in gone:
            self.makeup.clear[kept.clear] -= kept.clear >= 0
            self._directory.remove(kept.sample)
            if kept.group[0] is Modality.FACE:
                self.faces[kept.model].remove(kept.sample)
            else:
                self.ridges[kept.group].remove(kept.sample)
        left = mask_of([kept.group for kept in held if kept not in gone])
        self.makeup.changed(int(self.table.masks[slot]), left)
        self.table.masks[slot] = left
        if not left:
            self.table.release(record)
        return bool(gone)

    def hide(self, country: str) -> None:
        """Let no search find a country's records any more; they are still there."""
        self.table.hide(country)

    def drop(self, country: str, most: int | None = None) -> int:
        """Remove records of a country, all or so many; how many went."""
        gone = self.table.of(country)[:most]
        slots = np.array([self.table.slot(record) for record in gone], np.int32)
        samples, kinds, clear = self._directory.of_slots(slots)
        for kind in np.unique(kinds).tolist():
            where, model = self._kinds[kind]
            store = self.faces[model] if where[0] is Modality.FACE else self.ridges[where]
            store.remove_many(samples[kinds == kind])
        self._directory.remove_many(samples)
        for at, count in zip(*np.unique(clear[clear >= 0], return_counts=True), strict=True):
            self.makeup.clear[int(at)] -= int(count)
        for mask, count in zip(*np.unique(self.table.masks[slots], return_counts=True), strict=True):
            self.makeup.changed(int(mask), 0, int(count))
        for record in gone:
            self.table.release(record)
        return len(gone)

    def allowed(self, country: str, now: int) -> np.ndarray:
        """See `RecordTable.allowed`."""
        return self.table.allowed(country, now)

    def owned_by(self, bitmap: bytes, now: int) -> np.ndarray:
        """See `RecordTable.owned_by`."""
        return self.table.owned_by(bitmap, now)

    def slot(self, record: int) -> int | None:
        """Where a record is, None if it is not there."""
        return self.table.slot(record)

    def handle(self, slot: int) -> int:
        """Handle of the record in a slot."""
        return self.table.handle(slot)

    def with_marks(self) -> np.ndarray:
        """bool (slots,): records that hold a crime-scene mark."""
        return (self.table.masks & mask_of([(Modality.MARK, 0)])) != 0

    def samples(self, slot: int) -> list[Kept]:
        """The samples of the record in a slot, in the order in which they came."""
        return [Kept(handle, *self._kinds[kind], clear) for handle, kind, clear in self._directory.samples_of(slot)]

    def slots_of(self, samples: np.ndarray) -> np.ndarray:
        """int64: slots of samples' records; -1 for samples that are not there."""
        return self._directory.slots_of(np.ascontiguousarray(samples, np.uint64))

    def of_group(self, where: Group, allowed: np.ndarray) -> np.ndarray:
        """uint64: the friction ridge samples of a group in records that are allowed, bool (slots,)."""
        return self._directory.of_kind(np.ascontiguousarray(allowed).view(np.uint8), self._kinds.number(where))

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
        return len(self.table)

    @property
    def memory(self) -> int:
        """Bytes of templates, record arrays and the directory of samples."""
        stores: list[FaceMatrix | RidgeIndex] = [*self.faces.values(), *self.ridges.values()]
        return self.table.memory + int(self._directory.memory) + sum(store.memory for store in stores)

    def _record_of(self, sample: int) -> int:
        (slot,) = self.slots_of(np.array([sample], np.uint64))
        return self.handle(int(slot))

    def _store_prints(self, references: References, kinds: np.ndarray, clear: np.ndarray) -> None:
        """Put the prints into their indexes; note kinds and classes of clear minutiae of those that went in."""
        code = references.modalities.astype(np.int64) << 8 | references.positions
        for one in np.unique(code[references.modalities != Modality.FACE]).tolist():
            modality, position = one >> 8, one & 0xFF
            if modality not in _MODALITIES or position not in _POSITIONS:
                continue
            where = group(Modality(modality), position)
            rows = np.flatnonzero(code == one)
            index = self.ridges.setdefault(where, RidgeIndex())
            found = index.put_many(references.samples[rows], references.templates.only(rows))
            kinds[rows[found >= 0]] = self._kinds.number(where)
            if modality == Modality.FINGER:
                clear[rows] = chance.classes_of(found)

    def _read_faces(
        self, references: References, kinds: np.ndarray
    ) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """By model: rows, vectors and qualities of the faces that are in order; their kinds are noted."""
        faces = np.flatnonzero(references.modalities == Modality.FACE)
        found = {}
        for model, which, vectors, qualities in unpack_many([references.templates[row] for row in faces.tolist()]):
            if model in found or (model in self.faces and vectors.shape[1] != self.faces[model].dimension):
                continue  # a face template has not the dimension of its model's others
            kinds[faces[which]] = self._kinds.number((Modality.FACE, 0), model)
            found[model] = faces[which], vectors, qualities
        return found

    def _enter(
        self,
        references: References,
        rows: np.ndarray,
        kinds: np.ndarray,
        clear: np.ndarray,
        faces: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    ) -> None:
        """Note the samples of these rows with their records; faces get their rows of the matrices."""
        slots = np.full(len(references), -1, np.int32)
        slots[rows] = self.table.take(references.records[rows])
        there = slots[rows]
        self.table.describe(
            there,
            references.owners[rows],
            references.visible[rows],
            references.valid_from[rows],
            references.until[rows],
        )
        for model, (which, vectors, qualities) in faces.items():
            matrix = self.faces.setdefault(model, FaceMatrix(vectors.shape[1]))
            matrix.put_many(references.samples[which], slots[which], vectors, qualities)
        self._directory.put_many(
            np.ascontiguousarray(references.samples[rows], np.uint64), there, kinds[rows].astype(np.uint32), clear[rows]
        )
        self._note(there, kinds[rows], clear[rows])

    def _note(self, slots: np.ndarray, kinds: np.ndarray, clear: np.ndarray) -> None:
        """Keep count of what the gallery is made of."""
        different = np.unique(slots)
        before = self.table.masks[different]
        bits = {kind: mask_of([self._kinds[kind][0]]) for kind in np.unique(kinds).tolist()}
        np.bitwise_or.at(self.table.masks, slots, np.array([bits[kind] for kind in kinds.tolist()], np.int64))
        changes = Counter(zip(before.tolist(), self.table.masks[different].tolist(), strict=True))
        for (old, new), count in changes.items():
            self.makeup.changed(old, new, count)
        for number, count in enumerate(np.bincount(clear[clear >= 0]).tolist()):
            self.makeup.clear[number] += count
