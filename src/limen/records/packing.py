"""Rows of the database as the feed's messages, by columns: a whole gallery passes here at every start."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from limen.records.tables import State
from limen.vault.seal import Use
from limen.wire.messages.limits import MAX_BATCH, VISIBILITY
from limen.wire.rows import BATCH_ROW, Loose

Row = Sequence[Any]


def handles(rows: Sequence[Row], columns: tuple[int, int]) -> np.ndarray:
    """Heads, `BATCH_ROW` (n,), that withdraw: record and sample stand in these columns, as the database signs them."""
    heads = np.zeros(len(rows), BATCH_ROW)
    for name, column in zip(("record", "sample"), columns, strict=True):
        heads[name] = np.array([row[column] for row in rows], np.int64).view(np.uint64)
    return heads


def heads_of(samples: Sequence[Row], records: Sequence[Row], now: int) -> tuple[np.ndarray, list[bytes]]:
    """Heads of samples, `BATCH_ROW` (n,), and their templates.

    Args:
        samples: change, handle, record's id, modality, position, epoch, model, id, end, template; one at least.
        records: those that they belong to: id, state, handle, owner, visible, valid from and until, sealed as.
            Ids as their database gives them raw: hexadecimal (SQLite) or 16 bytes.
        now: Unix seconds; samples of records whose time is over, or that are not active, withdraw.
    """
    _, sample, of, modality, position, epoch, model, sample_id, expires, templates = zip(*samples, strict=True)
    place = {record[0]: number for number, record in enumerate(records)}
    whose = np.array([place[one] for one in of], np.int64)
    record_id, state, handle, owner, visible, since, until, sealed_as = zip(*records, strict=True)
    fields = np.zeros(len(records), BATCH_ROW)
    fields["record"] = np.array(handle, np.int64).view(np.uint64)
    fields["visible"] = np.frombuffer(b"".join(visible), np.uint8).reshape(-1, VISIBILITY)
    fields["valid_from"], fields["valid_until"], fields["owner"] = since, until, owner
    fields["record_id"] = _ids([other or one for one, other in zip(record_id, sealed_as, strict=True)])
    fields["use"] = Use.TEMPLATE
    live = np.array([one == State.ACTIVE for one in state]) & (fields["valid_until"] > np.uint64(now))
    heads = fields[whose]
    heads["sample"] = np.array(sample, np.int64).view(np.uint64)
    heads["sample_id"] = _ids(sample_id)
    heads["modality"], heads["position"], heads["epoch"] = modality, position, epoch
    heads["model"], heads["expires"] = model, expires
    stays = live[whose] & np.array([one is not None for one in templates])
    if stays.all():
        kept = list(templates)
    else:
        heads[~stays] = _withdrawing(heads[~stays])
        kept = [one if stay else b"" for one, stay in zip(templates, stays.tolist(), strict=True)]
    heads["length"] = list(map(len, kept))
    return heads, kept


def messages(heads: np.ndarray, templates: Sequence[bytes]) -> Iterator[Loose]:
    """The feed's messages, none larger than one may be."""
    ends = np.cumsum(heads["length"].astype(np.int64) + BATCH_ROW.itemsize)
    first, before = 0, 0
    while first < len(heads):  # the one too many stays: the limit leaves room for it
        last = min(int(np.searchsorted(ends, before + MAX_BATCH, side="right")) + 1, len(heads))
        yield Loose(heads[first:last], templates[first:last])
        first, before = last, int(ends[last - 1])


def _withdrawing(heads: np.ndarray) -> np.ndarray:
    bare = np.zeros(len(heads), BATCH_ROW)
    bare["record"], bare["sample"] = heads["record"], heads["sample"]
    return bare


def _ids(ids: Sequence[str | bytes | uuid.UUID]) -> np.ndarray:
    joined: Any = "".join(ids) if isinstance(ids[0], str) else b"".join(ids)  # type: ignore[arg-type]
    return np.frombuffer(bytes.fromhex(joined) if isinstance(joined, str) else joined, "V16")
