"""From what the feed sends to references: unsealed with the record's key, which the matcher alone gets."""

from __future__ import annotations

from collections import Counter
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
from limen.vault.seal import RecordSeal, Use
from limen.wire.messages import GalleryBatch
from limen.wire.rows import BATCH_ROW, BOUND

_RECORD = slice(1, 20)  # of the bound fields: owner and record, what has one key
_MODALITY = 1 + 3 + 16 + 16  # where the modality stands among them
_MODEL, _FACE_HEAD = 16, 20  # bytes at the start of a face template: its model; all before the numbers
_OWNERS = {code.encode("ascii"): number for number, code in enumerate(countries.ORDER)}
_MODALITIES = frozenset(int(modality) for modality in Modality)


@dataclass(frozen=True)
class Opened:
    """A batch of changes, opened.

    Attributes:
        withdrawn: (record, sample) of what goes, to be done first; what did not open is among them, so that what was
            there under its handle does not stay.
        references: what is put.
        refused: why references did not open, by the errors' codes, counted; without countries whose key is missing.
        rejected: how many did not open, of whatever country.
    """

    withdrawn: list[tuple[int, int]]
    references: References
    refused: Counter[str] = field(default_factory=Counter)
    rejected: int = 0


def open_batch(batch: GalleryBatch, keys: Keys) -> Opened:
    """Open a batch.

    Raises:
        BadMessage: it is none.
        Unavailable: the vault does not answer now.
    """
    rows, blobs = _rows(batch)
    withdrawn, wanted = _in_force(rows)
    epochs, tail = rows["epoch"].tolist(), batch.tail
    templates, opened = [], []
    refused: Counter[str] = Counter()
    whose, seal = (b"", 0), None
    for row in wanted:
        bound = tail[row * BATCH_ROW.itemsize + BOUND : (row + 1) * BATCH_ROW.itemsize]
        try:
            if seal is None or whose != (bound[_RECORD], epochs[row]):  # the samples of a record follow one another
                whose, seal = (bound[_RECORD], epochs[row]), None
                seal = RecordSeal(_key(keys, bound[_RECORD], epochs[row]))
            templates.append(_checked(bound, seal.open(bound, tail[blobs[row] : blobs[row + 1]])))
            opened.append(row)
        except (KeyUnavailable, Damaged, BadTemplate) as error:
            withdrawn.append((int(rows["record"][row]), int(rows["sample"][row])))
            if bound[1:4].decode("ascii", "replace") not in keys.missing:  # it is said once, by its country
                refused[error.code] += 1
    return Opened(withdrawn, _references(rows[opened], templates), refused, len(wanted) - len(opened))


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


def _rows(batch: GalleryBatch) -> tuple[np.ndarray, list[int]]:
    """The heads, and where each one's template begins; one more for the end."""
    heads = batch.count * BATCH_ROW.itemsize
    if not 0 < heads <= len(batch.tail):
        raise BadMessage("A batch of changes is empty, or shorter than its heads.")
    rows = np.frombuffer(batch.tail, BATCH_ROW, batch.count)
    ends = heads + np.concatenate([[0], np.cumsum(rows["length"], dtype=np.int64)])
    if ends[-1] != len(batch.tail):
        raise BadMessage("A batch of changes has the wrong length.")
    return rows, ends.tolist()


def _in_force(rows: np.ndarray) -> tuple[list[tuple[int, int]], list[int]]:
    """What is withdrawn, and which rows are put afterwards: of changes to one sample the last."""
    if rows["length"].all() and len(np.unique(rows["sample"])) == len(rows):
        return [], list(range(len(rows)))
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
    return withdrawn, sorted(row for of_record in puts.values() for row in of_record.values())


def _key(keys: Keys, owner_and_record: bytes, epoch: int) -> bytes:
    owner = _OWNERS.get(owner_and_record[:3])
    if owner is None:
        raise BadTemplate("A reference has an unknown owner.")
    return keys.key(countries.ORDER[owner], epoch, owner_and_record[3:])


def _checked(bound: bytes, content: bytes) -> bytes:
    """A template, if it is of the use, modality and model that it was sealed as; packed prints are checked when put."""
    use, modality, model = bound[0], bound[_MODALITY], bound[_MODALITY + 2 : _MODALITY + 2 + _MODEL]
    if use != Use.TEMPLATE or modality not in _MODALITIES:
        raise BadTemplate("A reference is no template, or of an unknown modality.")
    if modality == Modality.FACE:
        if content[:_MODEL] != model:
            raise BadTemplate("A face template is not of the model that it was sealed as.")
        if len(content) != _FACE_HEAD + 4 * _dimension(model.rstrip(b"\0").decode("ascii", "replace")):
            raise BadTemplate("A face template has not the dimension of its model.")
    return content


def _references(rows: np.ndarray, templates: list[bytes]) -> References:
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
