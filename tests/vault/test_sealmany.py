"""Many blobs opened at once: as one by one, and what is none is refused without the rest."""

from __future__ import annotations

import os

import numpy as np

from limen.vault.seal import DOMAIN, HEAD, OF_COUNTRY, OVERHEAD, Context, Use, seal_blob
from limen.vault.sealmany import SealedMany

KEY, EPOCH = bytes(range(32)), 3
RECORD = b"r" * 16


def _context(number: int) -> Context:
    return Context(Use.TEMPLATE, b"FRA", RECORD, bytes([number]) * 16, 2, number, b"leader", 99)


def _many(blobs: list[bytes]) -> SealedMany:
    ends = np.cumsum([len(blob) for blob in blobs], dtype=np.int64)
    bound = [_context(number).aad()[len(DOMAIN) :] for number in range(len(blobs))]
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    return SealedMany(b"".join(blobs), begins, ends, np.array([np.frombuffer(one, np.uint8) for one in bound]))


def test_they_open_as_one_by_one_and_what_is_none_is_named() -> None:
    plain = [os.urandom(size) for size in (1, 1300, 0, 700, 40, 33, 5)]
    blobs = [seal_blob(KEY, _context(number), EPOCH, one) for number, one in enumerate(plain)]
    blobs[1] = blobs[1][:-1] + bytes([blobs[1][-1] ^ 1])  # changed
    blobs[3] = HEAD.pack(OF_COUNTRY, EPOCH) + blobs[3][HEAD.size :]  # of another kind
    blobs[4] = blobs[4][: OVERHEAD - 1]  # shorter than any blob
    blobs[5] = b""
    many = _many(blobs)
    assert many.open(KEY, 0, 4) + many.open(KEY, 4, 7) == [1, 3, 4, 5]
    assert [many.blobs[row] for row in (0, 2, 6)] == [plain[0], plain[2], plain[6]]
    assert many.lengths.tolist() == [1, 1300, 0, -1, -1, -1, 5]


def test_blobs_that_changed_places_do_not_open() -> None:
    blobs = [seal_blob(KEY, _context(number), EPOCH, b"same length") for number in range(3)]
    assert _many([blobs[1], blobs[0], blobs[2]]).open(KEY, 0, 3) == [0, 1]
    assert _many(blobs).open(bytes(32), 0, 3) == [0, 1, 2]
