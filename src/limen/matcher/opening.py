"""From what the feed sends to references: unsealed with the record's key, which the matcher alone gets."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from limen import countries
from limen.errors import BadMessage, BadTemplate, Damaged, KeyUnavailable, NotFound
from limen.face.evidence import calibration
from limen.face.template import FaceTemplate
from limen.matcher.keys import Keys
from limen.matcher.recordtable import EVER
from limen.matcher.references import References
from limen.terms import Modality
from limen.vault.seal import Use
from limen.vault.sealmany import Room, SealedMany
from limen.wire.messages import GalleryBatch
from limen.wire.rows import BATCH_ROW, BOUND, Blobs

_RECORD = slice(1, 20)  # of the bound fields: owner and record, what has one key
_MODEL, _FACE_HEAD = 16, 20  # bytes at the start of a face template: its model; all before the numbers
_OWNERS = {code.encode("ascii"): number for number, code in enumerate(countries.ORDER)}
_IS_MODALITY = np.isin(np.arange(256), [int(modality) for modality in Modality])
_REASONS = (BadTemplate, Damaged, KeyUnavailable)  # for which one is refused
_OPEN, _UNFIT, _DAMAGED = range(3)  # the reason's place there, from 1


@dataclass(frozen=True)
class Opened:
    """A batch of changes, opened.

    Attributes:
        withdrawn: (record, sample) of what goes, to be done first; what did not open is among them, so that what was
            there under its handle does not stay.
        references: what is put.
        refused: why references did not open, by the errors' codes, counted; without countries whose key is missing.
        rejected: how many did not open, by owner as it was sent.
        room: where the references' templates are, to be wiped when they were put.
    """

    withdrawn: list[tuple[int, int]]
    references: References
    refused: Counter[str] = field(default_factory=Counter)
    rejected: Counter[bytes] = field(default_factory=Counter)
    room: Room = field(default_factory=Room)


def open_batch(batch: GalleryBatch, keys: Keys, room: Room | None = None) -> Opened:
    """Open a batch, into a room that nobody uses meanwhile, or one of its own.

    Raises:
        BadMessage: it is none.
        Unavailable: the vault does not answer now.
    """
    room = room or Room()
    rows, ends = _rows(batch)
    withdrawn, wanted = _in_force(rows)
    heads = rows[wanted]
    bound = np.ascontiguousarray(heads).view(np.uint8).reshape(-1, BATCH_ROW.itemsize)[:, BOUND:]
    sealed = SealedMany(batch.tail, ends[wanted], ends[wanted + 1], bound, room)
    why = np.where((heads["use"] == Use.TEMPLATE) & _IS_MODALITY[heads["modality"]], _OPEN, _UNFIT)
    for first, last in _runs(bound[:, _RECORD], heads["epoch"]):  # the samples of a record follow one another
        try:
            key = _key(keys, bound[first, _RECORD].tobytes(), int(heads["epoch"][first]))
        except _REASONS as error:
            why[first:last] = next(number for number, kind in enumerate(_REASONS, 1) if isinstance(error, kind))
            continue
        for row in sealed.open(key, first, last):
            why[row] = _DAMAGED
    why[_unfit_faces(heads, sealed, why == _OPEN)] = _UNFIT
    opened, failed = np.flatnonzero(why == _OPEN), np.flatnonzero(why)
    withdrawn += zip(heads["record"][failed].tolist(), heads["sample"][failed].tolist(), strict=True)
    missing = [country.encode("ascii") for country in keys.missing]  # that is said once, by country
    told = failed[~np.isin(heads["owner"][failed], missing)] if len(failed) else failed
    refused = Counter(_REASONS[one - 1].code for one in why[told].tolist())
    rejected = Counter(heads["owner"][failed].tolist())
    fit = heads if len(opened) == len(heads) else heads[opened]
    return Opened(withdrawn, _references(fit, sealed.blobs.only(opened)), refused, rejected, room)


def known_face(template: FaceTemplate) -> FaceTemplate:
    """A face template, if its model is known here with what its scores mean.

    Raises:
        BadTemplate: the model is unknown, or not calibrated, or its templates have another dimension.
    """
    if template.vector.size != _dimension(template.model):
        raise BadTemplate("A face template has not the dimension of its model.")
    return template


def _dimension(model: str) -> int:
    try:
        return int(calibration(model).centre.size)
    except (NotFound, Damaged):
        raise BadTemplate("A face template is of a model that this hub does not know.") from None


def _rows(batch: GalleryBatch) -> tuple[np.ndarray, np.ndarray]:
    """The heads, and where each one's template begins; one more for the end."""
    heads = batch.count * BATCH_ROW.itemsize
    if not 0 < heads <= len(batch.tail):
        raise BadMessage("A batch of changes is empty, or shorter than its heads.")
    rows = np.frombuffer(batch.tail, BATCH_ROW, batch.count)
    ends = heads + np.concatenate([[0], np.cumsum(rows["length"], dtype=np.int64)])
    if ends[-1] != len(batch.tail):
        raise BadMessage("A batch of changes has the wrong length.")
    return rows, ends


def _in_force(rows: np.ndarray) -> tuple[list[tuple[int, int]], np.ndarray]:
    """What is withdrawn, and which rows are put afterwards: of changes to one sample the last."""
    samples = np.sort(rows["sample"])
    if rows["length"].all() and (samples[1:] != samples[:-1]).all():
        return [], np.arange(len(rows))
    withdrawn: list[tuple[int, int]] = []
    puts: dict[int, dict[int, int]] = {}  # by record: of each sample the row
    heads = (rows[name].tolist() for name in ("record", "sample", "length"))
    for row, (record, sample, length) in enumerate(zip(*heads, strict=True)):
        if length:
            puts.setdefault(record, {})[sample] = row
            continue
        withdrawn.append((record, sample))
        if sample:
            puts.get(record, {}).pop(sample, None)
        else:
            puts.pop(record, None)
    return withdrawn, np.array(sorted(row for of_record in puts.values() for row in of_record.values()), np.int64)


def _runs(records: np.ndarray, epochs: np.ndarray) -> Iterator[tuple[int, int]]:
    """From where to where rows have the same key: uint8 (n, 19), owner and record, and their epochs."""
    if len(records):
        changes = (records[1:] != records[:-1]).any(axis=1) | (epochs[1:] != epochs[:-1])
        edges = [0, *(np.flatnonzero(changes) + 1).tolist(), len(records)]
        yield from itertools.pairwise(edges)


def _key(keys: Keys, owner_and_record: bytes, epoch: int) -> bytes:
    owner = _OWNERS.get(owner_and_record[:3])
    if owner is None:
        raise BadTemplate("A reference has an unknown owner.")
    return keys.key(countries.ORDER[owner], epoch, owner_and_record[3:])


def _unfit_faces(heads: np.ndarray, sealed: SealedMany, opened: np.ndarray) -> np.ndarray:
    """Rows of opened faces that are not of the model they were sealed as; prints are checked when they are put."""
    faces = np.flatnonzero(opened & (heads["modality"] == Modality.FACE))
    models, which = np.unique(heads["model"][faces], return_inverse=True)
    size = np.array([_size_of_face(model) for model in models.tolist()], np.int64)[which]
    unfit = sealed.lengths[faces] != size
    sound = faces[~unfit]
    said = sealed.content[sealed.begins[sound][:, None] + np.arange(_MODEL)]
    unfit[~unfit] = (said != np.ascontiguousarray(heads["model"][sound]).view(np.uint8).reshape(-1, _MODEL)).any(axis=1)
    return faces[unfit]


def _size_of_face(model: bytes) -> int:
    """Bytes of a face template of a model; -1 if the model is not known."""
    try:
        return _FACE_HEAD + 4 * _dimension(model.decode("ascii", "replace"))
    except BadTemplate:
        return -1


def _references(rows: np.ndarray, templates: Blobs) -> References:
    until, expires = (np.minimum(rows[name], EVER).astype(np.int64) for name in ("valid_until", "expires"))
    return References(
        np.ascontiguousarray(rows["record"]),
        np.ascontiguousarray(rows["sample"]),
        np.array([_OWNERS[owner] for owner in rows["owner"].tolist()], np.int16),
        rows["visible"],
        np.minimum(rows["valid_from"], EVER).astype(np.int64),
        np.minimum(np.where(until == 0, expires, until), np.where(expires == 0, until, expires)),
        rows["modality"],
        rows["position"],
        templates,
    )
